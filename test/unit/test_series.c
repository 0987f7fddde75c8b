/* PickupRequested with a recurringSchedule: which pickups it makes, changes and cancels. */
#include "yard.h"

#include "base/date.h"
#include "flow/horizon.h"

/* 2025-01-20 is a Monday. Open on working days, in New York. */
#define NOW   "2025-01-20T13:30:00Z"
#define DAY   "[{'open':'08:00','close':'17:00'}]"
#define HOURS "{'monday':" DAY ",'tuesday':" DAY ",'wednesday':" DAY ",'thursday':" DAY ",'friday':" DAY "}"

static void ready(struct yard *yard, void **state)
{
    yard_open(yard, *state, NOW);
    yard_clinic(yard, "C1", "America/New_York", HOURS);
}

#define ASK(rest)                                                                                            \
    "{'pickupId':'s','clinicId':'C1','windowStart':'2025-01-22T14:00:00Z',"                                  \
    "'windowEnd':'2025-01-22T16:00:00Z'" rest "}"
#define RECUR(frequency, days, start, end)                                                                   \
    ",'recurringSchedule':{'frequency':'" frequency "','daysOfWeek':[" days                                  \
    "],'timeWindow':{'start':'" start "','end':'" end "'}}"

static size_t count_of(struct yard *yard, const char *what)
{
    size_t count = 0;
    for (const char *at = yard_pickups(yard); (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

/* Of those that some text starts with, the first or all up to `most` bytes. */
static void check_starts(const char *row, const char *got, const char *want)
{
    CHECK(row, strlen(got) >= strlen(want));
    check_text(row, (struct span){got, strlen(want)}, want);
}

static struct schedule_row schedule_of(struct yard *yard)
{
    struct schedule_row row = {0};
    assert_int_equal(schedule_find(store_view(yard->store), &yard->shelf->arena, SPAN("default"),
                                   SPAN("north"), SPAN("s"), &row),
                     ERR_OK);
    return row;
}

static void biweekly_from_the_middle_of_a_week(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, ASK(RECUR("BIWEEKLY", "1,3", "09:00", "11:00")), "done");
    /* From Wednesday on; the week after next in full; DST begins on March 9. The horizon is April 19. */
    check_pickups(&yard, "s-20250122 Pending - 01-22T14:00 16:00; "
                         "s-20250203 Pending - 02-03T14:00 16:00; s-20250205 Pending - 02-05T14:00 16:00; "
                         "s-20250217 Pending - 02-17T14:00 16:00; s-20250219 Pending - 02-19T14:00 16:00; "
                         "s-20250303 Pending - 03-03T14:00 16:00; s-20250305 Pending - 03-05T14:00 16:00; "
                         "s-20250317 Pending - 03-17T13:00 15:00; s-20250319 Pending - 03-19T13:00 15:00; "
                         "s-20250331 Pending - 03-31T13:00 15:00; s-20250402 Pending - 04-02T13:00 15:00; "
                         "s-20250414 Pending - 04-14T13:00 15:00; s-20250416 Pending - 04-16T13:00 15:00");
    check_text("horizon", schedule_of(&yard).horizon, "2025-04-19");
    check_text("skipped", schedule_of(&yard).skipped, "[]");
    store_close(yard.store);
}

static void across_the_change_in_autumn(void **state)
{
    struct yard yard;
    ready(&yard, state);
    yard.now = at("2025-10-27T12:00:00Z");
    check_ask(&yard, ASK(RECUR("BIWEEKLY", "5", "09:00", "11:00")),
              "done"); /* every other week since January */
    check_starts("made", yard_pickups(&yard),
                 "s-20251031 Pending - 10-31T13:00 15:00; s-20251114 Pending - 11-14T14:00 16:00; ");
    store_close(yard.store);
}

static void closed_days_are_skipped_and_noted(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, ASK(RECUR("DAILY", "", "09:00", "11:00")), "done");
    /* From January 22 to April 19 there are 88 days, of which 25 are of a weekend. */
    check_int("made", (int64_t)count_of(&yard, "Pending"), 63);
    check_starts("made", yard_pickups(&yard),
                 "s-20250122 Pending - 01-22T14:00 16:00; s-20250123 Pending - 01-23T14:00 16:00; "
                 "s-20250124 Pending - 01-24T14:00 16:00; s-20250127 Pending - 01-27T14:00 16:00; ");
    check_starts("skipped", schedule_of(&yard).skipped.at,
                 "[\"2025-01-25\",\"2025-01-26\",\"2025-02-01\",\"2025-02-02\"");
    store_close(yard.store);
}

static void a_schedule_of_closed_days_alone_is_refused(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, ASK(RECUR("WEEKLY", "0,6", "09:00", "11:00")),
              "the clinic C1 is closed on all dates of the schedule {'nextWindow':{"
              "'start':'2025-01-27T13:00:00Z','end':'2025-01-27T15:00:00Z'}} [C1]");
    check_ask(&yard, ASK(RECUR("DAILY", "", "18:00", "19:00")),
              "the clinic C1 is closed on all dates of the schedule {'nextWindow':{"
              "'start':'2025-01-23T13:00:00Z','end':'2025-01-23T14:00:00Z'}} [C1]");
    check_pickups(&yard, "");
    store_close(yard.store);
}

static void a_first_date_beyond_the_horizon_waits(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard,
              "{'pickupId':'s','clinicId':'C1','windowStart':'2026-01-22T14:00:00Z',"
              "'windowEnd':'2026-01-22T16:00:00Z'" RECUR("DAILY", "", "09:00", "11:00") "}",
              "done");
    check_pickups(&yard, "");
    store_close(yard.store);
}

static void what_is_over_is_not_made(void **state)
{
    struct yard yard;
    ready(&yard, state);
    yard.now = at("2025-01-22T16:00:00Z"); /* as the first window ends */
    check_ask(&yard, ASK(RECUR("WEEKLY", "3", "09:00", "11:00")), "done");
    check_starts("made", yard_pickups(&yard), "s-20250129 Pending");
    yard.now = at("2025-01-22T15:59:59Z");
    yard.origin = "south";
    check_ask(&yard, ASK(RECUR("WEEKLY", "3", "09:00", "11:00")), "done");
    check_int("both", (int64_t)count_of(&yard, "s-20250122 Pending"), 1);
    store_close(yard.store);
}

/* The old windowStart of a schedule that is sent again is no reason to refuse it. */
static void a_schedule_that_began_long_ago_is_taken(void **state)
{
    struct yard yard;
    ready(&yard, state);
    yard.now = at("2025-07-01T12:00:00Z");
    check_ask(&yard, ASK(RECUR("BIWEEKLY", "3", "09:00", "11:00")), "done");
    check_starts("made", yard_pickups(&yard), "s-20250709 Pending - 07-09T13:00 15:00; s-20250723");
    store_close(yard.store);
}

static void a_change_cancels_what_no_longer_matches(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, ASK(RECUR("WEEKLY", "3,5", "09:00", "11:00")), "done");
    assert_int_equal(yard_move(&yard, "s-20250124", PICKUP_ASSIGNED), ERR_OK);
    assert_int_equal(yard_move(&yard, "s-20250131", PICKUP_SKIPPED), ERR_OK);
    yard.now = at("2025-01-22T14:00:00Z"); /* the first one has begun */
    check_ask(&yard, ASK(",'isRush':true" RECUR("WEEKLY", "3,4", "10:00", "12:00")), "done");
    const char *pickups = yard_pickups(&yard);
    check_starts("changed", pickups,
                 "s-20250122 Pending - 01-22T14:00 16:00; " /* begun: as it was */
                 "s-20250124 Assigned - 01-24T14:00 16:00; "
                 "s-20250129 Pending rush 01-29T15:00 17:00; "
                 "s-20250131 Skipped - 01-31T14:00 16:00; "
                 "s-20250205 Pending rush 02-05T15:00 17:00; "
                 "s-20250207 Cancelled - 02-07T14:00 16:00; ");
    CHECK(pickups, strstr(pickups, "s-20250123 Pending rush 01-23T15:00 17:00") != NULL);
    CHECK("told",
          strstr(yard_changes(&yard), "\"id\":\"s-20250207\",\"origin\":\"north\",\"clinicId\":\"C1\","
                                      "\"from\":\"Pending\",\"to\":\"Cancelled\"") != NULL);
    /* Back to what it was: the Fridays that were cancelled are not made again. */
    check_ask(&yard, ASK(RECUR("WEEKLY", "3,5", "09:00", "11:00")), "done");
    pickups = yard_pickups(&yard);
    CHECK(pickups, strstr(pickups, "s-20250207 Cancelled") != NULL);
    CHECK(pickups, strstr(pickups, "s-20250123 Cancelled") != NULL);
    CHECK(pickups, strstr(pickups, "s-20250129 Pending - 01-29T14:00 16:00") != NULL);
    check_int("Fridays", (int64_t)count_of(&yard, "s-20250207"), 1);
    store_close(yard.store);
}

/* The clinic has since closed on Wednesdays. */
static void a_date_that_is_closed_now_still_matches(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, ASK(RECUR("WEEKLY", "3,5", "09:00", "11:00")), "done");
    yard_clinic(&yard, "C1", "America/New_York", "{'friday':" DAY "}");
    check_ask(&yard, ASK(",'notes':'n'" RECUR("WEEKLY", "3,5", "09:00", "11:00")), "done");
    check_int("cancelled", (int64_t)count_of(&yard, "Cancelled"), 0);
    check_ask(&yard, ASK(",'notes':'n'" RECUR("WEEKLY", "3,5", "09:00", "10:00")), "done");
    check_starts("cancelled", yard_pickups(&yard),
                 "s-20250122 Cancelled - 01-22T14:00 16:00; s-20250124 Pending - 01-24T14:00 15:00; ");
    store_close(yard.store);
}

static void a_removed_schedule_cancels_what_is_to_come(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, ASK(RECUR("BIWEEKLY", "3", "09:00", "11:00")), "done");
    assert_int_equal(yard_move(&yard, "s-20250205", PICKUP_ASSIGNED), ERR_OK);
    check_ask(&yard, ASK(""), "done");
    check_pickups(&yard,
                  "s-20250122 Cancelled - 01-22T14:00 16:00; s-20250205 Assigned - 02-05T14:00 16:00; "
                  "s-20250219 Cancelled - 02-19T14:00 16:00; s-20250305 Cancelled - 03-05T14:00 16:00; "
                  "s-20250319 Cancelled - 03-19T13:00 15:00; s-20250402 Cancelled - 04-02T13:00 15:00; "
                  "s-20250416 Cancelled - 04-16T13:00 15:00; s Pending - 01-22T14:00 16:00");
    assert_true(schedule_of(&yard).ended);
    check_notices(&yard, "");
    /* What asked for the schedule, retried late, does not bring it back. */
    check_text("older", span_of(yard_ask_as(&yard, 100, ASK(RECUR("BIWEEKLY", "3", "09:00", "11:00")))),
               "done");
    assert_true(schedule_of(&yard).ended);
    store_close(yard.store);
}

static void a_schedule_is_removed_whatever_its_window_says(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, ASK(RECUR("BIWEEKLY", "3", "09:00", "11:00")), "done");
    check_ask(&yard,
              "{'pickupId':'s','clinicId':'C1','windowStart':'2025-01-25T14:00:00Z',"
              "'windowEnd':'2025-01-25T16:00:00Z','recurringSchedule':null}",
              "done");
    check_int("cancelled", (int64_t)count_of(&yard, "Cancelled"), 7);
    check_int("Pending", (int64_t)count_of(&yard, "Pending"), 0);
    check_notices(&yard, "pickup.refused {'pickupId':'s','origin':'north','clinicId':'C1',"
                         "'windowStart':'2025-01-25T14:00:00Z','windowEnd':'2025-01-25T16:00:00Z',"
                         "'recurring':false,'contactName':'','contactPhone':'',"
                         "'reason':'the clinic C1 is closed at that time','more':{'nextWindow':{"
                         "'start':'2025-01-27T13:00:00Z','end':'2025-01-27T15:00:00Z'}}}");
    /* Long after its first window: nothing is made, and nobody need be told. */
    yard.origin = "south";
    check_ask(&yard, ASK(RECUR("BIWEEKLY", "3", "09:00", "11:00")), "done");
    yard.now = at("2025-03-01T12:00:00Z");
    check_ask(&yard, ASK(""), "done");
    check_int("cancelled", (int64_t)count_of(&yard, "Cancelled"), 7 + 4);
    check_int("past", (int64_t)count_of(&yard, "Pending"), 3);
    store_close(yard.store);
}

static void a_pickup_that_becomes_a_schedule_is_replaced(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, ASK(""), "done");
    check_ask(&yard, ASK(RECUR("WEEKLY", "3", "09:00", "11:00")), "done");
    check_starts("replaced", yard_pickups(&yard), "s Cancelled - 01-22T14:00 16:00; s-20250122 Pending");
    store_close(yard.store);
}

static void rush_is_told_once_for_a_schedule(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard,
              ASK(",'isRush':true,'requestedBy':{'name':'Dr. Who','phone':'1'}" RECUR("DAILY", "", "09:00",
                                                                                      "11:00")),
              "done");
    check_notices(&yard, "pickup.rush {'pickupId':'s','origin':'north','clinicId':'C1',"
                         "'windowStart':'2025-01-22T14:00:00Z','windowEnd':'2025-01-22T16:00:00Z',"
                         "'recurring':true,'contactName':'Dr. Who','contactPhone':'1'}");
    store_close(yard.store);
}

/* The horizon. */

static enum err call_tick(struct store *store, struct store_job *job)
{
    struct yard *yard = (struct yard *)job;
    struct schedule_row after = {0};
    bool more = true;
    while (more)
        TRY(horizon_step(store, &yard->shelf->arena, yard->now, &after, &more));
    return ERR_OK;
}

static void tick(struct yard *yard, const char *now)
{
    yard->now = at(now);
    yard_run(yard, call_tick);
    assert_int_equal(yard->err, ERR_OK);
}

static void the_horizon_moves_with_the_days(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, ASK(RECUR("DAILY", "1", "09:00", "11:00")), "done");
    check_int("made", (int64_t)count_of(&yard, "Pending"), 12); /* from January 27 to April 14 */
    tick(&yard, "2025-01-21T04:59:59Z");                        /* in New York it is still the 20th */
    check_text("horizon", schedule_of(&yard).horizon, "2025-04-19");
    tick(&yard, "2025-01-21T05:00:00Z");
    check_text("horizon", schedule_of(&yard).horizon, "2025-04-20");
    check_int("made", (int64_t)count_of(&yard, "Pending"), 12);
    tick(&yard, "2025-01-22T12:00:00Z");
    check_text("horizon", schedule_of(&yard).horizon, "2025-04-21");
    check_int("made", (int64_t)count_of(&yard, "Pending"), 13);
    CHECK("made", strstr(yard_pickups(&yard), "s-20250421 Pending - 04-21T13:00 15:00") != NULL);
    tick(&yard, "2025-01-22T12:00:00Z");
    check_int("twice", (int64_t)count_of(&yard, "Pending"), 13);
    /* After a week in which nobody looked. */
    tick(&yard, "2025-02-01T12:00:00Z");
    check_int("made", (int64_t)count_of(&yard, "Pending"), 14);
    check_int("seq", schedule_of(&yard).seq, 100);
    store_close(yard.store);
}

static void the_horizon_of_a_clinic_that_is_ahead(void **state)
{
    struct yard yard;
    ready(&yard, state);
    yard_clinic(&yard, "C1", "Pacific/Auckland", "null");
    check_ask(&yard, ASK(RECUR("DAILY", "", "09:00", "11:00")), "done");
    check_text("horizon", schedule_of(&yard).horizon, "2025-04-20"); /* there it is the 21st already */
    tick(&yard, "2025-01-21T10:59:59Z");
    check_text("horizon", schedule_of(&yard).horizon, "2025-04-20");
    tick(&yard, "2025-01-21T11:00:00Z");
    check_text("horizon", schedule_of(&yard).horizon, "2025-04-21");
    store_close(yard.store);
}

static void the_tick_makes_what_is_open_now_and_nothing_that_was_cancelled(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, ASK(RECUR("WEEKLY", "5,6", "09:00", "11:00")), "done");
    assert_int_equal(yard_move(&yard, "s-20250131", PICKUP_CANCELLED), ERR_OK);
    yard_clinic(&yard, "C1", "America/New_York", "{'saturday':" DAY "}");
    tick(&yard, "2025-01-21T12:00:00Z");
    const char *pickups = yard_pickups(&yard);
    CHECK(pickups, strstr(pickups, "s-20250131 Cancelled") != NULL);
    CHECK(pickups, strstr(pickups, "s-20250124 Pending") != NULL); /* of a day that is closed now */
    CHECK(pickups, strstr(pickups, "s-20250125 Pending - 01-25T14:00 16:00") != NULL);
    check_starts("skipped", schedule_of(&yard).skipped.at, "[\"2025-01-24\",\"2025-01-31\"");
    store_close(yard.store);
}

static enum err call_drop(struct store *store, struct store_job *job)
{
    (void)job;
    return clinic_drop(store, SPAN("default"), SPAN("C1"));
}

static void a_clinic_that_is_gone_is_told_of(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, ASK(RECUR("DAILY", "", "09:00", "11:00")), "done");
    size_t made = count_of(&yard, "Pending");
    yard_run(&yard, call_drop);
    tick(&yard, "2025-01-22T12:00:00Z");
    tick(&yard, "2025-01-22T13:00:00Z");
    assert_int_equal(count_of(&yard, "Pending"), made);
    check_notices(&yard, "schedule.stopped {'pickupId':'s','origin':'north','clinicId':'C1',"
                         "'madeUntil':'2025-04-19','reason':'the clinic is not known any more'}");
    yard_clinic(&yard, "C1", "America/New_York", HOURS);
    tick(&yard, "2025-01-22T14:00:00Z");
    check_text("horizon", schedule_of(&yard).horizon, "2025-04-21");
    store_close(yard.store);
}

static void a_tick_takes_many_schedules_in_steps(void **state)
{
    struct yard yard;
    ready(&yard, state);
    for (int i = 0; i < 2 * HORIZON_STEP + 3; i++) {
        struct buf detail = {.arena = &yard.shelf->arena};
        buf_printf(&detail,
                   "{'pickupId':'m%d','clinicId':'C1','windowStart':'2025-01-22T14:00:00Z',"
                   "'windowEnd':'2025-01-22T16:00:00Z'%s}",
                   i, RECUR("BIWEEKLY", "1", "09:00", "11:00"));
        check_ask(&yard, buf_text(&detail), "done");
    }
    size_t made = count_of(&yard, "Pending"); /* Jan 27, Feb 10, 24, Mar 10, 24, Apr 7 each */
    check_int("made", (int64_t)made, 6 * (2 * HORIZON_STEP + 3));
    tick(&yard, "2025-01-22T12:00:00Z"); /* and Apr 21 */
    check_int("made", (int64_t)count_of(&yard, "Pending"), 7 * (2 * HORIZON_STEP + 3));
    store_close(yard.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(biweekly_from_the_middle_of_a_week),
        SHELF_TEST(across_the_change_in_autumn),
        SHELF_TEST(closed_days_are_skipped_and_noted),
        SHELF_TEST(a_schedule_of_closed_days_alone_is_refused),
        SHELF_TEST(a_first_date_beyond_the_horizon_waits),
        SHELF_TEST(what_is_over_is_not_made),
        SHELF_TEST(a_schedule_that_began_long_ago_is_taken),
        SHELF_TEST(a_change_cancels_what_no_longer_matches),
        SHELF_TEST(a_date_that_is_closed_now_still_matches),
        SHELF_TEST(a_removed_schedule_cancels_what_is_to_come),
        SHELF_TEST(a_schedule_is_removed_whatever_its_window_says),
        SHELF_TEST(a_pickup_that_becomes_a_schedule_is_replaced),
        SHELF_TEST(rush_is_told_once_for_a_schedule),
        SHELF_TEST(the_horizon_moves_with_the_days),
        SHELF_TEST(the_horizon_of_a_clinic_that_is_ahead),
        SHELF_TEST(the_tick_makes_what_is_open_now_and_nothing_that_was_cancelled),
        SHELF_TEST(a_clinic_that_is_gone_is_told_of),
        SHELF_TEST(a_tick_takes_many_schedules_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
