/* Reading and writing ISO 8601, and reading by a pattern. */
#include "base/time.h"

#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/json.h"
#include "base/num.h"

#define DAY INT64_C(86400000)

int64_t time_monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t time_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool take_char(struct span *text, char c)
{
    if (text->len == 0 || text->at[0] != c)
        return false;
    span_skip(text, 1);
    return true;
}

static bool take_digits(struct span *text, size_t count, int low, int high, int *number)
{
    if (!num_digits(*text, count, number) || *number < low || *number > high)
        return false;
    span_skip(text, count);
    return true;
}

static bool take_date(struct span *text, int64_t *days)
{
    if (text->len < DATE_TEXT - 1 || !date_parse((struct span){text->at, DATE_TEXT - 1}, days))
        return false;
    span_skip(text, DATE_TEXT - 1);
    return true;
}

/* Milliseconds of a fraction of one to nine digits. */
static bool take_fraction(struct span *text, int *ms)
{
    size_t count = 0;
    *ms = 0;
    while (count < text->len && text->at[count] >= '0' && text->at[count] <= '9')
        count++;
    if (count == 0 || count > 9)
        return false;
    for (size_t i = 0; i < 3; i++)
        *ms = *ms * 10 + (i < count ? text->at[i] - '0' : 0);
    span_skip(text, count);
    return true;
}

bool time_parse_clock(struct span text, int *minutes)
{
    int hour, minute;
    if (!take_digits(&text, 2, 0, 24, &hour) || !take_char(&text, ':') ||
        !take_digits(&text, 2, 0, 59, &minute) || text.len > 0)
        return false;
    *minutes = hour * 60 + minute;
    return *minutes <= TIME_DAY_MINUTES;
}

static bool take_clock(struct span *text, int64_t *ms)
{
    int hour, minute;
    int second = 0;
    int fraction = 0;
    if (!take_digits(text, 2, 0, 23, &hour) || !take_char(text, ':') || !take_digits(text, 2, 0, 59, &minute))
        return false;
    if (take_char(text, ':')) {
        if (!take_digits(text, 2, 0, 59, &second))
            return false;
        if (take_char(text, '.') && !take_fraction(text, &fraction))
            return false;
    }
    *ms = ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + fraction;
    return true;
}

/* Seconds east of UTC. */
static bool take_offset(struct span *text, int *seconds)
{
    if (take_char(text, 'Z') || take_char(text, 'z')) {
        *seconds = 0;
        return true;
    }
    bool west = text->len > 0 && text->at[0] == '-';
    int hours, minutes;
    if (!(take_char(text, '+') || take_char(text, '-')) || !take_digits(text, 2, 0, 23, &hours))
        return false;
    take_char(text, ':');
    if (!take_digits(text, 2, 0, 59, &minutes))
        return false;
    *seconds = (hours * 60 + minutes) * (west ? -60 : 60);
    return true;
}

/* From milliseconds of a wall clock to those of UTC. */
static bool place(int64_t wall, const struct zone *zone, int64_t *ms)
{
    if (zone == NULL)
        return false;
    *ms = zone_to_utc(zone, wall / 1000) * 1000 + wall % 1000;
    return true;
}

bool time_parse(struct span text, const struct zone *zone, int64_t *ms)
{
    int64_t days, clock;
    if (!take_date(&text, &days) ||
        !(take_char(&text, 'T') || take_char(&text, 't') || take_char(&text, ' ')) ||
        !take_clock(&text, &clock))
        return false;
    int64_t wall = days * DAY + clock;
    if (text.len == 0)
        return place(wall, zone, ms);
    int offset;
    if (!take_offset(&text, &offset) || text.len > 0)
        return false;
    *ms = wall - offset * INT64_C(1000);
    return true;
}

static const struct span months[] = {
    SPAN("January"), SPAN("February"), SPAN("March"),     SPAN("April"),   SPAN("May"),      SPAN("June"),
    SPAN("July"),    SPAN("August"),   SPAN("September"), SPAN("October"), SPAN("November"), SPAN("December"),
};

/* No month's name is the start of another's, in full or in three letters. */
static bool take_month_cut_to(size_t letters, struct span *text, int *month)
{
    for (int i = 0; i < 12; i++) {
        struct span name = months[i];
        name.len = name.len < letters ? name.len : letters;
        if (span_starts_nocase(*text, name)) {
            span_skip(text, name.len);
            *month = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_short_month(struct span *text, int *month)
{
    return take_month_cut_to(3, text, month);
}

static bool take_long_month(struct span *text, int *month)
{
    return take_month_cut_to(SIZE_MAX, text, month);
}

/* The hours to add to those of a clock of twelve. */
static bool take_half(struct span *text, int *hours)
{
    bool is_pm = span_starts_nocase(*text, SPAN("PM"));
    if (!is_pm && !span_starts_nocase(*text, SPAN("AM")))
        return false;
    span_skip(text, 2);
    *hours = is_pm ? 12 : 0;
    return true;
}

/* What a pattern can say, each at most once. */
enum part { YEAR, MONTH, DAY_OF_MONTH, HOUR, HOUR_OF_12, HALF, MINUTE, SECOND, FRACTION, OFFSET, PARTS };

struct conversion {
    char letter;
    enum part part;
    bool (*take)(struct span *text, int *number); /* NULL: digits, as follows */
    size_t digits;
    int low, high;
    bool may_be_short; /* with a '-' before its letter, one digit will do */
};

static const struct conversion conversions[] = {
    {'Y', YEAR, NULL, 4, DATE_FIRST_YEAR, DATE_LAST_YEAR, false},
    {'m', MONTH, NULL, 2, 1, 12, true},
    {'b', MONTH, take_short_month, 0, 0, 0, false},
    {'B', MONTH, take_long_month, 0, 0, 0, false},
    {'d', DAY_OF_MONTH, NULL, 2, 1, 31, true},
    {'H', HOUR, NULL, 2, 0, 23, true},
    {'I', HOUR_OF_12, NULL, 2, 1, 12, true},
    {'p', HALF, take_half, 0, 0, 0, false},
    {'M', MINUTE, NULL, 2, 0, 59, false},
    {'S', SECOND, NULL, 2, 0, 59, false},
    {'f', FRACTION, take_fraction, 0, 0, 0, false},
    {'z', OFFSET, take_offset, 0, 0, 0, false},
};

/* One piece of a pattern: a conversion, or without one a character that stands for itself. */
struct piece {
    const struct conversion *conversion;
    bool is_short;
    char literal;
};

static const struct conversion *find_conversion(char letter)
{
    for (size_t i = 0; i < sizeof conversions / sizeof conversions[0]; i++)
        if (conversions[i].letter == letter)
            return &conversions[i];
    return NULL;
}

/* False if the pattern is mistaken here, or says something that it has *said before. */
static bool take_piece(struct span *pattern, unsigned *said, struct piece *piece)
{
    *piece = (struct piece){.literal = pattern->at[0]};
    span_skip(pattern, 1);
    if (piece->literal != '%' || take_char(pattern, '%'))
        return true;
    piece->is_short = take_char(pattern, '-');
    piece->conversion = pattern->len > 0 ? find_conversion(pattern->at[0]) : NULL;
    if (piece->conversion == NULL || (piece->is_short && !piece->conversion->may_be_short))
        return false;
    span_skip(pattern, 1);
    unsigned bit = 1u << piece->conversion->part;
    bool is_new = (*said & bit) == 0;
    *said |= bit;
    return is_new;
}

/* Whether a date is said, and the hour, if at all, in one way. */
static bool is_enough(unsigned said)
{
    unsigned date = 1u << YEAR | 1u << MONTH | 1u << DAY_OF_MONTH;
    unsigned twelve = 1u << HOUR_OF_12 | 1u << HALF;
    unsigned hour = said & (1u << HOUR | twelve);
    return (said & date) == date && (hour == 0 || hour == 1u << HOUR || hour == twelve);
}

bool time_is_pattern(struct span pattern)
{
    unsigned said = 0;
    while (pattern.len > 0) {
        struct piece piece;
        if (!take_piece(&pattern, &said, &piece))
            return false;
    }
    return is_enough(said);
}

/* A short number takes all the digits it can: 12 is never a 1 and a 2. */
static bool take_number(struct span *text, const struct piece *piece, int *number)
{
    const struct conversion *conversion = piece->conversion;
    size_t digits = conversion->digits;
    int ignored;
    if (piece->is_short && !num_digits(*text, digits, &ignored))
        digits = 1;
    return take_digits(text, digits, conversion->low, conversion->high, number);
}

static bool take_part(struct span *text, const struct piece *piece, int parts[PARTS])
{
    const struct conversion *conversion = piece->conversion;
    if (conversion == NULL)
        return take_char(text, piece->literal);
    int *number = &parts[conversion->part];
    return conversion->take ? conversion->take(text, number) : take_number(text, piece, number);
}

bool time_parse_as(struct span pattern, struct span text, const struct zone *zone, int64_t *ms)
{
    int parts[PARTS] = {0};
    unsigned said = 0;
    while (pattern.len > 0) {
        struct piece piece;
        if (!take_piece(&pattern, &said, &piece) || !take_part(&text, &piece, parts))
            return false;
    }
    if (text.len > 0 || !is_enough(said) || parts[DAY_OF_MONTH] > date_month_days(parts[YEAR], parts[MONTH]))
        return false;
    int64_t days = date_days((struct date){parts[YEAR], parts[MONTH], parts[DAY_OF_MONTH]});
    int hour = parts[HOUR] + parts[HOUR_OF_12] % 12 + parts[HALF];
    int seconds = (hour * 60 + parts[MINUTE]) * 60 + parts[SECOND];
    int64_t wall = days * DAY + seconds * INT64_C(1000) + parts[FRACTION];
    if ((said & 1u << OFFSET) == 0)
        return place(wall, zone, ms);
    *ms = wall - parts[OFFSET] * INT64_C(1000);
    return true;
}

void time_write(char text[TIME_TEXT], int64_t ms)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    int clock = (int)(seconds - days * 86400);
    date_write(text, days);
    memcpy(text + DATE_TEXT - 1, "T00:00:00Z", TIME_TEXT - DATE_TEXT + 1);
    num_put_digits(text + 11, 2, clock / 3600);
    num_put_digits(text + 14, 2, clock / 60 % 60);
    num_put_digits(text + 17, 2, clock % 60);
}

void time_add(struct buf *out, const char *key, int64_t ms)
{
    char text[TIME_TEXT];
    time_write(text, ms);
    if (ms == 0)
        json_add_raw(out, key, SPAN("null"));
    else
        json_add_str(out, key, span_of(text));
}
