/* CaseReadyToShip: which delivery takes a case, and what the dispatcher is told. */
#include "lab.h"

#define CASE(id, date, more)                                                                                 \
    "{'caseId':'" id "','labId':'L','clinicId':'C','requestedDeliveryDate':'" date "'" more "}"
#define RUSH        ",'priority':'RUSH'"
#define EMERGENCY   ",'priority':'EMERGENCY'"
#define NOTES(text) ",'notes':'" text "'"

static void cases_of_one_day_go_together(void **state)
{
    struct lab lab = lab_open(*state);
    lab_give(&lab, on_case, CASE("K2", "2026-01-21", NOTES("ring")));
    lab_give(&lab, on_case, CASE("K1", "2026-01-21", ""));
    lab_give(&lab, on_case, CASE("K3", "2026-01-22", NOTES("back door")));
    lab_give(&lab, on_case, CASE("K4", "2026-01-21", NOTES("fragile")));
    lab_check(&lab, "default",
              "D1 C 2026-01-21 Pending STANDARD K2 K1 K4 (ring\nfragile); "
              "D2 C 2026-01-22 Pending STANDARD K3 (back door)");
    lab_check_told(&lab, "");
    lab_check_events(&lab, "DeliveryStatusChanged", "");
    store_close(lab.store);
}

static void labs_clinics_and_orgs_are_apart(void **state)
{
    struct lab lab = lab_open(*state);
    lab_give(&lab, on_case, CASE("K1", "2026-01-21", ""));
    lab_give(&lab, on_case,
             "{'caseId':'K2','labId':'L2','clinicId':'C','requestedDeliveryDate':'2026-01-21'}");
    lab_give(&lab, on_case,
             "{'caseId':'K3','labId':'L','clinicId':'C2','requestedDeliveryDate':'2026-01-21'}");
    lab_give_at(&lab, ++lab.next, on_case, "other", CASE("K1", "2026-01-21", RUSH));
    lab_check(&lab, "default",
              "D1 C 2026-01-21 Pending STANDARD K1; D2 C 2026-01-21 Pending STANDARD K2; "
              "D3 C2 2026-01-21 Pending STANDARD K3");
    lab_check(&lab, "other", "D4 C 2026-01-21 Pending RUSH K1");
    lab_check_told(&lab, "");
    store_close(lab.store);
}

static void the_highest_priority_counts(void **state)
{
    struct lab lab = lab_open(*state);
    lab_give(&lab, on_case, CASE("K1", "2026-01-21", ""));
    lab_give(&lab, on_case, CASE("K2", "2026-01-21", RUSH));
    lab_check(&lab, "default", "D1 C 2026-01-21 Pending RUSH K1 K2");
    lab_check_told(&lab, "delivery.rush");
    lab_check_last(&lab,
                   "{'caseId':'K2','deliveryId':'D1','deliveryStatus':'Pending','labId':'L','clinicId':'C',"
                   "'requestedDeliveryDate':'2026-01-21','priority':'RUSH'}");
    lab_give(&lab, on_case, CASE("K3", "2026-01-21", EMERGENCY));
    lab_give(&lab, on_case, CASE("K4", "2026-01-21", ",'priority':'STANDARD'"));
    lab_give(&lab, on_case, CASE("K5", "2026-01-21", RUSH));
    lab_check(&lab, "default", "D1 C 2026-01-21 Pending EMERGENCY K1 K2 K3 K4 K5");
    lab_check_told(&lab, "delivery.rush; delivery.rush; delivery.rush");
    store_close(lab.store);
}

static void the_same_case_twice_changes_nothing(void **state)
{
    struct lab lab = lab_open(*state);
    lab_give(&lab, on_case, CASE("K1", "2026-01-21", RUSH NOTES("ring")));
    lab_give(&lab, on_case, CASE("K2", "2026-01-21", NOTES("knock")));
    lab_give_at(&lab, 1, on_case, "default", CASE("K1", "2026-01-21", RUSH NOTES("ring"))); /* once more */
    lab_give(&lab, on_case, CASE("K1", "2026-01-21", NOTES("ring") RUSH)); /* by another event */
    lab_check(&lab, "default", "D1 C 2026-01-21 Pending RUSH K1 K2 (ring\nknock)");
    lab_check_told(&lab, "delivery.rush");
    lab_give(&lab, on_case, CASE("K2", "2026-01-21", NOTES("knock twice") RUSH));
    lab_check(&lab, "default", "D1 C 2026-01-21 Pending RUSH K1 K2 (ring\nknock)");
    lab_give(&lab, on_case, CASE("K2", "2026-01-21", RUSH NOTES("knock twice")));
    lab_check_told(&lab, "delivery.rush; case.changed"); /* once for what it says */
    lab_give(&lab, on_case, CASE("K2", "2026-01-21", RUSH NOTES("knock thrice")));
    lab_check_told(&lab, "delivery.rush; case.changed; case.changed");
    store_close(lab.store);
}

static void another_date_moves_it(void **state)
{
    struct lab lab = lab_open(*state);
    lab_give(&lab, on_case, CASE("K1", "2026-01-21", NOTES("one")));
    lab_give(&lab, on_case, CASE("K2", "2026-01-21", RUSH NOTES("two")));
    lab_give(&lab, on_case, CASE("K2", "2026-01-22", RUSH NOTES("two")));
    lab_check(&lab, "default",
              "D1 C 2026-01-21 Pending STANDARD K1 (one); D2 C 2026-01-22 Pending RUSH K2 (two)");
    lab_check_told(&lab, "delivery.rush; delivery.rush");
    lab_give(&lab, on_case, CASE("K1", "2026-01-22", ""));
    lab_check(&lab, "default", "D1 C 2026-01-21 Failed STANDARD; D2 C 2026-01-22 Pending RUSH K2 K1 (two)");
    lab_check_events(&lab, "DeliveryStatusChanged", "D1 Pending>Failed");
    lab_give(&lab, on_case, CASE("K1", "2026-01-21", ""));
    lab_check(&lab, "default",
              "D1 C 2026-01-21 Failed STANDARD; D2 C 2026-01-22 Pending RUSH K2 (two); "
              "D3 C 2026-01-21 Pending STANDARD K1");
    store_close(lab.store);
}

static void so_do_another_lab_and_another_clinic(void **state)
{
    struct lab lab = lab_open(*state);
    lab_give(&lab, on_case, CASE("K1", "2026-01-21", ""));
    lab_give(&lab, on_case,
             "{'caseId':'K1','labId':'L2','clinicId':'C','requestedDeliveryDate':'2026-01-21'}");
    lab_check(&lab, "default", "D1 C 2026-01-21 Failed STANDARD; D2 C 2026-01-21 Pending STANDARD K1");
    lab_give(&lab, on_case,
             "{'caseId':'K1','labId':'L2','clinicId':'C2','requestedDeliveryDate':'2026-01-21'}");
    lab_check(&lab, "default",
              "D1 C 2026-01-21 Failed STANDARD; D2 C 2026-01-21 Failed STANDARD; "
              "D3 C2 2026-01-21 Pending STANDARD K1");
    lab_check_told(&lab, "");
    store_close(lab.store);
}

/* Somebody has driven off with a delivery. */
static enum err call_depart(struct store *store, struct store_job *job)
{
    struct lab *lab = (struct lab *)job;
    struct lab_list list = lab_deliveries(lab, "default");
    struct delivery delivery = list.all[0];
    delivery.status = DELIVERY_IN_TRANSIT;
    return delivery_set_status(store, &delivery);
}

static void what_has_left_stays_as_it_is(void **state)
{
    struct lab lab = lab_open(*state);
    lab_give(&lab, on_case, CASE("K1", "2026-01-21", ""));
    check_int("depart", lab_run(&lab, call_depart), ERR_OK);
    lab_give(&lab, on_case, CASE("K1", "2026-01-22", ""));
    lab_check(&lab, "default", "D1 C 2026-01-21 InTransit STANDARD K1");
    lab_check_told(&lab, "case.moved_late");
    lab_check_last(&lab,
                   "{'caseId':'K1','deliveryId':'D1','deliveryStatus':'InTransit','labId':'L','clinicId':'C',"
                   "'requestedDeliveryDate':'2026-01-22','priority':'STANDARD'}");
    lab_give(&lab, on_case, CASE("K1", "2026-01-22", NOTES("again")));
    lab_check_told(&lab, "case.moved_late"); /* once for that date */
    lab_give(&lab, on_case, CASE("K1", "2026-01-23", ""));
    lab_check_told(&lab, "case.moved_late; case.moved_late");
    lab_give(&lab, on_case, CASE("K2", "2026-01-21", RUSH));
    lab_check(&lab, "default", "D1 C 2026-01-21 InTransit STANDARD K1; D2 C 2026-01-21 Pending RUSH K2");
    store_close(lab.store);
}

static void an_older_event_is_superseded(void **state)
{
    struct lab lab = lab_open(*state);
    lab_give_at(&lab, 10, on_case, "default", CASE("K1", "2026-01-21", ""));
    lab_give_at(&lab, 5, on_case, "default", CASE("K1", "2026-01-25", RUSH));
    lab_check(&lab, "default", "D1 C 2026-01-21 Pending STANDARD K1");
    lab_give_at(&lab, 30, on_case, "default", CASE("K1", "2026-01-21", "")); /* says where it is, once more */
    lab_give_at(&lab, 20, on_case, "default", CASE("K1", "2026-01-22", ""));
    lab_check(&lab, "default", "D1 C 2026-01-21 Pending STANDARD K1");
    lab_give_at(&lab, 7, on_case, "default", CASE("K0", "2026-01-21", "")); /* another case is no newer */
    lab_check(&lab, "default", "D1 C 2026-01-21 Pending STANDARD K0 K1");
    lab_check_told(&lab, "");
    store_close(lab.store);
}

static void what_is_missing_is_refused(void **state)
{
    struct lab lab = lab_open(*state);
    static const struct {
        const char *detail, *reason;
    } rows[] = {
        {"{}", "Missing labId; Missing clinicId; Missing requestedDeliveryDate; Missing caseId"},
        {"{'caseId':'','labId':7,'clinicId':null,'requestedDeliveryDate':'2026-01-21'}",
         "Invalid labId; Missing clinicId; Invalid caseId"},
        {CASE("K1", "2026-02-30", ""), "Invalid requestedDeliveryDate"},
        {CASE("K1", "20260121", ""), "Invalid requestedDeliveryDate"},
        {CASE("K1", "2026-01-21", ",'priority':'rush'"), "Invalid priority"},
        {CASE("K1", "2026-01-21", ",'priority':1"), "Invalid priority"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        lab_check_refused(&lab, on_case, rows[i].detail, rows[i].reason);
    lab_check(&lab, "default", "");
    lab_give(&lab, on_case, CASE("K1", "2026-01-21", ",'priority':null"));
    lab_check(&lab, "default", "D1 C 2026-01-21 Pending STANDARD K1");
    store_close(lab.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(cases_of_one_day_go_together), SHELF_TEST(labs_clinics_and_orgs_are_apart),
        SHELF_TEST(the_highest_priority_counts),  SHELF_TEST(the_same_case_twice_changes_nothing),
        SHELF_TEST(another_date_moves_it),        SHELF_TEST(so_do_another_lab_and_another_clinic),
        SHELF_TEST(what_has_left_stays_as_it_is), SHELF_TEST(an_older_event_is_superseded),
        SHELF_TEST(what_is_missing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
