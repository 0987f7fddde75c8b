/*
 * What a listener needs to speak TLS: its certificate, its key, and who may vouch for clients. Versions 1.2
 * and 1.3; ciphers that keep what was recorded secret when the key is lost, and that prove what they hide. No
 * session is taken up again on another connection, so that a certificate or authority that is gone is gone at
 * once.
 */
#ifndef PICKUPD_SYS_TLS_H
#define PICKUPD_SYS_TLS_H

#include <stdint.h>

#include "base/faults.h"

struct tls;

/* A PEM file, already read. */
struct tls_file {
    const char *path; /* what faults call it */
    struct span text;
};

/*
 * The certificate is followed by those between it and an authority, if there are any. With authorities a
 * client must show a certificate of one of them; NULL asks for none. NULL with faults.
 */
struct tls *tls_new(const struct tls_file *cert, const struct tls_file *key,
                    const struct tls_file *authorities, struct faults *faults);

/* New connections get what `from` was made of, and `from` gets the rest; open ones keep what they have. Any
 * thread. */
void tls_adopt(struct tls *tls, struct tls *from);

/* When the certificate ends, in milliseconds since 1970. */
int64_t tls_expires(const struct tls *tls);

/* Once no more connections come; those that are open need it no more. NULL is nothing. */
void tls_free(struct tls *tls);

#endif
