/* Whether a request has one meaning only. For the rooms of this floor. */
#ifndef PICKUPD_SYS_FRAMING_H
#define PICKUPD_SYS_FRAMING_H

#include "base/request.h"

/*
 * Whether another server on the way might have found another request in the same bytes, as far as a request
 * still shows it that the library has read. The version is that of the request line: 1 and 1 for HTTP/1.1.
 */
bool framing_is_doubtful(const struct request *request, int major, int minor);

#endif
