/* Pickups: looked at, confirmed in a vendor's words, moved. */
#include <string.h>

#include "base/time.h"
#include "flow/pickups.h"
#include "model/builtin.h"
#include "page.h"
#include "trip.h"

static void put_pickup(struct buf *out, const struct pickup *pickup)
{
    json_open(out, '{');
    json_add_str(out, "pickupId", pickup->pickup_id);
    json_add_str(out, "origin", pickup->origin);
    json_add_str(out, "clinicId", pickup->clinic_id);
    json_add_str(out, "labId", pickup->lab_id);
    json_add_str(out, "status", span_of(pickup_status_name(pickup->status)));
    json_add_str(out, "priority", span_of(priority_name(pickup->priority)));
    json_key(out, SPAN("window"));
    json_open(out, '{');
    time_add(out, "start", pickup->window.start);
    time_add(out, "end", pickup->window.end);
    json_close(out, '}');
    trip_put_text(out, "series", pickup->series);
    trip_put(out, pickup->driver, pickup->eta);
    json_add_raw(out, "detail", pickup->detail);
    json_add_int(out, "seq", pickup->seq);
    time_add(out, "created", pickup->created);
    time_add(out, "updated", pickup->updated);
    json_close(out, '}');
}

/* A page. */

static void put_row(void *arg, const struct pickup *pickup)
{
    struct page *page = arg;
    if (page_note_number(page, pickup->id))
        put_pickup(&page->out, pickup);
}

static int64_t time_param(const struct ask *ask, const char *name, int64_t otherwise)
{
    int64_t ms;
    struct span text = ask_param(ask, name);
    return text.at != NULL && time_parse(text, NULL, &ms) ? ms : otherwise;
}

static enum err run_page(struct view *view, struct ask *ask)
{
    struct page *page = ask->data;
    struct pickup_filter filter = {.org = ask_org(ask),
                                   .status = ask_text(ask, "status"),
                                   .clinic = ask_text(ask, "clinicId"),
                                   .from = time_param(ask, "from", INT64_MIN),
                                   .to = time_param(ask, "to", INT64_MAX),
                                   .after = page->after_number,
                                   .limit = page->limit};
    return pickup_each(view, &filter, put_row, page);
}

void api_pickups(struct ask *ask)
{
    page_begin(ask, "pickups");
    ask_read(ask, run_page, page_answer);
}

/* One. */

struct one {
    struct pickup pickup;
    struct span origin; /* empty: whichever there is, if it is one alone */
    const char *why;    /* of a conflict */
};

static enum err find(struct view *view, struct ask *ask, struct one *one)
{
    struct pickup_list list;
    if (one->origin.len > 0)
        return pickup_find(view, ask_arena(ask), ask_org(ask), one->origin, ask->names[0], &one->pickup);
    TRY(pickup_find_all(view, ask_arena(ask), ask_org(ask), ask->names[0], &list));
    if (list.count == 0)
        return ERR_NOT_FOUND;
    one->why = "Several sources have a pickup of that id: say which by origin";
    one->pickup = list.all[0];
    return list.count == 1 ? ERR_OK : ERR_CONFLICT;
}

static bool is_good(struct ask *ask, enum err err)
{
    const struct one *one = ask->data;
    if (err != ERR_CONFLICT)
        return ask_is_good(ask, err);
    ask_refuse(ask, err, one->why);
    return false;
}

/* A JSON text, or null. */
static struct span term_text(struct arena *arena, struct span text)
{
    struct buf out = {.arena = arena};
    if (text.len == 0)
        return SPAN("null");
    json_put_str(&out, text);
    return buf_span(&out);
}

static struct span term_time(struct arena *arena, int64_t ms)
{
    char text[TIME_TEXT];
    time_write(text, ms);
    return ms == 0 ? SPAN("null") : term_text(arena, span_of(text));
}

static void put_confirmation(struct ask *ask, struct buf *out, const struct confirmation *confirmation)
{
    const struct one *one = ask->data;
    struct arena *arena = ask_arena(ask);
    struct json_fault fault;
    struct json *detail = json_parse(one->pickup.detail, &fault);
    struct json *driver = one->pickup.driver.len > 0 ? json_parse(one->pickup.driver, &fault) : NULL;
    struct span external = json_str(json_get(json_get(detail, "metadata"), "externalId"));
    struct span terms[TERM_COUNT] = {
        [TERM_EXTERNAL_ID] = term_text(arena, external.len > 0 ? external : one->pickup.pickup_id),
        [TERM_PICKUP_ID] = term_text(arena, one->pickup.pickup_id),
        [TERM_STATUS] = term_text(arena, span_of(pickup_status_name(one->pickup.status))),
        [TERM_WINDOW_START] = term_time(arena, one->pickup.window.start),
        [TERM_ETA] = term_time(arena, one->pickup.eta),
        [TERM_DRIVER_NAME] = term_text(arena, json_str(json_get(driver, "name"))),
        [TERM_DRIVER_PHONE] = term_text(arena, json_str(json_get(driver, "phone"))),
    };
    confirmation_write(confirmation, terms, out);
    json_free(driver);
    json_free(detail);
}

/* The words of a vendor that a source speaks, or of one that is built in, which then is to be freed. */
static const struct definition *find_words(const struct ask *ask, struct span vendor, struct definition **own)
{
    const struct sources *sources = ask->exchange.face->sources;
    struct faults faults CLEANUP(faults_free) = {0};
    *own = NULL;
    for (size_t i = 0; i < sources->count; i++)
        if (sources->all[i].definition != NULL && span_is(sources->all[i].definition->vendor, vendor))
            return sources->all[i].definition;
    for (size_t i = 0; i < BUILTIN_COUNT; i++)
        if (span_is(span_of(builtin_at(i).vendor), vendor))
            *own = definition_load(builtin_at(i).text, builtin_at(i).vendor, &faults);
    return *own;
}

static void answer_as(struct ask *ask, struct span vendor)
{
    struct definition *own;
    struct buf out = {.arena = ask_arena(ask)};
    const struct definition *definition = find_words(ask, vendor, &own);
    if (definition == NULL || definition->confirmation == NULL) {
        ask_refuse(ask, ERR_NOT_FOUND, "No vendor of that name has a confirmation");
    } else {
        put_confirmation(ask, &out, definition->confirmation);
        ask_answer(ask, 200, buf_span(&out));
    }
    if (own != NULL)
        definition_free(own);
}

static void answer_pickup(struct ask *ask)
{
    const struct one *one = ask->data;
    struct buf out = {.arena = ask_arena(ask)};
    put_pickup(&out, &one->pickup);
    ask_answer(ask, 200, buf_span(&out));
}

static enum err run_one(struct view *view, struct ask *ask)
{
    return find(view, ask, ask->data);
}

static void answer_one(struct ask *ask, enum err err)
{
    struct span vendor = ask_param(ask, "as");
    if (!is_good(ask, err))
        return;
    if (vendor.at != NULL)
        answer_as(ask, vendor);
    else
        answer_pickup(ask);
}

/* Before the pickup is read: who asks in vain is told nothing of it. */
static bool is_spoken(struct ask *ask, struct span vendor)
{
    struct definition *own;
    const struct definition *definition = find_words(ask, vendor, &own);
    bool is_spoken = definition != NULL && definition->confirmation != NULL;
    if (own != NULL)
        definition_free(own);
    if (!is_spoken)
        ask_refuse(ask, ERR_NOT_FOUND, "No vendor of that name has a confirmation");
    return is_spoken;
}

void api_pickup(struct ask *ask)
{
    struct span vendor = ask_param(ask, "as");
    struct one *one = arena_alloc(ask_arena(ask), sizeof *one);
    one->origin = ask_param(ask, "origin");
    ask->data = one;
    if (vendor.at == NULL || is_spoken(ask, vendor))
        ask_read(ask, run_one, answer_one);
}

/* Moving. */

static enum err call_move(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct one *one = ask->data;
    struct pickup_move move = {
        .by = span_of(ask->token->name), .driver = trip_driver(ask), .eta = trip_eta(ask), .now = time_now()};
    TRY(find(store_view(store), ask, one));
    one->why = "The pickup's status does not allow that";
    if (!pickup_status_read(json_str(json_get(ask->body, "status")), &move.to))
        return ERR_BAD_REQUEST;
    TRY(pickup_move(store, &one->pickup, &move));
    return find(store_view(store), ask, one);
}

static void answer_move(struct ask *ask, enum err err)
{
    if (is_good(ask, err))
        answer_pickup(ask);
}

void api_pickup_status(struct ask *ask)
{
    struct one *one = arena_alloc(ask_arena(ask), sizeof *one);
    one->origin = json_str(json_get(ask->body, "origin"));
    ask->data = one;
    ask_grow(ask, call_move, answer_move);
}
