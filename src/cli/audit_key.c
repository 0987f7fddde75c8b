/* A file of at least 32 bytes, which nobody else may read. */
#include "audit_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/random.h"
#include "sys/directory.h"

#define LEAST      32
#define MOST       4096
#define MADE_BYTES 32

static bool is_set(const struct setup *setup)
{
    return *setup->config.server.audit_key_file != '\0';
}

static char *path_of(const struct setup *setup)
{
    return is_set(setup) ? mem_copy(span_of(setup->config.server.audit_key_file))
                         : setup_beside(setup, ".audit-key");
}

static void wipe(struct buf *secret)
{
    if (secret->at != NULL)
        hmac_wipe(secret->at, secret->room);
    buf_free(secret);
}

struct hmac_key *audit_key_read(const struct setup *setup, struct faults *faults)
{
    struct buf text CLEANUP(wipe) = {0};
    char *path CLEANUP(mem_drop) = path_of(setup);
    mode_rule *suits = is_set(setup) ? mode_suits_secret : mode_suits_kept;
    if (!setup_read_private(path, suits, MOST, &text, faults))
        return NULL;
    struct span key = buf_span(&text);
    while (key.len > 0 && (key.at[key.len - 1] == '\n' || key.at[key.len - 1] == '\r'))
        key.len--;
    if (key.len >= LEAST)
        return hmac_key_new(HMAC_SHA256, key);
    faults_add(faults, "%s: the audit's key is at least %d bytes long", path, LEAST);
    return NULL;
}

static bool write_key(int fd)
{
    uint8_t bytes[MADE_BYTES];
    char text[2 * MADE_BYTES + 1];
    random_fill(bytes, sizeof bytes);
    hex_write(text, bytes, sizeof bytes);
    text[sizeof text - 1] = '\n';
    bool good = write(fd, text, sizeof text) == sizeof text && fsync(fd) == 0;
    hmac_wipe(bytes, sizeof bytes);
    hmac_wipe(text, sizeof text);
    return good;
}

/* Belongs to whom the database belongs to, also where root was the first to need it. */
static bool give_away(int fd, const char *database)
{
    struct stat file;
    return geteuid() != 0 || stat(database, &file) != 0 || fchown(fd, file.st_uid, file.st_gid) == 0;
}

/* Whole or not there at all. */
static bool make(const struct setup *setup, const char *path)
{
    struct buf part CLEANUP(buf_free) = {0};
    buf_printf(&part, "%s.part", path);
    int fd = open(buf_text(&part), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool good = write_key(fd) && give_away(fd, setup->config.server.database);
    close(fd);
    return good && rename(buf_text(&part), path) == 0 && directory_sync(path);
}

struct hmac_key *audit_key_own(const struct setup *setup, bool has_rows, struct faults *faults)
{
    char *path CLEANUP(mem_drop) = path_of(setup);
    if (is_set(setup) || access(path, F_OK) == 0 || errno != ENOENT)
        return audit_key_read(setup, faults);
    if (has_rows)
        log_event(LOG_WARN, "the audit goes on with a new key, as the one it was begun with is not there",
                  LOG_STR("file", path));
    if (make(setup, path))
        return audit_key_read(setup, faults);
    faults_add(faults, "%s: %s", path, strerror(errno));
    return NULL;
}
