/* pickupd restore: puts a copy in the database's place, and the database aside. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backups.h"
#include "base/json.h"
#include "base/time.h"
#include "cli/audited.h"
#include "cli/command.h"
#include "cli/open.h"
#include "cli/setup.h"
#include "store/backup.h"
#include "store/store.h"
#include "sys/directory.h"
#include "sys/lock.h"

/*
 * A kill at any moment leaves the database, its log and the copy each under one of two names. Between the
 * first and the last rename stands a file which says where the database goes: until a restore has come to its
 * end, nobody opens what is there.
 */
struct restore {
    struct arena arena;
    struct setup *setup;
    const char *from, *database;
    char *copy;  /* unpacked, and checked */
    char *mark;  /* the file that says so */
    char *aside; /* the database's other name */
};

static char *beside(struct restore *restore, const char *suffix)
{
    struct buf path = {.arena = &restore->arena};
    buf_printf(&path, "%s%s", restore->database, suffix);
    return buf_text(&path);
}

static bool say_errno(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
}

/* Unpacking. */

static bool may_unpack(struct restore *restore)
{
    struct stat from, there, log;
    struct buf name = {.arena = &restore->arena};
    buf_printf(&name, "%s-wal", restore->from);
    if (stat(restore->from, &from) != 0)
        return say_errno(restore->from);
    if (stat(restore->database, &there) == 0 && from.st_dev == there.st_dev && from.st_ino == there.st_ino)
        fprintf(stderr, "%s: is the database itself\n", restore->from);
    else if (stat(buf_text(&name), &log) == 0 && log.st_size > 0)
        fprintf(
            stderr,
            "%s: has a log beside it, as no backup has: it is part of a database that is, or was, served\n",
            restore->from);
    else
        return true;
    return false;
}

/* A copy that a kill has left may have a log or a journal, which SQLite would put into the one made now. */
static bool clear(struct restore *restore)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        struct buf left = {.arena = &restore->arena};
        buf_printf(&left, "%s%s", restore->copy, suffixes[i]);
        if (unlink(buf_text(&left)) != 0 && errno != ENOENT)
            return say_errno(buf_text(&left));
    }
    return true;
}

static bool unpack(struct restore *restore)
{
    struct buf why = {.arena = &restore->arena};
    if (!may_unpack(restore) || !clear(restore))
        return false;
    if (backup_unpack(restore->from, restore->copy, &why) && backup_is_sound(restore->copy, true, &why))
        return true;
    fprintf(stderr, "%s: %s\n", restore->from, buf_text(&why));
    unlink(restore->copy);
    return false;
}

/* Seqs that were given after the backup are not given again, where the present database can say which. */
static bool go_on(struct restore *restore)
{
    int64_t seq;
    struct buf why = {.arena = &restore->arena};
    const char *present = access(restore->aside, F_OK) == 0 ? restore->aside : restore->database;
    if (!backup_newest_seq(present, &seq)) {
        fprintf(stderr,
                "seqs of events that came after the backup may be given again: no database can say which"
                " they were\n");
        return true;
    }
    if (backup_go_on_after(restore->copy, seq, &why))
        return true;
    fprintf(stderr, "%s\n", buf_text(&why));
    return false;
}

/* As root, for whom the database is. */
static bool give_owner(struct restore *restore)
{
    struct stat there;
    char *directory = arena_copy(&restore->arena, span_of(restore->database));
    if (geteuid() != 0)
        return true;
    if (stat(restore->database, &there) != 0 && stat(dirname(directory), &there) != 0)
        return say_errno(restore->database);
    return lchown(restore->copy, there.st_uid, there.st_gid) == 0 || say_errno(restore->copy);
}

/* Changing places. */

static bool sync_directory(const struct restore *restore)
{
    return directory_sync(restore->database) || say_errno(restore->database);
}

static bool write_mark(const struct restore *restore)
{
    int fd = open(restore->mark, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return say_errno(restore->mark);
    FILE *mark = fdopen(fd, "w");
    if (mark == NULL)
        abort();
    bool is_written = fputs(restore->aside, mark) >= 0 && fflush(mark) == 0 && fsync(fileno(mark)) == 0;
    is_written = fclose(mark) == 0 && is_written;
    return is_written ? sync_directory(restore) : say_errno(restore->mark);
}

/* Unless it went already: then what is there now is a copy, which nobody has served. */
static bool put_aside(struct restore *restore, const char *suffix)
{
    char *from = beside(restore, suffix);
    struct buf to = {.arena = &restore->arena};
    buf_printf(&to, "%s%s", restore->aside, suffix);
    if (access(from, F_OK) != 0 || access(buf_text(&to), F_OK) == 0)
        return true;
    return rename(from, buf_text(&to)) == 0 || say_errno(from);
}

static bool put_all_aside(struct restore *restore)
{
    unlink(beside(restore, "-shm")); /* made anew from the log */
    return put_aside(restore, "") && put_aside(restore, "-wal") && put_aside(restore, "-journal") &&
           sync_directory(restore);
}

static bool change_places(struct restore *restore)
{
    if (!write_mark(restore) || !put_all_aside(restore))
        return false;
    if (rename(restore->copy, restore->database) != 0)
        return say_errno(restore->copy);
    if (!sync_directory(restore))
        return false;
    if (unlink(restore->mark) != 0)
        return say_errno(restore->mark);
    return sync_directory(restore);
}

/* A name of its own, also after another restore in this second: what is aside stays what it is. */
static void choose_name(struct restore *restore)
{
    char time[BACKUPS_TIME];
    for (int64_t now = time_now(); restore->aside == NULL || access(restore->aside, F_OK) == 0; now += 1000) {
        struct buf aside = {.arena = &restore->arena};
        backups_write_time(time, now);
        buf_printf(&aside, "%s.before-%s", restore->database, time);
        restore->aside = buf_text(&aside);
    }
}

/* Of what the mark says only the name counts, and only if it is one of ours: whoever may write beside the
 * database must not have root move it somewhere else. */
static bool take_aside(struct restore *restore, const char *said)
{
    struct buf lead = {.arena = &restore->arena}, aside = {.arena = &restore->arena};
    const char *slash = strrchr(restore->database, '/'), *last = strrchr(said, '/');
    const char *own = slash != NULL ? slash + 1 : restore->database, *name = last != NULL ? last + 1 : said;
    buf_printf(&lead, "%s.before-", own);
    if (!span_starts(span_of(name), buf_span(&lead))) {
        fprintf(stderr, "%s: does not say where the database goes: look what is there, and remove it\n",
                restore->mark);
        return false;
    }
    buf_printf(&aside, "%s%s", restore->database, name + strlen(own));
    restore->aside = buf_text(&aside);
    return true;
}

/* Where the database goes: what an earlier restore has begun to put aside goes where the rest of it is. */
static bool choose_aside(struct restore *restore)
{
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf aside = {.arena = &restore->arena};
    if (access(restore->mark, F_OK) == 0) {
        if (!setup_read_file(restore->mark, SETUP_FILE_MAX, &aside, &faults)) {
            print_faults(&faults);
            return false;
        }
        if (aside.len > 0)
            return take_aside(restore, buf_text(&aside)) && put_all_aside(restore);
        /* killed before it was written, so nothing was put aside */
    }
    choose_name(restore);
    return true;
}

/* The chain of the audit goes on from where the backup had it. One of an earlier version has none yet. */
static bool audit(struct restore *restore, int64_t seq)
{
    struct buf what = {.arena = &restore->arena};
    struct buf why = {.arena = &restore->arena};
    if (!backup_is_of_now(restore->database))
        return true;
    struct store *store = open_store(restore->setup, &why);
    json_open(&what, '{');
    json_add_int(&what, "nextSeq", seq + 1);
    json_close(&what, '}');
    enum err err = store != NULL ? audited_here(store, "restore", SPAN(""), buf_span(&what)) : ERR_STORE;
    if (store != NULL)
        store_close(store);
    if (err != ERR_OK)
        fprintf(stderr, "restored, but this is not in the audit: %s\n",
                store != NULL ? err_text(err) : buf_text(&why));
    return err == ERR_OK;
}

static bool say_done(struct restore *restore)
{
    int64_t seq = 0;
    printf("%s: restored from %s", restore->database, restore->from);
    if (backup_newest_seq(restore->database, &seq))
        printf("; the next event has seq %" PRId64, seq + 1);
    putchar('\n');
    if (access(restore->aside, F_OK) == 0)
        printf("%s: the database that was there\n", restore->aside);
    return audit(restore, seq);
}

static int put_in_place(struct restore *restore)
{
    if (!unpack(restore))
        return EXIT_FAILED;
    if (!choose_aside(restore) || !go_on(restore) || !give_owner(restore) || !change_places(restore)) {
        unlink(restore->copy);
        return EXIT_FAILED;
    }
    return say_done(restore) ? EXIT_GOOD : EXIT_FAILED;
}

static int check(struct restore *restore)
{
    if (!unpack(restore))
        return EXIT_FAILED;
    unlink(restore->copy);
    printf("%s: can be restored\n", restore->from);
    return EXIT_GOOD;
}

static int run(struct setup *setup, const struct args *args)
{
    struct restore restore = {
        .setup = setup, .from = args->words[0], .database = setup->config.server.database};
    char *path CLEANUP(mem_drop) = setup_beside(setup, ".lock");
    struct buf checked = {.arena = &restore.arena};
    buf_printf(&checked, "%s.checked", restore.from); /* the database's own disk may be short of room */
    restore.copy = args->check ? buf_text(&checked) : beside(&restore, ".restored");
    restore.mark = beside(&restore, STORE_RESTORING);
    int code, lock = args->check ? -1 : lock_take(path);
    if (lock < 0 && !args->check) {
        fprintf(stderr, "%s: %s\n", path,
                errno == EWOULDBLOCK ? "a server has this database: stop it first" : strerror(errno));
        arena_free(&restore.arena);
        return EXIT_FAILED;
    }
    code = args->check ? check(&restore) : put_in_place(&restore);
    if (lock >= 0)
        lock_release(lock);
    arena_free(&restore.arena);
    return code;
}

int cmd_restore(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, ARGS_CHECK, &args))
        return EXIT_USAGE;
    if (args.word_count != 1)
        return args_refuse(argv[0], "takes the name of a backup");
    umask(077);
    int code = setup_load(&setup, args.config, SETUP_NO_SECRETS, &faults) ? run(&setup, &args)
                                                                          : print_faults(&faults);
    setup_free(&setup);
    return code;
}
