/* The configuration as it counts: files read, secrets fetched, definitions compiled, zones found. */
#ifndef PICKUPD_CLI_SETUP_H
#define PICKUPD_CLI_SETUP_H

#include "base/seal.h"
#include "model/config.h"
#include "model/definition.h"
#include "model/source.h"
#include "model/whsec.h"
#include "sys/mode.h"
#include "sys/tls.h"

#define SETUP_FILE_MAX   (1 << 20) /* bytes of a config file or a definition */
#define SETUP_SECRET_MAX 4096      /* bytes of a secret */
#define SETUP_KEYS_MAX   65536     /* bytes of a file of keys */
#define SETUP_BODIES     4         /* of the longest must fit into body_bytes at least */

struct setup {
    struct config config;
    struct sources sources;
    struct rate address_rate;
    struct networks trusted_proxies;
    struct definition **definitions;
    size_t definition_count;
    uint8_t (*digests)[32]; /* of all secrets, to find one that is used twice */
    size_t digest_count;
    struct whsec *notify_secret; /* NULL where notify_url is not set */
    struct tls *tls, *api_tls;   /* of the faces that speak it; else NULL */
    struct seal *seal;           /* once somebody needs it (see cli/open.h), and seal_key_file is set */
};

enum setup_secrets {
    SETUP_WITH_SECRETS,
    SETUP_NO_SECRETS, /* for commands that only look: none is read, and no source is disabled for lack of one
                       */
};

/* From now on a pipe is refused: who serves waits for nobody who writes to one. In one thread. */
void setup_wait_for_nobody(void);

/* Reads the file, or with NULL the environment alone. False if there is any fault. */
bool setup_load(struct setup *setup, const char *file, enum setup_secrets secrets, struct faults *faults);

/* Adds a whole file of at most `max` bytes; false with a fault. */
bool setup_read_file(const char *path, size_t max, struct buf *out, struct faults *faults);

/* The same of a file that is relied on, whose owner and mode must suit. */
bool setup_read_checked(const char *path, mode_rule *suits, size_t max, struct buf *out,
                        struct faults *faults);

/* The same of a secret, into an empty buffer, which the caller wipes. */
bool setup_read_private(const char *path, mode_rule *suits, size_t max, struct buf *out,
                        struct faults *faults);

/* The keys of a seal_key_file, which nobody else may read; NULL with faults. */
struct seal *setup_read_seal(const char *path, struct faults *faults);

/*
 * Hands over the text of every secret of a source, and wipes it afterwards: for `explain`, which tries it in
 * other forms. The sources themselves keep none.
 */
void setup_with_secrets(struct setup *setup, const char *source,
                        void (*use)(void *arg, const char *name, struct span text), void *arg);

/* The longest body that any enabled source may send, in bytes; `otherwise` is the server's own. */
size_t setup_longest_body(const struct sources *sources, size_t otherwise);

/* What the command line says of the log; NULL: what the configuration says. */
struct setup_log {
    const char *level, *format;
};

/* From now on the log is written so. The options are good ones. */
void setup_start_log(const struct setup *setup, const struct setup_log *options);

/* Says in the log which sources there are, and why one is disabled. */
void setup_report(const struct setup *setup);

/* Wipes the secrets and releases all sources; the configuration stays. */
void setup_clear_sources(struct setup *setup);

/* That, and the configuration. */
void setup_free(struct setup *setup);

/* The name of a file beside the database, such as ".lock" behind it. */
char *setup_beside(const struct setup *setup, const char *suffix);

#endif
