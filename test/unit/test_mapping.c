/* The built-in definitions on payloads: every row of the mapping, and every fault. */
#include "model/mapping.h"

#include "base/time.h"
#include "model/builtin.h"
#include "model/definition.h"
#include "model/event.h"
#include "model/verdict.h"
#include "unit.h"

enum vendor { DENTRIX, OPENDENTAL, EAGLESOFT };

static struct definition *definitions[BUILTIN_COUNT];

static int load_definitions(void **state)
{
    (void)state;
    struct faults faults CLEANUP(faults_free) = {0};
    for (size_t i = 0; i < BUILTIN_COUNT; i++)
        definitions[i] = definition_load(builtin_at(i).text, builtin_at(i).vendor, &faults);
    return faults.count == 0 ? 0 : -1;
}

static int free_definitions(void **state)
{
    (void)state;
    for (size_t i = 0; i < BUILTIN_COUNT; i++)
        definition_free(definitions[i]);
    return 0;
}

/* One payload's way through a mapping. */
struct trip {
    struct arena arena;
    struct mapped mapped;
    struct faults faults;
    enum err err;
};

static void trip_free(struct trip *trip)
{
    arena_free(&trip->arena);
}

#define RECEIVED INT64_C(1795190400000) /* 2026-11-20T16:00:00Z */

static struct source source_of(struct definition *definition, const struct zone *zone)
{
    return (struct source){
        .name = "north",
        .org = "default",
        .lab = "LAB001",
        .id_prefix = mem_copy(definition->vendor),
        .clinic_prefix = "",
        .definition = definition,
        .zone = zone,
    };
}

static void run_with(struct trip *trip, struct source *source, const char *payload)
{
    struct verdict verdict;
    verdict_again(source, NULL, span_of(quoted(&trip->arena, payload).at), SPAN(""), RECEIVED, &trip->arena,
                  &verdict);
    CHECK(payload, verdict.kind == VERDICT_KEEP && verdict.count == 1);
    trip->mapped = verdict.pieces[0].mapped;
    trip->faults = verdict.pieces[0].faults;
    trip->err = trip->faults.count == 0 ? ERR_OK : ERR_BAD_WEBHOOK;
    CHECK(payload, (verdict.pieces[0].event.detail != NULL) == (trip->faults.count == 0));
}

static void run_of(struct trip *trip, struct definition *definition, const char *payload)
{
    struct source source = source_of(definition, NULL);
    run_with(trip, &source, payload);
    free(source.id_prefix);
}

static void run(struct trip *trip, enum vendor vendor, const char *payload)
{
    run_of(trip, definitions[vendor], payload);
}

static void check_detail(enum vendor vendor, const char *payload, const char *detail)
{
    struct trip trip CLEANUP(trip_free) = {0};
    run(&trip, vendor, payload);
    check_faults(payload, &trip.faults, "");
    check_text(payload, buf_span(&trip.mapped.detail), quoted(&trip.arena, detail).at);
}

#define DENTRIX_LEAST    "'externalId':'X1','practiceId':'P1','preferredPickupTime':'2025-01-20T14:00:00Z'"
#define OPENDENTAL_LEAST "'LabCaseNum':'X1','ClinicNum':'P1','DateTimeScheduled':'2025-01-20T14:00:00Z'"
#define EAGLESOFT_LEAST  "'caseId':'X1','practiceId':'P1','scheduledPickup':'2025-01-20T14:00:00Z'"

/* The details to the letter, keys in their order, since users read them. */
static void the_least_payload_gets_every_default(void **state)
{
    (void)state;
    check_detail(DENTRIX, "{" DENTRIX_LEAST "}",
                 "{'pickupId':'dentrix-X1','clinicId':'P1','labId':'LAB001',"
                 "'windowStart':'2025-01-20T13:00:00Z','windowEnd':'2025-01-20T15:00:00Z','isRush':false,"
                 "'packageCount':1,'notes':'','requestedBy':{'name':'Dentrix User','phone':'',"
                 "'userId':'dentrix-user-P1'},'requestTime':'2026-11-20T16:00:00Z','metadata':{"
                 "'source':'dentrix','externalId':'X1','preferredTime':'2025-01-20T14:00:00Z',"
                 "'originalPriority':0}}");
    check_detail(OPENDENTAL, "{" OPENDENTAL_LEAST "}",
                 "{'pickupId':'opendental-X1','clinicId':'P1','labId':'LAB001',"
                 "'windowStart':'2025-01-20T13:00:00Z','windowEnd':'2025-01-20T15:00:00Z','isRush':false,"
                 "'packageCount':1,'notes':'','requestedBy':{'name':'OpenDental User','phone':'',"
                 "'userId':'opendental-user-P1'},'requestTime':'2026-11-20T16:00:00Z','metadata':{"
                 "'source':'opendental','externalId':'X1','preferredTime':'2025-01-20T14:00:00Z',"
                 "'originalPriority':'Normal'}}");
    check_detail(EAGLESOFT, "{" EAGLESOFT_LEAST "}",
                 "{'pickupId':'eaglesoft-X1','clinicId':'P1','labId':'LAB001',"
                 "'windowStart':'2025-01-20T13:00:00Z','windowEnd':'2025-01-20T15:00:00Z','isRush':false,"
                 "'packageCount':1,'notes':'','requestedBy':{'name':'Eaglesoft User','phone':'',"
                 "'userId':'eaglesoft-user-P1'},'requestTime':'2026-11-20T16:00:00Z','metadata':{"
                 "'source':'eaglesoft','externalId':'X1','patientName':'Unknown',"
                 "'preferredTime':'2025-01-20T14:00:00Z','originalUrgency':'routine'}}");
}

static void a_full_payload_fills_every_field(void **state)
{
    (void)state;
    check_detail(DENTRIX,
                 "{'externalId':'DX-54321','practiceId':'CLI-001','labId':'LAB-7','patientName':'Jane Doe',"
                 "'preferredPickupTime':'2025-01-20T14:00:00Z','priority':1,"
                 "'notes':'Please call upon arrival','packageCount':2,'contactName':'Dr. Johnson',"
                 "'contactPhone':'555-1234'}",
                 "{'pickupId':'dentrix-DX-54321','clinicId':'CLI-001','labId':'LAB-7',"
                 "'windowStart':'2025-01-20T13:00:00Z','windowEnd':'2025-01-20T15:00:00Z','isRush':true,"
                 "'packageCount':2,'notes':'Please call upon arrival','requestedBy':{'name':'Dr. Johnson',"
                 "'phone':'555-1234','userId':'dentrix-user-CLI-001'},'requestTime':'2026-11-20T16:00:00Z',"
                 "'metadata':{'source':'dentrix','externalId':'DX-54321','patientName':'Jane Doe',"
                 "'preferredTime':'2025-01-20T14:00:00Z','originalPriority':1}}");
    check_detail(OPENDENTAL,
                 "{'LabCaseNum':98765,'ClinicNum':3,'LabNum':12,'PatName':'Jane Doe',"
                 "'DateTimeScheduled':'2025-01-20T14:00:00-05:00','Priority':'Urgent','Note':'Back door',"
                 "'NumPackages':3,'ContactName':'Front Desk','ContactPhone':'555-9876'}",
                 "{'pickupId':'opendental-98765','clinicId':'3','labId':'12',"
                 "'windowStart':'2025-01-20T18:00:00Z','windowEnd':'2025-01-20T20:00:00Z','isRush':true,"
                 "'packageCount':3,'notes':'Back door','requestedBy':{'name':'Front Desk',"
                 "'phone':'555-9876','userId':'opendental-user-3'},'requestTime':'2026-11-20T16:00:00Z',"
                 "'metadata':{'source':'opendental','externalId':'98765','patientName':'Jane Doe',"
                 "'preferredTime':'2025-01-20T19:00:00Z','originalPriority':'Urgent'}}");
    check_detail(EAGLESOFT,
                 "{'caseId':'ES-1','practiceId':'P-9','labId':'L-2','patientInfo':{'name':'Jane Doe'},"
                 "'scheduledPickup':'2025-01-20 14:00Z','urgency':'STAT','comments':'Ring twice',"
                 "'itemCount':4,'contact':{'name':'Mary','phone':'555-0000'},'unknown':{'is':'ignored'}}",
                 "{'pickupId':'eaglesoft-ES-1','clinicId':'P-9','labId':'L-2',"
                 "'windowStart':'2025-01-20T13:00:00Z','windowEnd':'2025-01-20T15:00:00Z','isRush':true,"
                 "'packageCount':4,'notes':'Ring twice','requestedBy':{'name':'Mary','phone':'555-0000',"
                 "'userId':'eaglesoft-user-P-9'},'requestTime':'2026-11-20T16:00:00Z','metadata':{"
                 "'source':'eaglesoft','externalId':'ES-1','patientName':'Jane Doe',"
                 "'preferredTime':'2025-01-20T14:00:00Z','originalUrgency':'STAT'}}");
}

/* The least payload with one field more, or with another value where it has that field already. */
static const char *payload_with(struct arena *arena, enum vendor vendor, const char *field, const char *value)
{
    static const char *const least[] = {DENTRIX_LEAST, OPENDENTAL_LEAST, EAGLESOFT_LEAST};
    struct buf text = {.arena = arena};
    struct span rest = span_of(least[vendor]);
    buf_printf(&text, "{'%s':%s", field, value);
    while (rest.len > 0) {
        struct span member = span_cut(&rest, ',');
        struct span value_of = member;
        struct span name = span_cut(&value_of, ':');
        if (!span_is((struct span){name.at + 1, name.len - 2}, span_of(field)))
            buf_printf(&text, ",%.*s", (int)member.len, member.at);
    }
    buf_add_char(&text, '}');
    return buf_text(&text);
}

/* A member of a detail as JSON text; "absent" if there is none. `path` is NAME or NAME.NAME. */
static struct span member(struct trip *trip, const char *path)
{
    struct json_fault fault;
    struct span rest = span_of(path);
    struct buf text = {.arena = &trip->arena};
    struct json *detail = json_parse(buf_span(&trip->mapped.detail), &fault);
    CHECK(path, detail != NULL);
    const struct json *at = detail;
    while (rest.len > 0)
        at = json_get(at, arena_copy(&trip->arena, span_cut(&rest, '.')));
    if (at == NULL)
        buf_add(&text, SPAN("absent"));
    else
        json_put(&text, at);
    json_free(detail);
    return buf_span(&text);
}

/* What one field of a payload becomes. */
static const struct becomes {
    enum vendor vendor;
    const char *field, *value, *path, *want;
} becomes[] = {
    {DENTRIX, "externalId", "'a b/c'", "pickupId", "'dentrix-a b/c'"},
    {DENTRIX, "externalId", "42", "pickupId", "'dentrix-42'"},
    {DENTRIX, "externalId", "42", "metadata.externalId", "'42'"},
    {DENTRIX, "externalId", "-9223372036854775808", "pickupId", "'dentrix--9223372036854775808'"},
    {DENTRIX, "externalId", "0", "pickupId", "'dentrix-0'"},
    {DENTRIX, "externalId", "' '", "pickupId", "'dentrix- '"},
    {DENTRIX, "externalId", "'J\xc3\xbcrgen'", "pickupId", "'dentrix-J\xc3\xbcrgen'"},
    {DENTRIX, "externalId", "'{vendor}'", "pickupId", "'dentrix-{vendor}'"},
    {DENTRIX, "practiceId", "9007199254740993", "clinicId", "'9007199254740993'"},
    {DENTRIX, "practiceId", "7", "requestedBy.userId", "'dentrix-user-7'"},
    {OPENDENTAL, "LabCaseNum", "9223372036854775807", "pickupId", "'opendental-9223372036854775807'"},
    {EAGLESOFT, "caseId", "17", "metadata.externalId", "'17'"},

    {DENTRIX, "labId", "''", "labId", "'LAB001'"},
    {DENTRIX, "labId", "null", "labId", "'LAB001'"},
    {DENTRIX, "labId", "5", "labId", "'5'"},
    {OPENDENTAL, "LabNum", "''", "labId", "'LAB001'"},
    {OPENDENTAL, "LabNum", "0", "labId", "'0'"},
    {EAGLESOFT, "labId", "'L2'", "labId", "'L2'"},

    {DENTRIX, "preferredPickupTime", "'2025-01-01T00:30:00Z'", "windowStart", "'2024-12-31T23:30:00Z'"},
    {DENTRIX, "preferredPickupTime", "'2025-01-01T00:30:00Z'", "windowEnd", "'2025-01-01T01:30:00Z'"},
    {DENTRIX, "preferredPickupTime", "'2025-01-20T14:00:59.999+02:00'", "metadata.preferredTime",
     "'2025-01-20T12:00:59Z'"},
    {DENTRIX, "preferredPickupTime", "'1970-01-01T00:00:00Z'", "windowStart", "'1969-12-31T23:00:00Z'"},
    {DENTRIX, "preferredPickupTime", "'2099-12-31T23:59:59Z'", "windowEnd", "'2100-01-01T00:59:59Z'"},
    {OPENDENTAL, "DateTimeScheduled", "'2025-01-20 14:00:00Z'", "windowEnd", "'2025-01-20T15:00:00Z'"},
    {EAGLESOFT, "scheduledPickup", "'2025-01-20T14:00Z'", "windowStart", "'2025-01-20T13:00:00Z'"},

    {DENTRIX, "priority", "0", "isRush", "false"},
    {DENTRIX, "priority", "1", "isRush", "true"},
    {DENTRIX, "priority", "2", "isRush", "true"},
    {DENTRIX, "priority", "2", "metadata.originalPriority", "2"},
    {DENTRIX, "priority", "null", "isRush", "false"},
    {DENTRIX, "priority", "null", "metadata.originalPriority", "0"},
    {OPENDENTAL, "Priority", "'Normal'", "isRush", "false"},
    {OPENDENTAL, "Priority", "'High'", "isRush", "true"},
    {OPENDENTAL, "Priority", "'Urgent'", "isRush", "true"},
    {OPENDENTAL, "Priority", "'Emergency'", "isRush", "true"},
    {OPENDENTAL, "Priority", "'High'", "metadata.originalPriority", "'High'"},
    {OPENDENTAL, "Priority", "null", "metadata.originalPriority", "'Normal'"},
    {EAGLESOFT, "urgency", "'routine'", "isRush", "false"},
    {EAGLESOFT, "urgency", "'Routine'", "isRush", "false"},
    {EAGLESOFT, "urgency", "'urgent'", "isRush", "true"},
    {EAGLESOFT, "urgency", "'STAT'", "isRush", "true"},
    {EAGLESOFT, "urgency", "'eMergency'", "isRush", "true"},
    {EAGLESOFT, "urgency", "'eMergency'", "metadata.originalUrgency", "'eMergency'"},
    {EAGLESOFT, "urgency", "null", "metadata.originalUrgency", "'routine'"},

    {DENTRIX, "packageCount", "1", "packageCount", "1"},
    {DENTRIX, "packageCount", "10000", "packageCount", "10000"},
    {DENTRIX, "packageCount", "null", "packageCount", "1"},
    {OPENDENTAL, "NumPackages", "10000", "packageCount", "10000"},
    {EAGLESOFT, "itemCount", "10000", "packageCount", "10000"},

    {DENTRIX, "notes", "''", "notes", "''"},
    {DENTRIX, "notes", "null", "notes", "''"},
    {DENTRIX, "notes", "'a\\n\\u0001\\\\ \\u00e9'", "notes", "'a\\n\\u0001\\\\ \xc3\xa9'"},
    {OPENDENTAL, "Note", "'n'", "notes", "'n'"},
    {EAGLESOFT, "comments", "'c'", "notes", "'c'"},

    {DENTRIX, "contactName", "null", "requestedBy.name", "'Dentrix User'"},
    {DENTRIX, "contactName", "''", "requestedBy.name", "''"}, /* sent, and empty */
    {DENTRIX, "contactPhone", "null", "requestedBy.phone", "''"},
    {OPENDENTAL, "ContactName", "null", "requestedBy.name", "'OpenDental User'"},
    {EAGLESOFT, "contact", "null", "requestedBy.name", "'Eaglesoft User'"},
    {EAGLESOFT, "contact", "{}", "requestedBy.name", "'Eaglesoft User'"},
    {EAGLESOFT, "contact", "{'name':null}", "requestedBy.name", "'Eaglesoft User'"},
    {EAGLESOFT, "contact", "{'name':'Mary'}", "requestedBy.name", "'Mary'"},
    {EAGLESOFT, "contact", "{'name':'Mary'}", "requestedBy.phone", "''"},
    {EAGLESOFT, "contact.name", "'Mary'", "requestedBy.name", "'Eaglesoft User'"}, /* no path, just a name */

    {DENTRIX, "patientName", "null", "metadata.patientName", "absent"},
    {DENTRIX, "patientName", "''", "metadata.patientName", "''"},
    {OPENDENTAL, "PatName", "null", "metadata.patientName", "absent"},
    {OPENDENTAL, "PatName", "'Jane'", "metadata.patientName", "'Jane'"},
    {EAGLESOFT, "patientInfo", "null", "metadata.patientName", "'Unknown'"},
    {EAGLESOFT, "patientInfo", "{'name':null}", "metadata.patientName", "'Unknown'"},
    {EAGLESOFT, "patientInfo", "{'name':'Jane'}", "metadata.patientName", "'Jane'"},
};

static void every_field_becomes_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof becomes / sizeof becomes[0]; i++) {
        struct trip trip CLEANUP(trip_free) = {0};
        const char *payload =
            payload_with(&trip.arena, becomes[i].vendor, becomes[i].field, becomes[i].value);
        run(&trip, becomes[i].vendor, payload);
        check_faults(payload, &trip.faults, "");
        check_text(payload, member(&trip, becomes[i].path), quoted(&trip.arena, becomes[i].want).at);
    }
}

/* What is wrong with one field of a payload. */
static const struct wrong {
    enum vendor vendor;
    const char *field, *value, *want;
} wrong[] = {
    {DENTRIX, "externalId", "null", "Missing externalId"},
    {DENTRIX, "externalId", "''", "Missing externalId"},
    {DENTRIX, "externalId", "1.0", "Invalid externalId"},
    {DENTRIX, "externalId", "1e3", "Invalid externalId"},
    {DENTRIX, "externalId", "true", "Invalid externalId"},
    {DENTRIX, "externalId", "['X1']", "Invalid externalId"},
    {DENTRIX, "externalId", "{}", "Invalid externalId"},
    {DENTRIX, "practiceId", "null", "Missing practiceId"},
    {DENTRIX, "practiceId", "''", "Missing practiceId"},
    {DENTRIX, "practiceId", "false", "Invalid practiceId"},
    {DENTRIX, "labId", "{}", "Invalid labId"},
    {DENTRIX, "labId", "1.5", "Invalid labId"},
    {OPENDENTAL, "LabCaseNum", "''", "Missing LabCaseNum"},
    {OPENDENTAL, "ClinicNum", "null", "Missing ClinicNum"},
    {OPENDENTAL, "LabNum", "true", "Invalid LabNum"},
    {EAGLESOFT, "caseId", "null", "Missing caseId"},
    {EAGLESOFT, "practiceId", "[]", "Invalid practiceId"},

    {DENTRIX, "preferredPickupTime", "null", "Missing preferredPickupTime"},
    {DENTRIX, "preferredPickupTime", "''", "Missing preferredPickupTime"},
    {DENTRIX, "preferredPickupTime", "'soon'", "Invalid preferredPickupTime"},
    {DENTRIX, "preferredPickupTime", "1737381600", "Invalid preferredPickupTime"},
    {DENTRIX, "preferredPickupTime", "'2025-01-20'", "Invalid preferredPickupTime"},
    {DENTRIX, "preferredPickupTime", "'2025-01-20T14:00:00'", "Invalid preferredPickupTime"},
    {DENTRIX, "preferredPickupTime", "'0001-01-01 00:00:00'", "Invalid preferredPickupTime"},
    {OPENDENTAL, "DateTimeScheduled", "'0001-01-01 00:00:00'", "Missing DateTimeScheduled"},
    {OPENDENTAL, "DateTimeScheduled", "'0001-01-01T00:00:00'", "Invalid DateTimeScheduled"},
    {OPENDENTAL, "DateTimeScheduled", "'2025-01-20 14:00:00'", "Invalid DateTimeScheduled"}, /* no zone */
    {EAGLESOFT, "scheduledPickup", "{}", "Invalid scheduledPickup"},

    {DENTRIX, "priority", "3", "Invalid priority"},
    {DENTRIX, "priority", "-1", "Invalid priority"},
    {DENTRIX, "priority", "'1'", "Invalid priority"},
    {DENTRIX, "priority", "1.0", "Invalid priority"},
    {DENTRIX, "priority", "true", "Invalid priority"},
    {DENTRIX, "priority", "''", "Invalid priority"},
    {DENTRIX, "priority", "[]", "Invalid priority"},
    {OPENDENTAL, "Priority", "'normal'", "Invalid Priority"},
    {OPENDENTAL, "Priority", "'Low'", "Invalid Priority"},
    {OPENDENTAL, "Priority", "0", "Invalid Priority"},
    {OPENDENTAL, "Priority", "''", "Invalid Priority"},
    {EAGLESOFT, "urgency", "'soon'", "Invalid urgency"},
    {EAGLESOFT, "urgency", "' stat'", "Invalid urgency"},
    {EAGLESOFT, "urgency", "'sta'", "Invalid urgency"},
    {EAGLESOFT, "urgency", "1", "Invalid urgency"},

    {DENTRIX, "packageCount", "0", "Invalid packageCount"},
    {DENTRIX, "packageCount", "10001", "Invalid packageCount"},
    {DENTRIX, "packageCount", "-1", "Invalid packageCount"},
    {DENTRIX, "packageCount", "'2'", "Invalid packageCount"},
    {DENTRIX, "packageCount", "''", "Invalid packageCount"},
    {DENTRIX, "packageCount", "2.0", "Invalid packageCount"},
    {DENTRIX, "packageCount", "9223372036854775807", "Invalid packageCount"},
    {DENTRIX, "packageCount", "true", "Invalid packageCount"},
    {OPENDENTAL, "NumPackages", "0", "Invalid NumPackages"},
    {OPENDENTAL, "NumPackages", "10001", "Invalid NumPackages"},
    {EAGLESOFT, "itemCount", "0", "Invalid itemCount"},
    {EAGLESOFT, "itemCount", "10001", "Invalid itemCount"},

    {DENTRIX, "notes", "7", "Invalid notes"},
    {DENTRIX, "contactName", "[]", "Invalid contactName"},
    {DENTRIX, "contactPhone", "5551234", "Invalid contactPhone"},
    {DENTRIX, "patientName", "{}", "Invalid patientName"},
    {OPENDENTAL, "Note", "true", "Invalid Note"},
    {OPENDENTAL, "ContactName", "7", "Invalid ContactName"},
    {OPENDENTAL, "ContactPhone", "7", "Invalid ContactPhone"},
    {OPENDENTAL, "PatName", "7", "Invalid PatName"},
    {EAGLESOFT, "comments", "{}", "Invalid comments"},
    {EAGLESOFT, "contact", "'Mary'", "Invalid contact"}, /* said once, though two fields need it */
    {EAGLESOFT, "contact", "[]", "Invalid contact"},
    {EAGLESOFT, "contact", "false", "Invalid contact"},
    {EAGLESOFT, "contact", "{'name':7}", "Invalid contact.name"},
    {EAGLESOFT, "contact", "{'name':'Mary','phone':7}", "Invalid contact.phone"},
    {EAGLESOFT, "patientInfo", "'Jane'", "Invalid patientInfo"},
    {EAGLESOFT, "patientInfo", "{'name':[]}", "Invalid patientInfo.name"},
};

static void every_fault_names_its_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct trip trip CLEANUP(trip_free) = {0};
        const char *payload = payload_with(&trip.arena, wrong[i].vendor, wrong[i].field, wrong[i].value);
        run(&trip, wrong[i].vendor, payload);
        assert_int_equal(trip.err, ERR_BAD_WEBHOOK);
        check_faults(payload, &trip.faults, wrong[i].want);
    }
}

/* Everything wrong at once, in the order of the mapping, and each once. */
static const struct {
    enum vendor vendor;
    const char *payload, *want;
} many[] = {
    {DENTRIX, "{}", "Missing externalId; Missing practiceId; Missing preferredPickupTime"},
    {OPENDENTAL, "{}", "Missing LabCaseNum; Missing ClinicNum; Missing DateTimeScheduled"},
    {EAGLESOFT, "{}", "Missing caseId; Missing practiceId; Missing scheduledPickup"},
    {DENTRIX,
     "{'patientName':1,'contactPhone':1,'contactName':1,'notes':1,'packageCount':0,'priority':{},"
     "'preferredPickupTime':'x','labId':{},'practiceId':{},'externalId':{}}",
     "Invalid externalId; Invalid practiceId; Invalid labId; Invalid preferredPickupTime; Invalid priority; "
     "Invalid packageCount; Invalid notes; Invalid contactName; Invalid contactPhone; Invalid patientName"},
    {OPENDENTAL,
     "{'PatName':1,'ContactPhone':1,'ContactName':1,'Note':1,'NumPackages':0,'Priority':'x',"
     "'DateTimeScheduled':'0001-01-01 00:00:00','LabNum':{},'ClinicNum':'','LabCaseNum':{}}",
     "Invalid LabCaseNum; Missing ClinicNum; Invalid LabNum; Missing DateTimeScheduled; Invalid Priority; "
     "Invalid NumPackages; Invalid Note; Invalid ContactName; Invalid ContactPhone; Invalid PatName"},
    {EAGLESOFT,
     "{'patientInfo':[],'contact':{'phone':1,'name':1},'comments':1,'itemCount':0,'urgency':'x',"
     "'scheduledPickup':'x','labId':{},'practiceId':null,'caseId':{}}",
     "Invalid caseId; Missing practiceId; Invalid labId; Invalid scheduledPickup; Invalid urgency; "
     "Invalid itemCount; Invalid comments; Invalid contact.name; Invalid contact.phone; "
     "Invalid patientInfo"},
    {DENTRIX, "[]", "Not a JSON object"},
    {DENTRIX, "'text'", "Not a JSON object"},
    {DENTRIX, "null", "Not a JSON object"},
    {DENTRIX, "[{" DENTRIX_LEAST "}]", "Not a JSON object"},
};

static void all_faults_are_said_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        struct trip trip CLEANUP(trip_free) = {0};
        run(&trip, many[i].vendor, many[i].payload);
        assert_int_equal(trip.err, ERR_BAD_WEBHOOK);
        check_faults(many[i].payload, &trip.faults, many[i].want);
    }
}

static void ids_have_at_most_200_bytes(void **state)
{
    (void)state;
    static const char *const names[] = {"externalId", "practiceId", "labId"};
    static const size_t lengths[] = {1, 200, 201, 10000};
    for (size_t i = 0; i < 3; i++) {
        for (size_t n = 0; n < 4; n++) {
            struct trip trip CLEANUP(trip_free) = {0};
            struct buf value = {.arena = &trip.arena};
            buf_printf(&value, "'%s'", repeat(&trip.arena, 'x', lengths[n]).at);
            run(&trip, DENTRIX, payload_with(&trip.arena, DENTRIX, names[i], buf_text(&value)));
            check_int(names[i], trip.err, lengths[n] <= MAP_ID_MAX ? ERR_OK : ERR_BAD_WEBHOOK);
        }
    }
}

static void a_local_time_takes_the_zone_of_the_source(void **state)
{
    (void)state;
    struct trip trip CLEANUP(trip_free) = {0};
    struct source source = source_of(definitions[OPENDENTAL], zone_find(SPAN("America/New_York")));
    run_with(&trip, &source, "{'LabCaseNum':1,'ClinicNum':2,'DateTimeScheduled':'2025-01-20 14:00:00'}");
    free(source.id_prefix);
    check_faults("local", &trip.faults, "");
    check_text("start", member(&trip, "windowStart"), "\"2025-01-20T18:00:00Z\"");
    check_text("end", member(&trip, "windowEnd"), "\"2025-01-20T20:00:00Z\"");
    check_text("time", member(&trip, "metadata.preferredTime"), "\"2025-01-20T19:00:00Z\"");
}

static void the_source_sets_prefixes_and_the_lab(void **state)
{
    (void)state;
    struct trip trip CLEANUP(trip_free) = {0};
    struct source source = {.name = "north",
                            .org = "default",
                            .lab = "LAB \"9\"",
                            .id_prefix = "north",
                            .clinic_prefix = "n/",
                            .definition = definitions[DENTRIX]};
    run_with(&trip, &source, "{" DENTRIX_LEAST "}");
    check_text("pickup", member(&trip, "pickupId"), "\"north-X1\"");
    check_text("clinic", member(&trip, "clinicId"), "\"n/P1\"");
    check_text("user", member(&trip, "requestedBy.userId"), "\"dentrix-user-n/P1\"");
    check_text("external", member(&trip, "metadata.externalId"), "\"X1\"");
    check_text("lab", member(&trip, "labId"), "\"LAB \\\"9\\\"\"");
}

/* The answer and a retry from quarantine use these, and not the detail's text. */
static void the_marked_fields_are_found_again(void **state)
{
    (void)state;
    for (enum vendor vendor = DENTRIX; vendor <= EAGLESOFT; vendor++) {
        struct trip trip CLEANUP(trip_free) = {0};
        struct buf pickup_id = {.arena = &trip.arena};
        static const char *const ids[] = {"externalId", "LabCaseNum", "caseId"};
        run(&trip, vendor, payload_with(&trip.arena, vendor, ids[vendor], "7"));
        check_faults("marked", &trip.faults, "");
        buf_printf(&pickup_id, "\"%.*s-7\"", (int)definitions[vendor]->vendor.len,
                   definitions[vendor]->vendor.at);
        check_text("pickup", trip.mapped.pickup_id, buf_text(&pickup_id));
        check_text("external", trip.mapped.external_id, "\"7\"");
        check_text("window", trip.mapped.window_start, "\"2025-01-20T13:00:00Z\"");
        struct event event = {.detail = trip.mapped.detail.at, .received_at = trip.mapped.received_at};
        event_set_time(&event, 0);
        check_text("time", member(&trip, "requestTime"), "\"1970-01-01T00:00:00Z\"");
    }
}

/* What the built-in definitions leave unused. */
#define OTHER                                                                                                \
    "{'vendor':'v','scheme':{'kind':'hmac','hash':'sha256','signature':{'header':'X','encoding':'hex'},"     \
    "'signed':'{body}'},'event':{'source':'s','type':'t','detail':{"                                         \
    "'a':{'from':'deep.er.name','type':'string','nulls':['none','-']},"                                      \
    "'b':{'from':['b','list.1.n'],'type':'whole'},"                                                          \
    "'c':{'from':'c','type':'scalar'},"                                                                      \
    "'d':{'from':'d','type':'table','table':[['on',{'x':[1]}],[5,null]],'default':null},"                    \
    "'e':{'from':'e','type':'time','offset':'+90m','default':'{received}'},"                                 \
    "'f':{'text':'{a}|{e}|{lab}|}'}"                                                                         \
    "}},'confirmation':{}}"

static const struct {
    const char *payload, *detail, *faults;
} others[] = {
    {"{}", "{'d':null,'e':'2026-11-20T16:00:00Z','f':'|2026-11-20T16:00:00Z|LAB001|}'}", ""},
    {"{'deep':{'er':{'name':'x'}},'b':-9223372036854775808,'c':1.5,'d':'on','e':'2025-01-20T14:00:00Z'}",
     "{'a':'x','b':-9223372036854775808,'c':1.5,'d':{'x':[1]},'e':'2025-01-20T15:30:00Z',"
     "'f':'x|2025-01-20T15:30:00Z|LAB001|}'}",
     ""},
    {"{'deep':{'er':{'name':'none'}},'c':true,'d':5}",
     "{'c':true,'d':null,'e':'2026-11-20T16:00:00Z','f':'|2026-11-20T16:00:00Z|LAB001|}'}", ""},
    {"{'deep':{'er':{'name':''}}}",
     "{'a':'','d':null,'e':'2026-11-20T16:00:00Z','f':'|2026-11-20T16:00:00Z|LAB001|}'}", ""},
    {"{'list':[{'n':1},{'n':2}]}",
     "{'b':2,'d':null,'e':'2026-11-20T16:00:00Z','f':'|2026-11-20T16:00:00Z|LAB001|}'}", ""},
    {"{'b':3,'list':[0,{'n':2}]}",
     "{'b':3,'d':null,'e':'2026-11-20T16:00:00Z','f':'|2026-11-20T16:00:00Z|LAB001|}'}", ""},
    {"{'b':null,'list':{'1':{'n':4}}}",
     "{'b':4,'d':null,'e':'2026-11-20T16:00:00Z','f':'|2026-11-20T16:00:00Z|LAB001|}'}", ""},
    {"{'list':[{'n':1}]}", "{'d':null,'e':'2026-11-20T16:00:00Z','f':'|2026-11-20T16:00:00Z|LAB001|}'}", ""},
    {"{'list':[1,2]}", NULL, "Invalid list.1"},
    {"{'list':[1,{'n':'2'}]}", NULL, "Invalid b"},
    {"{'deep':{'er':7},'d':'ON','e':''}", NULL, "Invalid deep.er; Invalid d; Invalid e"},
    {"{'deep':7,'d':true,'c':{}}", NULL, "Invalid deep; Invalid c; Invalid d"},
};

static void any_definition_runs_in_the_same_loop(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    struct definition *other = definition_load(quoted(&arena, OTHER), "v.json", &faults);
    check_faults("definition", &faults, "");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct trip trip CLEANUP(trip_free) = {0};
        run_of(&trip, other, others[i].payload);
        check_faults(others[i].payload, &trip.faults, others[i].faults);
        if (others[i].detail != NULL)
            check_text(others[i].payload, buf_span(&trip.mapped.detail),
                       quoted(&trip.arena, others[i].detail).at);
        assert_null(trip.mapped.pickup_id.at);
        assert_null(trip.mapped.external_id.at);
        assert_null(trip.mapped.window_start.at);
        assert_int_equal(trip.mapped.received_at, 0);
    }
    definition_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_payload_gets_every_default),
        cmocka_unit_test(a_full_payload_fills_every_field),
        cmocka_unit_test(every_field_becomes_what_the_table_says),
        cmocka_unit_test(every_fault_names_its_field),
        cmocka_unit_test(all_faults_are_said_at_once),
        cmocka_unit_test(ids_have_at_most_200_bytes),
        cmocka_unit_test(a_local_time_takes_the_zone_of_the_source),
        cmocka_unit_test(the_source_sets_prefixes_and_the_lab),
        cmocka_unit_test(the_marked_fields_are_found_again),
        cmocka_unit_test(any_definition_runs_in_the_same_loop),
    };
    return cmocka_run_group_tests(tests, load_definitions, free_definitions);
}
