/* Owners and modes of files. */
#include "sys/mode.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/account.h"

static uid_t trusted; /* by root, beside itself */
static bool is_settled;

void mode_trust(uid_t user)
{
    if (!is_settled)
        trusted = user;
    is_settled = true;
}

/* Handed over by the service manager, or by what runs the container: docker's secrets are 0444 in a place
 * that nobody else can reach. What systemd calls its directory is never relative. */
static const char credentials_of_units[] = "/run/credentials";
static const char *const handed_over[] = {credentials_of_units, "/run/secrets"};

static bool is_below(const char *path, const char *directory)
{
    size_t len = strlen(directory);
    return len > 0 && strncmp(path, directory, len) == 0 && path[len] == '/' && strstr(path, "/../") == NULL;
}

static bool was_handed_over(const char *path)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    for (size_t i = 0; i < sizeof handed_over / sizeof handed_over[0]; i++)
        if (is_below(path, handed_over[i]))
            return true;
    return credentials != NULL && *credentials == '/' && is_below(path, credentials);
}

void mode_unopened(const char *path, struct faults *faults)
{
    bool may_come = errno == ENOENT && is_below(path, credentials_of_units);
    faults_add(faults, "%s: %s%s", path, strerror(errno),
               may_come ? "; it is there while the service runs whose unit has a LoadCredential= for it"
                        : "");
}

static bool look(int fd, const char *path, struct stat *file, struct faults *faults)
{
    if (fstat(fd, file) == 0)
        return true;
    faults_add(faults, "%s: %s", path, strerror(errno));
    return false;
}

bool mode_suits_unread(int fd, const char *path, struct faults *faults)
{
    struct stat file;
    if (!look(fd, path, &file, faults))
        return false;
    if (!S_ISREG(file.st_mode))
        return true; /* a pipe, or /dev/null */
    if ((file.st_mode & S_IWOTH) != 0)
        faults_add(faults, "%s: everybody may write it: chmod o-w %s", path, path);
    else if ((file.st_mode & S_IWGRP) != 0 && file.st_gid != getegid())
        faults_add(faults, "%s: a group that is not ours may write it: chmod g-w %s", path, path);
    else
        return true;
    return false;
}

static bool belongs(const struct stat *file, const char *path, struct faults *faults)
{
    char owner[ACCOUNT_TEXT];
    bool is_root = geteuid() == 0;
    if (file->st_uid == 0 || file->st_uid == geteuid() || (is_root && file->st_uid == trusted))
        return true;
    account_write(owner, file->st_uid);
    faults_add(faults, "%s: belongs to %s, neither to root nor to %s: chown root %s", path, owner,
               is_root ? "user in [server]" : "us", path);
    return false;
}

/* A mount of its own that can only be read. Where a sandbox has made all of the tree so, for us alone,
 * everybody else may write as ever. */
static bool is_read_only(const char *name, const struct stat *directory)
{
    struct statvfs mount;
    struct stat above;
    struct buf parent CLEANUP(buf_free) = {0};
    buf_printf(&parent, "%s/..", name);
    return stat(buf_text(&parent), &above) == 0 && above.st_dev != directory->st_dev &&
           statvfs(name, &mount) == 0 && (mount.f_flag & ST_RDONLY) != 0;
}

/* Its owner, and everybody where they may, can put another file in the place of one that is not theirs. */
static bool directory_suits(const char *path, struct faults *faults)
{
    struct stat directory;
    char *copy CLEANUP(mem_drop) = mem_copy(span_of(path));
    const char *name = dirname(copy);
    if (stat(name, &directory) != 0) {
        faults_add(faults, "%s: %s", name, strerror(errno));
        return false;
    }
    if (!belongs(&directory, name, faults))
        return false;
    if ((directory.st_mode & S_IWOTH) == 0 || (directory.st_mode & S_ISVTX) != 0 ||
        is_read_only(name, &directory))
        return true;
    faults_add(faults, "%s: everybody may write there: chmod o-w %s", name, name);
    return false;
}

bool mode_suits_owner(int fd, const char *path, struct faults *faults)
{
    struct stat file;
    if (was_handed_over(path))
        return true;
    if (!look(fd, path, &file, faults))
        return false;
    if (!S_ISREG(file.st_mode) && !S_ISFIFO(file.st_mode))
        return true;
    return belongs(&file, path, faults) && directory_suits(path, faults);
}

bool mode_suits_config(int fd, const char *path, struct faults *faults)
{
    return mode_suits_unread(fd, path, faults) && mode_suits_owner(fd, path, faults);
}

bool mode_suits_kept(int fd, const char *path, struct faults *faults)
{
    struct stat file;
    if (was_handed_over(path))
        return true;
    if (!mode_suits_unread(fd, path, faults) || !look(fd, path, &file, faults))
        return false;
    if (!S_ISREG(file.st_mode) || (file.st_mode & S_IROTH) == 0)
        return true;
    faults_add(faults, "%s: everybody may read it, and it holds a secret: chmod 600 %s", path, path);
    return false;
}

bool mode_suits_secret(int fd, const char *path, struct faults *faults)
{
    return mode_suits_kept(fd, path, faults) && mode_suits_owner(fd, path, faults);
}
