/* Modes of the files beside the database. */
#include "belongings.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

/* The control socket is made anew. */
static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock", ".reserve", ".audit-key"};

static bool close_file(const char *path, struct faults *faults)
{
    struct stat file;
    if (lstat(path, &file) != 0 || !S_ISREG(file.st_mode) || (file.st_mode & 077) == 0)
        return true; /* what else it may be, whoever opens it finds out */
    if (chmod(path, 0600) != 0) {
        faults_add(faults, "%s: others may use it, and it can't be closed to them: %s", path,
                   strerror(errno));
        return false;
    }
    log_event(LOG_WARN, "others could use a file: closed to them", LOG_STR("file", path));
    return true;
}

/* Where everybody may write but nobody remove what is another's, as in /tmp, nothing is put in a file's
 * place.
 */
static bool check_directory(const char *database, struct faults *faults)
{
    struct stat directory;
    struct buf path CLEANUP(buf_free) = {0};
    const char *end = strrchr(database, '/');
    buf_add(&path, end != NULL ? (struct span){database, (size_t)(end - database) + 1} : SPAN("./"));
    if (stat(buf_text(&path), &directory) != 0 || (directory.st_mode & S_IWOTH) == 0 ||
        (directory.st_mode & S_ISVTX) != 0)
        return true;
    faults_add(faults, "%s: everybody may write there: chmod 700 %s", buf_text(&path), buf_text(&path));
    return false;
}

bool belongings_close(const struct setup *setup, struct faults *faults)
{
    if (!check_directory(setup->config.server.database, faults))
        return false;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char *path CLEANUP(mem_drop) = setup_beside(setup, suffixes[i]);
        if (!close_file(path, faults))
            return false;
    }
    return true;
}
