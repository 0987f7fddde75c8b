/* Handlers of the control socket that stand in files of their own. */
#ifndef PICKUPD_FLOW_CONTROL_PARTS_H
#define PICKUPD_FLOW_CONTROL_PARTS_H

#include "base/json.h"
#include "flow/control.h"

void consumers_handle(struct control *control, struct line_call *call, const struct json *request);
void control_tell_status(struct control *control, struct line_call *call, const struct json *request);

/* The answer to what is none of these, or lacks something. */
void control_say_unknown(struct line_call *call);

#endif
