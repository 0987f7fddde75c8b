/* GET /v1/stream. */
#include "api.h"

void api_stream(struct ask *ask)
{
    ask_refuse(ask, ERR_BUSY, NULL);
}
