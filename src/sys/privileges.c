/* Users, groups, capabilities, and what else Linux lets a process give up. */
#include "sys/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

bool privileges_are_root(void)
{
    return geteuid() == 0;
}

/* Those that a program could be given later are dropped while we may; the rest go with root's user id. */
static void drop_bounding_set(void)
{
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static bool has_capability(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, data) != 0)
        return true;
    return (data[0].effective | data[0].permitted | data[0].inheritable | data[1].effective |
            data[1].permitted | data[1].inheritable) != 0;
}

/* Nothing of root is left, and there is no way back. */
static bool is_nobody_but(uid_t uid, gid_t gid)
{
    uid_t uids[3];
    gid_t gids[3];
    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 || getresgid(&gids[0], &gids[1], &gids[2]) != 0)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (uids[i] != uid || gids[i] != gid)
            return false;
    return setresuid((uid_t)-1, 0, (uid_t)-1) != 0 && setresgid((gid_t)-1, 0, (gid_t)-1) != 0 &&
           !has_capability();
}

static bool become(const char *user, uid_t uid, gid_t gid)
{
    drop_bounding_set();
    if (initgroups(user, gid) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        return false;
    errno = EPERM;
    return is_nobody_but(uid, gid);
}

static const struct passwd *find(const char *user, struct faults *faults)
{
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL)
        faults_add(faults, "user: there is no user %s", user);
    return entry;
}

bool privileges_know(const char *user, struct faults *faults)
{
    return *user == '\0' || find(user, faults) != NULL;
}

uid_t privileges_uid(const char *user)
{
    const struct passwd *entry = *user != '\0' ? getpwnam(user) : NULL;
    return entry != NULL ? entry->pw_uid : 0;
}

bool privileges_become(const char *user, struct faults *faults)
{
    if (*user == '\0')
        return true;
    const struct passwd *entry = find(user, faults);
    if (entry == NULL)
        return false;
    if (entry->pw_uid == geteuid())
        return true;
    else if (!privileges_are_root())
        faults_add(faults, "user: only root can become %s", user);
    else if (entry->pw_gid == 0)
        faults_add(faults, "user: %s is of root's group", user);
    else if (become(user, entry->pw_uid, entry->pw_gid))
        return true;
    else
        faults_add(faults, "user: can't become %s: %s", user, strerror(errno));
    return false;
}

void privileges_forgo(void)
{
    struct rlimit none = {0, 0};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
