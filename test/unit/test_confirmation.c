/* The answer's confirmation in each vendor's words. */
#include "model/confirmation.h"

#include "model/builtin.h"
#include "model/definition.h"
#include "unit.h"

static void check_written(const char *row, const struct definition *definition,
                          const struct span terms[TERM_COUNT], const char *want)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf out = {.arena = &arena};
    confirmation_write(definition->confirmation, terms, &out);
    check_text(row, buf_span(&out), quoted(&arena, want).at);
}

static const struct span pending[TERM_COUNT] = {
    [TERM_EXTERNAL_ID] = SPAN("\"DX-1\""),
    [TERM_PICKUP_ID] = SPAN("\"dentrix-DX-1\""),
    [TERM_STATUS] = SPAN("\"Pending\""),
    [TERM_WINDOW_START] = SPAN("\"2025-01-20T13:00:00Z\""),
    [TERM_ETA] = SPAN("null"),
    [TERM_DRIVER_NAME] = SPAN("null"),
    [TERM_DRIVER_PHONE] = SPAN("null"),
};

static const struct span on_the_way[TERM_COUNT] = {
    [TERM_EXTERNAL_ID] = SPAN("\"DX-1\""),
    [TERM_PICKUP_ID] = SPAN("\"dentrix-DX-1\""),
    [TERM_STATUS] = SPAN("\"EnRoute\""),
    [TERM_WINDOW_START] = SPAN("\"2025-01-20T13:00:00Z\""),
    [TERM_ETA] = SPAN("\"2025-01-20T13:20:00Z\""),
    [TERM_DRIVER_NAME] = SPAN("\"Sam\""),
    [TERM_DRIVER_PHONE] = SPAN("null"),
};

static const struct {
    const char *pending, *on_the_way;
} rows[BUILTIN_COUNT] = {
    {"{'externalId':'DX-1','confirmationNumber':'dentrix-DX-1','status':'Pending',"
     "'scheduledTime':'2025-01-20T13:00:00Z','estimatedArrival':null,'driverInfo':null}",
     "{'externalId':'DX-1','confirmationNumber':'dentrix-DX-1','status':'EnRoute',"
     "'scheduledTime':'2025-01-20T13:00:00Z','estimatedArrival':'2025-01-20T13:20:00Z',"
     "'driverInfo':{'name':'Sam','phone':null}}"},
    {"{'LabCaseNum':'DX-1','ConfirmationNum':'dentrix-DX-1','Status':'Pending',"
     "'ScheduledDateTime':'2025-01-20T13:00:00Z','EstimatedArrival':null,'DriverName':null,"
     "'DriverPhone':null}",
     "{'LabCaseNum':'DX-1','ConfirmationNum':'dentrix-DX-1','Status':'EnRoute',"
     "'ScheduledDateTime':'2025-01-20T13:00:00Z','EstimatedArrival':'2025-01-20T13:20:00Z',"
     "'DriverName':'Sam','DriverPhone':null}"},
    {"{'caseId':'DX-1','confirmationId':'dentrix-DX-1','status':'Pending',"
     "'scheduledPickup':'2025-01-20T13:00:00Z','eta':null,'driver':null}",
     "{'caseId':'DX-1','confirmationId':'dentrix-DX-1','status':'EnRoute',"
     "'scheduledPickup':'2025-01-20T13:00:00Z','eta':'2025-01-20T13:20:00Z',"
     "'driver':{'name':'Sam','contact':null}}"},
};

static void each_vendor_reads_its_own_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        struct faults faults CLEANUP(faults_free) = {0};
        const char *vendor = builtin_at(i).vendor;
        struct definition *definition = definition_load(builtin_at(i).text, vendor, &faults);
        check_faults(vendor, &faults, "");
        check_written(vendor, definition, pending, rows[i].pending);
        check_written(vendor, definition, on_the_way, rows[i].on_the_way);
        definition_free(definition);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vendor_reads_its_own_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
