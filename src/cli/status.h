/* `pickupd status` for a person. */
#ifndef PICKUPD_CLI_STATUS_H
#define PICKUPD_CLI_STATUS_H

#include "base/json.h"

/* Prints a snapshot as flow/snapshot.h writes it; with colours if that is wanted. */
void status_print(const struct json *snapshot, bool colour);

#endif
