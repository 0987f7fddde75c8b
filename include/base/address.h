/* Addresses to listen on, as the configuration writes them: HOST:PORT, [V6]:PORT or unix:/PATH (absolute). */
#ifndef PICKUPD_BASE_ADDRESS_H
#define PICKUPD_BASE_ADDRESS_H

#include "base/span.h"

#define ADDRESS_PATH_MAX 107 /* bytes of a unix socket's path: what the kernel can hold */

enum address_kind { ADDRESS_V4, ADDRESS_V6, ADDRESS_UNIX };

struct address {
    enum address_kind kind;
    char host[64]; /* numeric; "localhost" has become 127.0.0.1 */
    int port;      /* 0 to 65535 */
    char path[ADDRESS_PATH_MAX + 1];
};

/* False if the text is no address. */
bool address_parse(struct span text, struct address *address);

#endif
