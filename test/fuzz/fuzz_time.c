/* A line with a pattern, and a text that may be a time. */
#include "fuzz.h"

#define DAY INT64_C(86400000)

/* Whatever is read is within the years, but for a zone's day, and written it reads as the same second. */
static void check_time(int64_t ms)
{
    char text[TIME_TEXT];
    int64_t again;
    HOLDS(ms > -DAY && ms < TIME_LAST + DAY);
    time_write(text, ms);
    HOLDS(strlen(text) == TIME_TEXT - 1);
    if (ms < 0 || ms > TIME_LAST)
        return;
    HOLDS(time_parse(span_of(text), NULL, &again) && again == ms - ms % 1000);
}

/* What can be read by this pattern, which says what time_parse takes, too, is then the same time. */
static void check_alike(struct span pattern, struct span text, const struct zone *zone)
{
    int64_t plain, by_pattern;
    if (time_parse_as(pattern, text, zone, &by_pattern))
        HOLDS(time_parse(text, zone, &plain) && plain == by_pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t ms;
    struct span text = fuzz_span(data, size);
    struct span pattern = span_cut(&text, '\n');
    const struct zone *zones[] = {NULL, zone_find(SPAN("America/New_York"))};
    for (size_t i = 0; i < 2; i++) {
        if (time_parse(text, zones[i], &ms))
            check_time(ms);
        if (time_parse_as(pattern, text, zones[i], &ms)) {
            HOLDS(time_is_pattern(pattern));
            check_time(ms);
        }
        check_alike(SPAN("%Y-%m-%dT%H:%M:%S.%f%z"), text, zones[i]);
        check_alike(SPAN("%Y-%m-%dT%H:%M:%S%z"), text, zones[i]);
        check_alike(SPAN("%Y-%m-%d %H:%M:%S"), text, zones[i]);
    }
    return 0;
}
