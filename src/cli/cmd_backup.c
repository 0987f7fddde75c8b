/* pickupd backup: one copy, or one again and again. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backups.h"
#include "base/num.h"
#include "base/time.h"
#include "cli/audited.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "sys/lock.h"
#include "sys/net.h"

#define LOOK_US   100000             /* between two looks at what the copy holds up */
#define LOG_MOST  (INT64_C(1) << 30) /* bytes of the log that grows meanwhile */
#define LOG_LEAST (INT64_C(64) << 20)
#define RETURN_MS 60000 /* that a server which went away is waited for */

/* What is looked after while a copy is made. */
struct watch {
    struct setup *setup;
    char *control, *log;
    bool is_served; /* by somebody, as it was at the beginning */
    bool may_stop;  /* by a signal, which is blocked */
    int64_t looked; /* us */
    enum { GOES, SERVER_LEFT, LOG_GREW, STOPPED } end;
};

static bool answers(const char *control)
{
    int fd = net_connect_unix(control);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static sigset_t stop_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

static bool is_told_to_stop(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

/* Nothing of the log can be used again before the copy is done. */
static bool log_grew(const struct watch *watch)
{
    struct stat log;
    struct statvfs disk;
    int64_t reserve = watch->setup->config.server.disk_reserve;
    if (stat(watch->log, &log) != 0 || log.st_size < LOG_LEAST)
        return false;
    bool is_short = statvfs(watch->log, &disk) == 0 && disk.f_blocks > 0 &&
                    (int64_t)(disk.f_bavail * disk.f_frsize) < 2 * reserve;
    return log.st_size > LOG_MOST || is_short;
}

static enum err tick(void *arg)
{
    struct watch *watch = arg;
    int64_t now = time_monotonic();
    if (now - watch->looked < LOOK_US)
        return ERR_OK;
    watch->looked = now;
    if (watch->may_stop && is_told_to_stop())
        watch->end = STOPPED;
    else if (watch->is_served && !answers(watch->control))
        watch->end = SERVER_LEFT;
    else if (log_grew(watch))
        watch->end = LOG_GREW;
    return watch->end == GOES ? ERR_OK : ERR_BUSY;
}

/* A server can't start while somebody reads what it has to move first. */
static bool wait_for_server(const struct watch *watch)
{
    sigset_t signals = stop_signals();
    struct timespec step = {.tv_nsec = LOOK_US * 1000};
    fprintf(stderr, "the server has stopped: the copy gives way, and begins anew once it is back\n");
    for (int64_t ms = 0; ms < RETURN_MS; ms += LOOK_US / 1000) {
        if (answers(watch->control))
            return true;
        if (watch->may_stop && is_told_to_stop())
            return false;
        if (sigtimedwait(&signals, NULL, &step) >= 0)
            raise(SIGTERM); /* pending again where it is blocked, and else the end */
    }
    fprintf(stderr, "the server did not come back\n");
    return false;
}

/* While nobody serves, nobody may begin to. */
static enum err copy_once(struct watch *watch, struct backup_order *order, struct buf *why)
{
    char *path CLEANUP(mem_drop) = setup_beside(watch->setup, ".lock");
    int lock = lock_take(path);
    watch->is_served = lock < 0 && errno == EWOULDBLOCK;
    watch->end = GOES;
    if (lock < 0 && !watch->is_served) {
        buf_printf(why, "%s: %s", path, strerror(errno));
        return ERR_INTERNAL;
    }
    enum err err = backup_make(order, why);
    if (lock >= 0)
        lock_release(lock);
    return err;
}

static bool copy(struct watch *watch, struct backup_order *order)
{
    enum err err;
    struct buf why CLEANUP(buf_free) = {0};
    if (access(order->database, F_OK) != 0) {
        fprintf(stderr, "%s: %s\n", order->database, strerror(errno));
        return false;
    }
    /* It hands out everything. One of an earlier version has no audit, and is not to be brought up to date by
     * this. */
    if (backup_is_of_now(order->database) && !audited(watch->setup, "backup", SPAN(""), SPAN("{}")))
        return false;
    order->tick = tick;
    order->arg = watch;
    do {
        err = copy_once(watch, order, &why);
    } while (err != ERR_OK && watch->end == SERVER_LEFT && wait_for_server(watch));
    if (watch->end == LOG_GREW)
        fprintf(stderr, "%s: grew too long while the copy was made: where it is made is too slow\n",
                watch->log);
    else if (err != ERR_OK && watch->end == GOES)
        fprintf(stderr, "%s\n", buf_text(&why));
    return err == ERR_OK;
}

/* One. */

static bool is_there(const char *path, const char *suffix)
{
    struct buf text CLEANUP(buf_free) = {0};
    buf_printf(&text, "%s%s", path, suffix);
    return access(buf_text(&text), F_OK) == 0;
}

/* Another backup may be replaced, and nothing else: least of all a database, ours or another server's. */
static bool may_replace(const char *path, const char *database)
{
    struct stat there, served;
    struct buf why CLEANUP(buf_free) = {0};
    if (lstat(path, &there) != 0)
        return true;
    if (!S_ISREG(there.st_mode))
        buf_printf(&why, "%s: is there, and is no file", path);
    else if (stat(database, &served) == 0 && there.st_dev == served.st_dev && there.st_ino == served.st_ino)
        buf_printf(&why, "%s: is the database itself", path);
    else if (is_there(path, ".lock") || is_there(path, "-wal"))
        buf_printf(&why, "%s: is a database that is, or was, served", path);
    else if (backup_is_ours(path, &why))
        return true;
    fprintf(stderr, "%s; it is not replaced\n", buf_text(&why));
    return false;
}

static int run_once(struct watch *watch, const char *path)
{
    struct backup_order order = {.database = watch->setup->config.server.database, .to = path};
    if (!may_replace(path, order.database) || !copy(watch, &order))
        return EXIT_FAILED;
    printf("%s %" PRId64 " bytes\n", path, order.bytes);
    return EXIT_GOOD;
}

/* Again and again. */

static char *within(const char *directory, const char *name)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", directory, name);
    return buf_text(&path);
}

static bool add_copy(struct watch *watch, const char *directory)
{
    struct backups_plan plan;
    struct buf why CLEANUP(buf_free) = {0};
    if (!backups_plan(directory, time_now(), &plan))
        return false;
    char *path CLEANUP(mem_drop) = within(directory, plan.name);
    char *sums CLEANUP(mem_drop) = within(directory, BACKUPS_SUMS);
    struct backup_order order = {.database = watch->setup->config.server.database,
                                 .to = path,
                                 .before = plan.before,
                                 .before_name = plan.before_name,
                                 .pages = backup_pages_new()};
    bool is_made = copy(watch, &order);
    if (is_made) {
        printf("%s %" PRId64 " bytes\n", path, order.bytes);
        fflush(stdout);
        if (!backup_pages_write(order.pages, sums, plan.name, &why)) /* then the next one is whole */
            fprintf(stderr, "%s\n", buf_text(&why));
    }
    backup_pages_free(order.pages);
    backup_pages_free(plan.before);
    return is_made;
}

/* False once it is told to stop. */
static bool wait_until(int64_t due)
{
    sigset_t signals = stop_signals();
    for (;;) {
        int64_t us = due - time_monotonic();
        struct timespec left = {us / 1000000, us % 1000000 * 1000};
        if (us <= 0)
            return !is_told_to_stop();
        if (sigtimedwait(&signals, NULL, &left) >= 0)
            return false;
    }
}

static void run_for_ever(struct watch *watch, const char *directory, int64_t seconds, int64_t keep)
{
    int64_t due = time_monotonic();
    sigset_t signals = stop_signals();
    sigprocmask(SIG_BLOCK, &signals, NULL);
    watch->may_stop = true;
    do {
        if (add_copy(watch, directory))
            backups_prune(directory, keep);
        due += seconds * 1000000;
        if (due < time_monotonic())
            due = time_monotonic(); /* the copy took longer than that */
    } while (wait_until(due));
}

static int run_every(struct watch *watch, const struct args *args, const char *command)
{
    int64_t seconds, keep = 0;
    const char *directory = args->words[0];
    if (!num_parse_duration(span_of(args->every), &seconds) || seconds < 1 || seconds > 31622400)
        return args_refuse(command, "--every takes a duration such as 1h");
    if (args->keep != NULL && (!num_parse(span_of(args->keep), &keep) || keep < 1))
        return args_refuse(command, "--keep takes a number of at least 1");
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "%s: %s\n", directory, strerror(errno));
        return EXIT_FAILED;
    }
    char *path CLEANUP(mem_drop) = within(directory, BACKUPS_LOCK);
    int lock = lock_take(path);
    if (lock < 0) {
        fprintf(stderr, "%s: %s\n", path, errno == EWOULDBLOCK ? "another backup is at it" : strerror(errno));
        return EXIT_FAILED;
    }
    run_for_ever(watch, directory, seconds, keep);
    lock_release(lock);
    return EXIT_GOOD;
}

static int run(struct setup *setup, const struct args *args, const char *command)
{
    struct buf log CLEANUP(buf_free) = {0};
    char *control CLEANUP(mem_drop) = setup_beside(setup, ".control");
    buf_printf(&log, "%s-wal", setup->config.server.database);
    struct watch watch = {.setup = setup, .control = control, .log = buf_text(&log)};
    return args->every != NULL ? run_every(&watch, args, command) : run_once(&watch, args->words[0]);
}

int cmd_backup(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, ARGS_EVERY, &args))
        return EXIT_USAGE;
    if (args.word_count != 1)
        return args_refuse(argv[0], "takes the name of a file, or with --every that of a directory");
    if (args.keep != NULL && args.every == NULL)
        return args_refuse(argv[0], "--keep goes with --every");
    umask(077);
    int code = setup_load(&setup, args.config, SETUP_NO_SECRETS, &faults) ? run(&setup, &args, argv[0])
                                                                          : print_faults(&faults);
    setup_free(&setup);
    return code;
}
