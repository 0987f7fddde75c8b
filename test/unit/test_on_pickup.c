/* PickupRequested: every rule of a single pickup. */
#include "yard.h"

#define HOURS                                                                                                \
    "{'monday':[{'open':'08:00','close':'12:00'},{'open':'13:00','close':'17:00'}],"                         \
    "'tuesday':[{'open':'08:00','close':'12:00'}]}"
/* 2025-01-20 is a Monday; New York is 5 hours behind. */
#define NOW "2025-01-20T13:30:00Z"

static void ready(struct yard *yard, void **state)
{
    yard_open(yard, *state, NOW);
    yard_clinic(yard, "C1", "America/New_York", HOURS);
}

#define ID     "'pickupId':'d-1','clinicId':'C1','labId':'LAB001',"
#define WINDOW "'windowStart':'2025-01-20T14:00:00Z','windowEnd':'2025-01-20T16:00:00Z'"

static void makes_a_pickup(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, "{" ID WINDOW "}", "done");
    check_pickups(&yard, "d-1 Pending - 01-20T14:00 16:00");
    check_notices(&yard, "");
    struct pickup pickup;
    assert_int_equal(pickup_find(store_view(yard.store), &yard.shelf->arena, SPAN("default"), SPAN("north"),
                                 SPAN("d-1"), &pickup),
                     ERR_OK);
    check_text("clinic", pickup.clinic_id, "C1");
    check_text("lab", pickup.lab_id, "LAB001");
    check_int("seq", pickup.seq, 100);
    check_int("created", pickup.created, yard.now);
    check_text("detail", pickup.detail,
               quoted(&yard.shelf->arena, "{'clinicId':'C1','labId':'LAB001','pickupId':'d-1',"
                                          "'windowEnd':'2025-01-20T16:00:00Z',"
                                          "'windowStart':'2025-01-20T14:00:00Z'}")
                   .at);
    store_close(yard.store);
}

static void an_unknown_clinic_is_named_and_mended(void **state)
{
    struct yard yard;
    yard_open(&yard, *state, NOW);
    check_ask(&yard, "{" ID WINDOW "}", "the clinic C1 is not known [C1]");
    check_pickups(&yard, "");
    yard_clinic(&yard, "C1", "America/New_York", HOURS);
    check_ask(&yard, "{" ID WINDOW "}", "done");
    check_pickups(&yard, "d-1 Pending - 01-20T14:00 16:00");
    store_close(yard.store);
}

static void a_clinic_of_another_org_is_none(void **state)
{
    struct yard yard;
    yard_open(&yard, *state, NOW);
    yard_clinic(&yard, "C1", "America/New_York", HOURS);
    yard.clinic.org = SPAN("other");
    yard.clinic.id = SPAN("C2");
    yard_run(&yard, yard_put_clinic);
    check_ask(&yard, "{'pickupId':'d-1','clinicId':'C2'," WINDOW "}", "the clinic C2 is not known [C2]");
    store_close(yard.store);
}

/* An hour before and after a preferred time; Monday is open from 13:00Z to 17:00Z and from 18:00Z to 22:00Z.
 */
static const struct {
    const char *preferred, *start, *end, *want, *pickup;
} preferred[] = {
    {"2025-01-20T15:00:00Z", "2025-01-20T14:00:00Z", "2025-01-20T16:00:00Z", "done", "14:00 16:00"},
    {"2025-01-20T13:00:00Z", "2025-01-20T12:00:00Z", "2025-01-20T14:00:00Z", "done", "13:00 14:00"},
    {"2025-01-20T16:30:00Z", "2025-01-20T15:30:00Z", "2025-01-20T17:30:00Z", "done", "15:30 17:00"},
    {"2025-01-20T22:00:00Z", "2025-01-20T21:00:00Z", "2025-01-20T23:00:00Z", "done", "21:00 22:00"},
    {"2025-01-20T22:00:01Z", "2025-01-20T21:00:01Z", "2025-01-20T23:00:01Z",
     "the clinic C1 is closed at that time {'nextWindow':{'start':'2025-01-21T13:00:00Z',"
     "'end':'2025-01-21T15:00:00Z'}} [C1]",
     NULL},
    {"2025-01-20T17:30:00Z", "2025-01-20T16:30:00Z", "2025-01-20T18:30:00Z",
     "the clinic C1 is closed at that time {'nextWindow':{'start':'2025-01-20T18:00:00Z',"
     "'end':'2025-01-20T20:00:00Z'}} [C1]",
     NULL},
    {"2025-01-24T15:00:00Z", "2025-01-24T14:00:00Z", "2025-01-24T16:00:00Z",
     "the clinic C1 is closed at that time {'nextWindow':{'start':'2025-01-27T13:00:00Z',"
     "'end':'2025-01-27T15:00:00Z'}} [C1]",
     NULL},
};

static void a_preferred_time_must_lie_within_the_hours(void **state)
{
    struct yard yard;
    ready(&yard, state);
    for (size_t i = 0; i < sizeof preferred / sizeof preferred[0]; i++) {
        struct buf detail = {.arena = &yard.shelf->arena};
        struct buf id = {.arena = &yard.shelf->arena};
        buf_printf(&id, "p%zu", i);
        buf_printf(&detail,
                   "{'pickupId':'%s','clinicId':'C1','windowStart':'%s','windowEnd':'%s',"
                   "'metadata':{'preferredTime':'%s'}}",
                   buf_text(&id), preferred[i].start, preferred[i].end, preferred[i].preferred);
        check_ask(&yard, buf_text(&detail), preferred[i].want);
        struct pickup pickup;
        enum err err = pickup_find(store_view(yard.store), &yard.shelf->arena, SPAN("default"), SPAN("north"),
                                   buf_span(&id), &pickup);
        assert_int_equal(err, preferred[i].pickup != NULL ? ERR_OK : ERR_NOT_FOUND);
        if (err == ERR_OK) {
            char start[TIME_TEXT], end[TIME_TEXT], got[40];
            time_write(start, pickup.window.start);
            time_write(end, pickup.window.end);
            snprintf(got, sizeof got, "%.5s %.5s", start + 11, end + 11);
            check_text(preferred[i].preferred, span_of(got), preferred[i].pickup);
        }
    }
    store_close(yard.store);
}

static void an_explicit_window_must_fit_as_it_is(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard,
              "{'pickupId':'a','clinicId':'C1','windowStart':'2025-01-20T13:00:00Z','windowEnd':'2025-01-"
              "20T17:00:00Z'}",
              "done");
    check_ask(&yard,
              "{'pickupId':'b','clinicId':'C1','windowStart':'2025-01-20T14:00:00Z','windowEnd':'2025-01-"
              "20T17:00:01Z'}",
              "the clinic C1 is closed at that time {'nextWindow':{'start':'2025-01-20T18:00:00Z',"
              "'end':'2025-01-20T21:00:01Z'}} [C1]");
    /* What begins in the past is offered from now on. */
    check_ask(&yard,
              "{'pickupId':'c','clinicId':'C1','windowStart':'2025-01-20T12:00:00Z','windowEnd':'2025-01-"
              "20T14:00:00Z'}",
              "the clinic C1 is closed at that time {'nextWindow':{'start':'2025-01-20T13:30:00Z',"
              "'end':'2025-01-20T15:30:00Z'}} [C1]");
    check_pickups(&yard, "a Pending - 01-20T13:00 17:00");
    store_close(yard.store);
}

static void a_clinic_that_is_always_closed_offers_nothing(void **state)
{
    struct yard yard;
    yard_open(&yard, *state, NOW);
    yard_clinic(&yard, "C1", "America/New_York", "{}");
    check_ask(&yard, "{" ID WINDOW "}", "the clinic C1 is closed at that time {'nextWindow':null} [C1]");
    yard_clinic(&yard, "C1", "America/New_York", "null"); /* unknown hours restrict nothing */
    check_ask(&yard, "{" ID WINDOW "}", "done");
    store_close(yard.store);
}

static void a_window_long_over_makes_no_pickup(void **state)
{
    struct yard yard;
    ready(&yard, state);
    yard.arrived = at("2025-01-21T16:00:00Z"); /* to the second 24 hours later */
    yard.now = at("2025-02-01T00:00:00Z");     /* what counts is when it arrived */
    check_ask(&yard, "{" ID WINDOW "}", "done");
    yard.arrived++;
    check_ask(&yard, "{'pickupId':'d-2','clinicId':'C1'," WINDOW "}",
              "the window had ended more than 24 hours before it was asked for");
    check_pickups(&yard, "d-1 Pending - 01-20T14:00 16:00");
    store_close(yard.store);
}

#define CONTACT "'requestedBy':{'name':'Dr. Who','phone':'555-1234'},"
#define TOLD                                                                                                 \
    "pickup.rush {'pickupId':'d-1','origin':'north','clinicId':'C1','windowStart':'2025-01-20T14:00:00Z',"   \
    "'windowEnd':'2025-01-20T16:00:00Z','recurring':false,'contactName':'Dr. Who',"                          \
    "'contactPhone':'555-1234'}"

static void rush_tells_the_dispatcher_once(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, "{" ID CONTACT WINDOW "}", "done");
    check_notices(&yard, "");
    check_ask(&yard, "{" ID CONTACT "'isRush':true," WINDOW "}", "done");
    check_pickups(&yard, "d-1 Pending rush 01-20T14:00 16:00");
    check_notices(&yard, TOLD);
    check_ask(&yard, "{" ID CONTACT "'isRush':true,'notes':'again'," WINDOW "}", "done");
    check_notices(&yard, TOLD);
    store_close(yard.store);
}

static void what_is_pending_is_updated(void **state)
{
    struct yard yard;
    ready(&yard, state);
    yard_clinic(&yard, "C2", "America/New_York", "null");
    check_ask(&yard, "{" ID WINDOW "}", "done");
    yard.now += 1000;
    check_ask(&yard,
              "{'pickupId':'d-1','clinicId':'C2','labId':'LAB2','notes':'n','isRush':true,"
              "'windowStart':'2025-01-22T14:00:00Z','windowEnd':'2025-01-22T15:00:00Z'}",
              "done");
    check_pickups(&yard, "d-1 Pending rush 01-22T14:00 15:00");
    struct pickup pickup;
    assert_int_equal(pickup_find(store_view(yard.store), &yard.shelf->arena, SPAN("default"), SPAN("north"),
                                 SPAN("d-1"), &pickup),
                     ERR_OK);
    check_text("clinic", pickup.clinic_id, "C2");
    check_text("lab", pickup.lab_id, "LAB2");
    check_int("seq", pickup.seq, 101);
    check_int("updated", pickup.updated, yard.now);
    check_int("created", pickup.created, yard.now - 1000);
    /* A refused update changes nothing. */
    check_ask(&yard, "{'pickupId':'d-1','clinicId':'C9'," WINDOW "}", "the clinic C9 is not known [C9]");
    check_pickups(&yard, "d-1 Pending rush 01-22T14:00 15:00");
    store_close(yard.store);
}

static void what_is_under_way_is_left_and_the_dispatcher_told(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, "{" ID WINDOW "}", "done");
    assert_int_equal(yard_move(&yard, "d-1", PICKUP_ASSIGNED), ERR_OK);
    check_ask(&yard, "{" ID WINDOW ",'requestTime':'2025-01-20T13:31:00Z'}", "done"); /* nothing new */
    check_notices(&yard, "");
    check_ask(&yard, "{" ID "'isRush':true," WINDOW "}", "done");
    check_pickups(&yard, "d-1 Assigned - 01-20T14:00 16:00");
    check_notices(&yard, "pickup.refused {'pickupId':'d-1','origin':'north','clinicId':'C1',"
                         "'windowStart':'2025-01-20T14:00:00Z','windowEnd':'2025-01-20T16:00:00Z',"
                         "'recurring':false,'contactName':'','contactPhone':'',"
                         "'reason':'the pickup was changed when it was Assigned'}");
    store_close(yard.store);
}

static void an_older_event_is_superseded(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_text("newer", span_of(yard_ask_as(&yard, 200, "{" ID "'notes':'newer'," WINDOW "}")), "done");
    /* Retried late: it is neither applied nor a fault, whatever it says. */
    check_text("older", span_of(yard_ask_as(&yard, 199, "{" ID "'isRush':true," WINDOW "}")), "done");
    check_text("unknown clinic",
               span_of(yard_ask_as(&yard, 198, "{'pickupId':'d-1','clinicId':'C9'," WINDOW "}")), "done");
    check_pickups(&yard, "d-1 Pending - 01-20T14:00 16:00");
    check_notices(&yard, "");
    /* What says the same as before still counts as the newest. */
    check_text("same", span_of(yard_ask_as(&yard, 202, "{" ID "'notes':'newer'," WINDOW "}")), "done");
    check_text("between", span_of(yard_ask_as(&yard, 201, "{" ID "'isRush':true," WINDOW "}")), "done");
    check_pickups(&yard, "d-1 Pending - 01-20T14:00 16:00");
    store_close(yard.store);
}

static void no_source_touches_the_pickups_of_another(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, "{" ID WINDOW "}", "done");
    yard.origin = yard.source = "crm.portal";
    check_ask(&yard, "{" ID "'isRush':true," WINDOW "}", "done");
    check_pickups(&yard, "d-1 Pending - 01-20T14:00 16:00; d-1 Pending rush 01-20T14:00 16:00");
    store_close(yard.store);
}

static void tells_all_that_is_wrong(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, "{}", "Missing pickupId; Missing clinicId; Missing windowStart; Missing windowEnd");
    check_ask(
        &yard,
        "{'pickupId':1,'clinicId':'','labId':2,'windowStart':'x','windowEnd':7,'isRush':1,"
        "'packageCount':0,'notes':3,'requestTime':'y','requestedBy':[],'metadata':1,"
        "'recurringSchedule':{}}",
        "Invalid pickupId; Missing clinicId; Invalid labId; Invalid windowStart; Invalid windowEnd; "
        "Invalid metadata; Invalid isRush; Invalid packageCount; Invalid notes; Invalid requestTime; "
        "Invalid requestedBy; Missing recurringSchedule.frequency; Missing recurringSchedule.timeWindow");
    check_ask(&yard,
              "{" ID "'windowStart':'2025-01-20T16:00:00Z','windowEnd':'2025-01-20T16:00:00Z',"
              "'packageCount':10001,'requestedBy':{'name':1,'phone':2,'userId':3},"
              "'metadata':{'preferredTime':'z'}}",
              "Invalid windowEnd; Invalid metadata.preferredTime; Invalid packageCount; "
              "Invalid requestedBy.name; Invalid requestedBy.phone; Invalid requestedBy.userId");
    check_ask(&yard, "{" ID WINDOW ",'metadata':{'preferredTime':'2025-01-20T16:00:01Z'}}",
              "Invalid metadata.preferredTime");
    check_ask(&yard, "{" ID WINDOW ",'packageCount':10000,'requestedBy':{},'metadata':{},'notes':null}",
              "done");
    store_close(yard.store);
}

static void moves_as_the_table_allows_and_says_so(void **state)
{
    struct yard yard;
    ready(&yard, state);
    check_ask(&yard, "{" ID WINDOW "}", "done");
    assert_int_equal(yard_move(&yard, "d-1", PICKUP_EN_ROUTE), ERR_CONFLICT);
    assert_int_equal(yard_move(&yard, "d-2", PICKUP_ASSIGNED), ERR_NOT_FOUND);
    check_text("nothing yet", span_of(yard_changes(&yard)), "");
    assert_int_equal(yard_move(&yard, "d-1", PICKUP_ASSIGNED), ERR_OK);
    yard.driver = "{\"name\":\"Al\"}";
    yard.eta = at("2025-01-20T14:10:00Z");
    assert_int_equal(yard_move(&yard, "d-1", PICKUP_EN_ROUTE), ERR_OK);
    yard.driver = NULL;
    yard.eta = 0;
    assert_int_equal(yard_move(&yard, "d-1", PICKUP_ARRIVED), ERR_OK);
    assert_int_equal(yard_move(&yard, "d-1", PICKUP_ARRIVED), ERR_CONFLICT);
    check_text("changes", span_of(yard_changes(&yard)),
               quoted(&yard.shelf->arena,
                      "{'id':'d-1','origin':'north','clinicId':'C1','from':'Pending','to':'Assigned',"
                      "'at':'2025-01-20T13:30:00Z','by':'dispatch','driver':null,'eta':null}; "
                      "{'id':'d-1','origin':'north','clinicId':'C1','from':'Assigned','to':'EnRoute',"
                      "'at':'2025-01-20T13:30:00Z','by':'dispatch','driver':{'name':'Al'},"
                      "'eta':'2025-01-20T14:10:00Z'}; "
                      "{'id':'d-1','origin':'north','clinicId':'C1','from':'EnRoute','to':'Arrived',"
                      "'at':'2025-01-20T13:30:00Z','by':'dispatch','driver':{'name':'Al'},"
                      "'eta':'2025-01-20T14:10:00Z'}")
                   .at);
    check_pickups(&yard, "d-1 Arrived - 01-20T14:00 16:00");
    store_close(yard.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(makes_a_pickup),
        SHELF_TEST(an_unknown_clinic_is_named_and_mended),
        SHELF_TEST(a_clinic_of_another_org_is_none),
        SHELF_TEST(a_preferred_time_must_lie_within_the_hours),
        SHELF_TEST(an_explicit_window_must_fit_as_it_is),
        SHELF_TEST(a_clinic_that_is_always_closed_offers_nothing),
        SHELF_TEST(a_window_long_over_makes_no_pickup),
        SHELF_TEST(rush_tells_the_dispatcher_once),
        SHELF_TEST(what_is_pending_is_updated),
        SHELF_TEST(what_is_under_way_is_left_and_the_dispatcher_told),
        SHELF_TEST(an_older_event_is_superseded),
        SHELF_TEST(no_source_touches_the_pickups_of_another),
        SHELF_TEST(tells_all_that_is_wrong),
        SHELF_TEST(moves_as_the_table_allows_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
