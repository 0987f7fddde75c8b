/* What the config file says, checked row by row; no file, environment or zone has been looked at yet. */
#ifndef PICKUPD_MODEL_CONFIG_H
#define PICKUPD_MODEL_CONFIG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/faults.h"

#define CONFIG_NAME_MAX 32 /* bytes of a source's name: a-z, 0-9, '_' and '-' */

struct server_config {
    char *listen, *api_listen, *log_level, *log_format, *database, *user, *seal_key_file, *audit_key_file,
        *vendor_dir, *trusted_proxies;
    char *tls_cert, *tls_key, *tls_client_ca, *api_tls_cert, *api_tls_key, *api_tls_client_ca;
    int64_t loops, max_connections, address_connections;
    int64_t address_rate, address_burst;
    int64_t max_body, max_headers; /* bytes */
    int64_t request_timeout;       /* seconds */
    int64_t queue_rows, quarantine_rows;
    int64_t queue_bytes, quarantine_bytes, body_bytes;
    int64_t queue_wait;   /* seconds */
    int64_t disk_reserve; /* bytes */
    char *api_token_env, *api_token_file;
    int64_t retention_days;
    int64_t flows;
    char *notify_url, *notify_secret_env, *notify_secret_file, *notify_ca_file;
};

/* A text that is not set is "". */
struct secret_config {
    char *name;
    int line;
    char *env, *file;
    int64_t not_before, not_after; /* ms since 1970; INT64_MIN and INT64_MAX if not set */
};

struct source_config {
    char *name;
    int line;
    char *vendor, *secret_env, *secret_file, *lab, *timezone, *org, *id_prefix, *clinic_prefix, *public_url,
        *allow_from;
    int64_t enabled;
    int64_t rate, burst;
    int64_t tolerance; /* seconds; 0 if not set */
    struct secret_config *secrets;
    size_t secret_count;
};

struct token_config {
    const char *name;
    int line;
    char *env, *file, *role, *org, *sources;
};

/* All texts live in the arena. */
struct config {
    struct arena arena;
    const char *file;
    struct server_config server;
    struct source_config *sources;
    size_t source_count;
    struct token_config *tokens;
    size_t token_count;
};

/* The defaults, with a source for each built-in vendor. */
void config_defaults(struct config *config);

/* Reads a file's text on top of the defaults; with a file only its sources exist. Mistakes go to `faults`. */
void config_read(struct config *config, struct span text, const char *file, struct faults *faults);

/*
 * Adds the names of the keys of [server] that have another value, with commas between. vendor_dir does not
 * count, which is looked up at every load, nor do the files of TLS and how the log is written.
 */
void config_differences(const struct server_config *a, const struct server_config *b, struct buf *names);

/* Whether an organization may be called that: 1 to 64 bytes of UTF-8 without control characters. */
bool config_is_org(struct span name);

void config_free(struct config *config);

/* A list of all keys with type, default and help, for people. */
void config_describe(struct buf *out);

#endif
