/* The table of errors, expanded into statuses and texts. */
#include "base/err.h"

static const struct {
    int status;
    const char *text;
} rows[] = {
#define ERR(name, status, text) [ERR_##name] = {status, text},
#include "tbl/err.h"
};

_Static_assert(sizeof rows / sizeof rows[0] == ERR_COUNT, "one row an error");

int err_status(enum err e)
{
    return rows[e].status;
}

const char *err_text(enum err e)
{
    return rows[e].text;
}
