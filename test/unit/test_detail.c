/* Details that the flows act on, as a program of the lab publishes them. */
#include "model/detail.h"

#include "base/json.h"
#include "unit.h"

#define PICKUP                                                                                               \
    "'pickupId':'P-1','clinicId':'CLI-001','windowStart':'2026-01-20T13:00:00Z','windowEnd':'2026-01-"       \
    "20T15:00:00Z'"
#define CASE     "'caseId':'C-1','labId':'LAB001','clinicId':'CLI-001','requestedDeliveryDate':'2026-01-20'"
#define DELIVERY "'caseIds':['C-1'],'clinicId':'CLI-001','deliveredAt':'2026-01-20T13:00:00Z'"
#define PROOF    "'proofOfDelivery':{'signatureUrl':'https://proof.example/1'}"

static const struct {
    const char *source, *type, *detail, *faults;
} rows[] = {
    {"crm.portal", "PickupRequested", PICKUP, ""},
    {"crm.portal", "PickupRequested",
     PICKUP ",'labId':'LAB001','isRush':true,'packageCount':2,'notes':'','requestedBy':{'name':'Dr. "
            "Madeup','phone':'','userId':'u'},'requestTime':'2026-01-20T09:00:00+01:00','metadata':{"
            "'preferredTime':'2026-01-20T14:00:00Z','source':'portal','patientName':'Jane "
            "Madeup'},'more':1,'recurringSchedule':{'frequency':'BIWEEKLY','daysOfWeek':[0,6],'timeWindow':{"
            "'start':'08:00','end':'09:00'}}",
     ""},
    {"crm.portal", "PickupRequested", "",
     "Missing detail.pickupId; Missing detail.clinicId; Missing detail.windowStart; Missing "
     "detail.windowEnd"},
    {"crm.portal", "PickupRequested",
     "'pickupId':7,'clinicId':'','labId':[],'windowStart':'2026-01-20','windowEnd':null,'isRush':'yes',"
     "'packageCount':0,'notes':1,'requestedBy':{'name':1},'requestTime':'now','metadata':{'preferredTime':''"
     "},'recurringSchedule':{'frequency':'MONTHLY','daysOfWeek':[7],'timeWindow':{'start':'8:00'}}",
     "Invalid detail.pickupId; Missing detail.clinicId; Invalid detail.labId; Invalid detail.windowStart; "
     "Missing detail.windowEnd; Invalid detail.isRush; Invalid detail.packageCount; Invalid detail.notes; "
     "Invalid detail.requestedBy.name; Invalid detail.requestTime; Invalid detail.metadata.preferredTime; "
     "Invalid detail.recurringSchedule.frequency; Invalid detail.recurringSchedule.daysOfWeek[0]; "
     "Invalid detail.recurringSchedule.timeWindow.start; Missing detail.recurringSchedule.timeWindow.end"},
    {"crm.portal", "PickupRequested", PICKUP ",'packageCount':10001", "Invalid detail.packageCount"},
    {"crm.portal", "PickupRequested",
     "'pickupId':'P-1','clinicId':'CLI-001','windowStart':'2026-01-20T13:00:00Z','windowEnd':"
     "'2026-01-20T14:00:00+01:00'",
     "Invalid detail.windowEnd: is not later than windowStart"},
    {"crm.portal", "PickupRequested",
     PICKUP ",'recurringSchedule':{'frequency':'WEEKLY','timeWindow':{'start':'09:00','end':'09:00'}}",
     "Missing detail.recurringSchedule.daysOfWeek; Invalid detail.recurringSchedule.timeWindow"},
    {"crm.portal", "Other", "'pickupId':7", ""},
    {"crm.other", "PickupRequested", "'pickupId':7", ""},

    {"cases.production", "CaseReadyToShip", CASE, ""},
    {"cases.production", "CaseReadyToShip",
     CASE
     ",'patientName':'Jane Madeup','completedAt':'2026-01-19T09:00:00Z','priority':'EMERGENCY','notes':"
     "'up','packageSpecs':{'weight':0.5,'dimensions':{'length':10,'width':9.5,'height':1},'fragile':true,"
     "'temperatureControlled':false,'requiresSignature':true}",
     ""},
    {"cases.production", "CaseReadyToShip", "",
     "Missing detail.caseId; Missing detail.labId; Missing detail.clinicId; Missing "
     "detail.requestedDeliveryDate"},
    {"cases.production", "CaseReadyToShip",
     "'caseId':'C-1','labId':'LAB001','clinicId':'CLI-001','requestedDeliveryDate':'2026-02-29','priority':"
     "'Rush','completedAt':'2026-01-19T09:00:00','packageSpecs':{'weight':-1,'dimensions':{'length':'10'},"
     "'fragile':1}",
     "Invalid detail.completedAt; Invalid detail.packageSpecs.weight; Invalid "
     "detail.packageSpecs.dimensions.length; Invalid detail.packageSpecs.fragile; Invalid detail.priority; "
     "Invalid detail.requestedDeliveryDate"},

    {"logistics.driver", "DeliveryCompleted", DELIVERY "," PROOF, ""},
    {"logistics.driver", "DeliveryCompleted",
     DELIVERY
     ",'stopId':'S','routeId':'R','deliveredBy':{'driverId':'D','driverName':'Sam "
     "Madeup'},'receivedBy':{'name':'Pat Madeup','title':'Dr.'},'proofOfDelivery':{'signatureUrl':'u',"
     "'photoUrl':'u','verificationCode':'1','geoHash':'dr5regw3p'}",
     ""},
    {"logistics.driver", "DeliveryCompleted", "",
     "Missing detail.caseIds; Missing detail.clinicId; Missing detail.deliveredAt; Missing "
     "detail.proofOfDelivery"},
    {"logistics.driver", "DeliveryCompleted",
     "'caseIds':[],'clinicId':'CLI-001','deliveredAt':'x','receivedBy':{'title':'Dr.'},'proofOfDelivery':{}",
     "Invalid detail.caseIds; Invalid detail.deliveredAt; Missing detail.receivedBy.name; Missing "
     "detail.proofOfDelivery.signatureUrl"},
    {"logistics.driver", "DeliveryCompleted",
     "'caseIds':['C-1',2,''],'clinicId':'CLI-001','deliveredAt':'2026-01-20T13:00:00Z'," PROOF,
     "Invalid detail.caseIds[1]; Invalid detail.caseIds[2]"},
    {"logistics.driver", "DeliveryCompleted",
     DELIVERY ",'proofOfDelivery':{'signatureUrl':'u','geoHash':'DR5'}",
     "Invalid detail.proofOfDelivery.geoHash"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct faults faults = {.arena = &arena};
        struct json_fault fault;
        struct buf text = {.arena = &arena};
        buf_printf(&text, "{'detail':{%s}}", rows[i].detail);
        struct json *envelope = json_parse(quoted(&arena, buf_text(&text)), &fault);
        bool good = detail_check(span_of(rows[i].source), span_of(rows[i].type), envelope, &faults);
        check_faults(rows[i].detail, &faults, rows[i].faults);
        CHECK(rows[i].detail, good == (rows[i].faults[0] == '\0'));
        json_free(envelope);
    }
}

/* However many there are, they are found and told in no time. */
static void test_no_more_than_a_hundred_faults(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct faults faults = {.arena = &arena};
    struct json_fault fault;
    struct buf text = {.arena = &arena};
    buf_printf(&text, "{'detail':{'caseIds':[0");
    for (int i = 1; i < 150; i++)
        buf_printf(&text, ",%d", i);
    buf_printf(&text, "]}}");
    struct json *envelope = json_parse(quoted(&arena, buf_text(&text)), &fault);
    assert_false(detail_check(SPAN("logistics.driver"), SPAN("DeliveryCompleted"), envelope, &faults));
    check_int("faults", (int64_t)faults.count, SHAPE_FAULTS_MAX);
    json_free(envelope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_more_than_a_hundred_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
