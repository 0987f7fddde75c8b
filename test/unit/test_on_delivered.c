/* DeliveryCompleted: deliveries, invoices, billing, and what the dispatcher is told. */
#include "lab.h"

#define READY(id, clinic)                                                                                    \
    "{'caseId':'" id "','labId':'L','clinicId':'" clinic "','requestedDeliveryDate':'2026-01-21'}"
#define DONE_WITH(cases, clinic, proof)                                                                      \
    "{'stopId':'S1','caseIds':[" cases "],'clinicId':'" clinic                                               \
    "','deliveredAt':'2026-01-21T10:00:00-05:00',"                                                           \
    "'deliveredBy':{'driverId':'driver-1','driverName':'Nobody Invented'},"                                  \
    "'receivedBy':{'name':'Someone Invented'},'proofOfDelivery':{'signatureUrl':'https://s/1'" proof "}}"
#define DONE(cases) DONE_WITH(cases, "C", "")
#define PROOF                                                                                                \
    "{'deliveredAt':'2026-01-21T15:00:00Z','receivedBy':{'name':'Someone Invented'},"                        \
    "'deliveredBy':{'driverId':'driver-1','driverName':'Nobody Invented'},'stopId':'S1',"                    \
    "'proofOfDelivery':{'signatureUrl':'https://s/1'}}"

static enum err call_invoice(struct store *store, struct store_job *job)
{
    struct lab *lab = (struct lab *)job;
    bool added;
    return invoice_put(store, &lab->invoice, &lab->cases, &added);
}

/* Cases with commas between. */
static void put_invoice(struct lab *lab, const char *id, const char *cases, enum invoice_status status)
{
    struct span rest = span_of(cases), ids[10];
    lab->cases = (struct invoice_cases){ids, 0};
    while (rest.len > 0)
        ids[lab->cases.count++] = span_cut(&rest, ',');
    lab->invoice = (struct invoice){.org = SPAN("default"),
                                    .id = span_of(id),
                                    .clinic_id = SPAN("C"),
                                    .amount_minor = 12500,
                                    .currency = SPAN("USD"),
                                    .status = status,
                                    .updated = LAB_TIME};
    check_int(id, lab_run(lab, call_invoice), ERR_OK);
}

static void note_invoice(void *arg, const struct invoice *invoice)
{
    struct lab *lab = arg;
    separate(&lab->shown);
    buf_printf(&lab->shown, "%.*s %s%s", (int)invoice->id.len, invoice->id.at,
               invoice_status_name(invoice->status), invoice->delivered.len > 0 ? " with proof" : "");
}

static void check_invoices(struct lab *lab, const char *want)
{
    struct invoice_filter all = {.org = SPAN("default"), .limit = 100};
    lab->shown.len = 0;
    check_int("invoices", invoice_each(store_view(lab->store), &all, note_invoice, lab), ERR_OK);
    check_text("invoices", buf_span(&lab->shown), want);
}

static void check_billed(struct lab *lab, const char *want)
{
    lab_check_events(lab, "BillingTriggered", quoted(lab->arena, want).at);
}

/* The last notice of a kind. */
struct search {
    struct lab *lab;
    const char *kind;
};

static void note_of_kind(void *arg, const struct notice *notice)
{
    struct search *search = arg;
    if (span_is(notice->kind, span_of(search->kind)))
        lab_note_detail(search->lab, notice);
}

static void check_detail(struct lab *lab, const char *kind, const char *part)
{
    struct search search = {lab, kind};
    lab->shown.len = 0;
    check_int(kind, notice_each(store_view(lab->store), SPAN("default"), 0, -1, 100, note_of_kind, &search),
              ERR_OK);
    if (strstr(buf_text(&lab->shown), part) == NULL)
        fail_msg("%s: no %s in %s", kind, part, buf_text(&lab->shown));
}

static void deliveries_invoices_and_billing(void **state)
{
    struct lab lab = lab_open(*state);
    struct invoice invoice;
    put_invoice(&lab, "I1", "K1,K2", INVOICE_ISSUED);
    put_invoice(&lab, "I2", "K3", INVOICE_ISSUED);
    put_invoice(&lab, "I3", "K9", INVOICE_ISSUED);
    lab_give(&lab, on_case, READY("K1", "C"));
    lab_give(&lab, on_case, READY("K2", "C"));
    lab_give(&lab, on_case,
             "{'caseId':'K3','labId':'L','clinicId':'C','requestedDeliveryDate':'2026-01-20'}");
    lab_give(&lab, on_delivered, DONE("'K1','K2','K3','K1'"));
    lab_check(&lab, "default",
              "D1 C 2026-01-21 Delivered STANDARD K1 K2; D2 C 2026-01-20 Delivered STANDARD K3");
    lab_check_events(
        &lab, "DeliveryStatusChanged",
        "D1 Pending>InTransit; D1 InTransit>Delivered; D2 Pending>InTransit; D2 InTransit>Delivered");
    check_invoices(&lab, "I1 Delivered with proof; I2 Delivered with proof; I3 Issued");
    check_billed(&lab, "['I1','I2']");
    lab_check_told(&lab, "");
    struct lab_list list = lab_deliveries(&lab, "default");
    check_text("proof", list.all[0].proof, quoted(lab.arena, PROOF).at);
    check_int("I1", invoice_find(store_view(lab.store), lab.arena, SPAN("default"), SPAN("I1"), &invoice),
              ERR_OK);
    check_text("proof", invoice.delivered, quoted(lab.arena, PROOF).at);
    store_close(lab.store);
}

static void twice_is_once(void **state)
{
    struct lab lab = lab_open(*state);
    put_invoice(&lab, "I1", "K1", INVOICE_ISSUED);
    lab_give(&lab, on_case, READY("K1", "C"));
    lab_give(&lab, on_delivered, DONE("'K1','K2'"));
    for (int i = 0; i < 2; i++) {
        lab_give_at(&lab, 2, on_delivered, "default", DONE("'K1','K2'")); /* the same event */
        lab_give(&lab, on_delivered, DONE_WITH("'K1'", "C", ",'photoUrl':'https://p/1'")); /* another */
    }
    lab_check(&lab, "default", "D1 C 2026-01-21 Delivered STANDARD K1");
    lab_check_events(&lab, "DeliveryStatusChanged", "D1 Pending>InTransit; D1 InTransit>Delivered");
    check_billed(&lab, "['I1']");
    lab_check_told(&lab, "cases.unknown; invoices.missing");
    store_close(lab.store);
}

static void paid_and_void_keep_their_status(void **state)
{
    struct lab lab = lab_open(*state);
    put_invoice(&lab, "I1", "K1", INVOICE_PAID);
    put_invoice(&lab, "I2", "K1", INVOICE_VOID);
    lab_give(&lab, on_case, READY("K1", "C"));
    lab_give(&lab, on_delivered, DONE("'K1'"));
    check_invoices(&lab, "I1 Paid with proof; I2 Void with proof");
    check_billed(&lab, "");
    lab_check_told(&lab, "");
    put_invoice(&lab, "I3", "K2", INVOICE_ISSUED);
    put_invoice(&lab, "I4", "K2", INVOICE_PAID);
    lab_give(&lab, on_delivered, DONE("'K2'"));
    check_invoices(&lab,
                   "I1 Paid with proof; I2 Void with proof; I3 Delivered with proof; I4 Paid with proof");
    check_billed(&lab, "['I3']");
    put_invoice(&lab, "I3", "K2", INVOICE_ISSUED); /* finance has not heard of it */
    check_invoices(&lab,
                   "I1 Paid with proof; I2 Void with proof; I3 Delivered with proof; I4 Paid with proof");
    store_close(lab.store);
}

static void an_invoice_of_two_deliveries_is_billed_once(void **state)
{
    struct lab lab = lab_open(*state);
    put_invoice(&lab, "I1", "K1,K2", INVOICE_ISSUED);
    lab_give(&lab, on_delivered, DONE("'K1'"));
    lab_give(&lab, on_delivered, DONE("'K2'"));
    check_invoices(&lab, "I1 Delivered with proof");
    check_billed(&lab, "['I1']");
    store_close(lab.store);
}

static void cases_without_an_invoice_are_named(void **state)
{
    struct lab lab = lab_open(*state);
    put_invoice(&lab, "I1", "K2", INVOICE_ISSUED);
    for (int i = 1; i <= 3; i++) {
        struct buf ready = {.arena = lab.arena};
        buf_printf(&ready, "{'caseId':'K%d','labId':'L','clinicId':'C','requestedDeliveryDate':'2026-01-21'}",
                   i);
        lab_give(&lab, on_case, buf_text(&ready));
    }
    lab_give(&lab, on_delivered, DONE("'K1','K2','K3'"));
    lab_check(&lab, "default", "D1 C 2026-01-21 Delivered STANDARD K1 K2 K3");
    check_billed(&lab, "['I1']");
    lab_check_told(&lab, "invoices.missing");
    check_detail(&lab, "invoices.missing", "\"caseIds\":[\"K1\",\"K3\"]");
    store_close(lab.store);
}

static void what_was_left_goes_on(void **state)
{
    struct lab lab = lab_open(*state);
    put_invoice(&lab, "I1", "K1,K2,K3", INVOICE_ISSUED);
    lab_give(&lab, on_case, READY("K1", "C"));
    lab_give(&lab, on_case,
             "{'caseId':'K2','labId':'L','clinicId':'C','requestedDeliveryDate':'2026-01-21',"
             "'priority':'EMERGENCY','notes':'ring'}");
    lab_give(&lab, on_case, READY("K3", "C"));
    lab_give(&lab, on_delivered, DONE("'K1','K3'"));
    lab_check(&lab, "default",
              "D1 C 2026-01-21 Delivered STANDARD K1 K3; D2 C 2026-01-21 Pending EMERGENCY K2 (ring)");
    lab_check_told(&lab, "delivery.rush; delivery.split");
    lab_check_last(&lab, "{'deliveryId':'D1','deliveryStatus':'Delivered','clinicId':'C','deliveredTo':'C',"
                         "'caseIds':['K2'],'restDeliveryId':'D2'}");
    lab_give(&lab, on_delivered, DONE("'K2'"));
    lab_check(&lab, "default",
              "D1 C 2026-01-21 Delivered STANDARD K1 K3; D2 C 2026-01-21 Delivered EMERGENCY K2 (ring)");
    store_close(lab.store);
}

static enum err call_fail(struct store *store, struct store_job *job)
{
    struct lab_list list = lab_deliveries((struct lab *)job, "default");
    list.all[0].status = DELIVERY_FAILED;
    return delivery_set_status(store, &list.all[0]);
}

static void what_has_failed_stays_so(void **state)
{
    struct lab lab = lab_open(*state);
    put_invoice(&lab, "I1", "K1", INVOICE_ISSUED);
    lab_give(&lab, on_case, READY("K1", "C"));
    check_int("fail", lab_run(&lab, call_fail), ERR_OK);
    lab_give(&lab, on_delivered, DONE("'K1'"));
    lab_check(&lab, "default", "D1 C 2026-01-21 Failed STANDARD K1");
    check_invoices(&lab, "I1 Delivered with proof");
    lab_check_told(&lab, "delivery.after_failed");
    store_close(lab.store);
}

static void another_clinic_is_told(void **state)
{
    struct lab lab = lab_open(*state);
    put_invoice(&lab, "I1", "K1", INVOICE_ISSUED);
    lab_give(&lab, on_case, READY("K1", "C2"));
    lab_give(&lab, on_delivered, DONE("'K1'"));
    lab_check(&lab, "default", "D1 C2 2026-01-21 Delivered STANDARD K1");
    lab_check_told(&lab, "delivery.elsewhere");
    store_close(lab.store);
}

static void orgs_are_apart(void **state)
{
    struct lab lab = lab_open(*state);
    put_invoice(&lab, "I1", "K1", INVOICE_ISSUED);
    lab_give(&lab, on_case, READY("K1", "C"));
    lab_give_at(&lab, ++lab.next, on_delivered, "other", DONE("'K1'"));
    lab_check(&lab, "default", "D1 C 2026-01-21 Pending STANDARD K1");
    check_invoices(&lab, "I1 Issued");
    check_billed(&lab, "");
    lab_check_told(&lab, "");
    store_close(lab.store);
}

static void an_older_event_is_superseded(void **state)
{
    struct lab lab = lab_open(*state);
    put_invoice(&lab, "I1", "K1", INVOICE_PAID);
    lab_give_at(&lab, 9, on_delivered, "default", DONE_WITH("'K1'", "C", ",'verificationCode':'9'"));
    lab_give_at(&lab, 10, on_case, "default", READY("K1", "C"));
    lab_give_at(&lab, 8, on_delivered, "default", DONE("'K1'"));
    lab_check(&lab, "default", "D1 C 2026-01-21 Pending STANDARD K1"); /* it was not there yet */
    lab_give_at(&lab, 11, on_delivered, "default", DONE_WITH("'K1'", "C", ",'verificationCode':'11'"));
    lab_check(&lab, "default", "D1 C 2026-01-21 Delivered STANDARD K1");
    store_close(lab.store);
}

static void the_first_proof_stays(void **state)
{
    struct lab lab = lab_open(*state);
    struct invoice invoice;
    put_invoice(&lab, "I1", "K1,K2", INVOICE_ISSUED);
    lab_give_at(&lab, 9, on_delivered, "default", DONE("'K1'"));
    lab_give_at(&lab, 10, on_delivered, "default", DONE_WITH("'K2'", "C", ",'verificationCode':'10'"));
    check_int("I1", invoice_find(store_view(lab.store), lab.arena, SPAN("default"), SPAN("I1"), &invoice),
              ERR_OK);
    check_text("proof", invoice.delivered, quoted(lab.arena, PROOF).at);
    put_invoice(&lab, "I1", "K1,K2", INVOICE_VOID);
    put_invoice(&lab, "I1", "K1,K2", INVOICE_ISSUED); /* so finance wants it */
    lab_give_at(&lab, 8, on_delivered, "default", DONE_WITH("'K2'", "C", ",'verificationCode':'8'"));
    check_invoices(&lab, "I1 Issued with proof");
    lab_give_at(&lab, 11, on_delivered, "default", DONE_WITH("'K2'", "C", ",'verificationCode':'11'"));
    check_invoices(&lab, "I1 Delivered with proof");
    store_close(lab.store);
}

static enum err call_clinic(struct store *store, struct store_job *job)
{
    bool added;
    int64_t revived;
    return clinic_put(store, &((struct lab *)job)->clinic, &added, &revived);
}

static void put_clinic(struct lab *lab, const char *id, const char *more)
{
    struct buf document = {.arena = lab->arena};
    buf_printf(&document, "{'clinicId':'%s','name':'Invented','timezone':'America/New_York'%s}", id, more);
    lab->clinic =
        (struct clinic_row){SPAN("default"), span_of(id), quoted(lab->arena, buf_text(&document)), LAB_TIME};
    check_int(id, lab_run(lab, call_clinic), ERR_OK);
}

/* The cell u4pruydqqvj is a metre wide, at 57.64911 N 10.40744 E; a thousandth of a degree is 111 m. */
static void far_from_the_clinic_is_flagged(void **state)
{
    static const struct {
        const char *clinic, *geohash, *metres;
    } rows[] = {
        {"HERE", "u4pruydqqvj", NULL},  {"NORTH99", "u4pruydqqvj", NULL}, {"NORTH102", "u4pruydqqvj", "102"},
        {"NORTH102", "u4pruydq", NULL}, {"NOWHERE", "u4pruydqqvj", NULL}, {"UNKNOWN", "u4pruydqqvj", NULL},
        {"HERE", "9q8yy", "8526268"},   {"HERE", "not a hash", ""},
    };
    struct lab lab = lab_open(*state);
    struct buf told = {.arena = lab.arena};
    put_clinic(&lab, "HERE", ",'coordinates':{'lat':57.64911,'lng':10.40744}");
    put_clinic(&lab, "NORTH99", ",'coordinates':{'lat':57.650005,'lng':10.40744}");
    put_clinic(&lab, "NORTH102", ",'coordinates':{'lat':57.650035,'lng':10.40744}");
    put_clinic(&lab, "NOWHERE", "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf text = {.arena = lab.arena}, want = {.arena = lab.arena}, id = {.arena = lab.arena};
        buf_printf(&id, "I%zu", i);
        put_invoice(&lab, buf_text(&id), buf_text(&id), INVOICE_ISSUED);
        buf_printf(&text, DONE_WITH("'I%zu'", "%s", ",'geoHash':'%s'"), i, rows[i].clinic, rows[i].geohash);
        lab_give(&lab, on_delivered, buf_text(&text));
        buf_printf(&told, "%s%s", i > 0 ? "; " : "", rows[i].metres != NULL ? "geohash.flagged; " : "");
        buf_printf(&told, "cases.unknown");
        lab_check_told(&lab, buf_text(&told));
        if (rows[i].metres == NULL)
            continue;
        buf_printf(&want, "\"geoHash\":\"%s\",%s%s%s", rows[i].geohash, *rows[i].metres ? "\"metres\":" : "",
                   rows[i].metres, *rows[i].metres ? ",\"caseIds\"" : "\"caseIds\"");
        check_detail(&lab, "geohash.flagged", buf_text(&want));
    }
    store_close(lab.store);
}

static void what_is_missing_is_refused(void **state)
{
    struct lab lab = lab_open(*state);
    static const struct {
        const char *detail, *reason;
    } rows[] = {
        {"{}", "Missing caseIds; Missing clinicId; Missing deliveredAt; Missing proofOfDelivery"},
        {"{'caseIds':[],'clinicId':'C','deliveredAt':'yesterday','proofOfDelivery':{}}",
         "Invalid caseIds; Invalid deliveredAt; Missing proofOfDelivery.signatureUrl"},
        {"{'caseIds':['K1',2],'clinicId':3,'deliveredAt':'2026-01-21T10:00:00','proofOfDelivery':'x',"
         "'receivedBy':{}}",
         "Invalid caseIds; Invalid clinicId; Invalid deliveredAt; Invalid proofOfDelivery; "
         "Missing receivedBy.name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        lab_check_refused(&lab, on_delivered, rows[i].detail, rows[i].reason);
    lab_check_told(&lab, "");
    store_close(lab.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(deliveries_invoices_and_billing),
        SHELF_TEST(twice_is_once),
        SHELF_TEST(paid_and_void_keep_their_status),
        SHELF_TEST(an_invoice_of_two_deliveries_is_billed_once),
        SHELF_TEST(cases_without_an_invoice_are_named),
        SHELF_TEST(what_was_left_goes_on),
        SHELF_TEST(what_has_failed_stays_so),
        SHELF_TEST(another_clinic_is_told),
        SHELF_TEST(orgs_are_apart),
        SHELF_TEST(an_older_event_is_superseded),
        SHELF_TEST(the_first_proof_stays),
        SHELF_TEST(far_from_the_clinic_is_flagged),
        SHELF_TEST(what_is_missing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
