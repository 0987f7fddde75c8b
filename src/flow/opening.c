/* From the id of a clinic to its hours. */
#include "opening.h"

#include "model/clinic.h"
#include "store/clinics.h"

enum err opening_find(struct view *view, struct span org, struct span clinic_id, struct hours *hours)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct faults faults = {.arena = &arena};
    struct json_fault fault;
    struct clinic_row row;
    struct clinic clinic;
    TRY(clinic_find(view, &arena, org, clinic_id, &row));
    struct json *document = json_parse(row.document, &fault);
    bool is_right = clinic_read(document, &clinic, &faults);
    *hours = clinic.hours;
    json_free(document);
    return is_right ? ERR_OK : ERR_INTERNAL;
}
