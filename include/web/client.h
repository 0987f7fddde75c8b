/* Who sent a request: whoever is connected, or whom the proxies in between name. */
#ifndef PICKUPD_WEB_CLIENT_H
#define PICKUPD_WEB_CLIENT_H

#include "base/request.h"

/*
 * The peer, unless it is a trusted proxy. Then it is the last of X-Forwarded-For (without that header, of
 * Forwarded) that is no trusted proxy itself; the first, if all are. NETWORK_NONE if neither header is there,
 * or if anything that is no address stands behind it: what stands before it may be anybody's invention.
 */
struct network_host client_find(const struct request *request, const struct networks *trusted);

#endif
