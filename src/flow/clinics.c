/* One clinic, one call. */
#include "flow/clinics.h"

static enum err put(struct store *store, struct store_job *job)
{
    struct clinic_putting *putting = (struct clinic_putting *)job;
    return clinic_put(store, &putting->row, &putting->added, &putting->revived);
}

void clinic_putting_begin(struct clinic_putting *putting, const struct clinic_row *row)
{
    *putting = (struct clinic_putting){.job = {.kind = STORE_CALL, .call = put}, .row = *row};
}

const char *clinic_putting_result(const struct clinic_putting *putting)
{
    return putting->job.err != ERR_OK ? "not now" : putting->added ? "added" : "replaced";
}
