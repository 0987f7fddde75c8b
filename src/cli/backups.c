/* Names in a directory: their order is that of their times. */
#include "backups.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"
#include "base/time.h"

#define DAY_MS INT64_C(86400000)

/* A whole copy is made where changes would have come to more: then what has to be read for a restore, and to
 * be kept for it, stays within bounds. */
#define CHANGES_MOST  100
#define CHANGES_LEAST (1 << 20) /* bytes that changes may have in any case */

#define LEAD    "pickupd-"
#define PATTERN "%Y%m%dT%H%M%S%z"
#define WHOLE   ".db"
#define CHANGES ".changes"

struct names {
    struct arena arena;
    char **all;
    size_t count, room;
};

static bool ends_with(struct span text, struct span end)
{
    return text.len >= end.len && span_is((struct span){text.at + text.len - end.len, end.len}, end);
}

static bool is_whole(const char *name)
{
    return ends_with(span_of(name), SPAN(WHOLE));
}

/* False for what is none of ours. */
static bool read_time(const char *name, int64_t *time)
{
    struct span rest = span_of(name), lead = SPAN(LEAD);
    struct span end = is_whole(name) ? SPAN(WHOLE) : SPAN(CHANGES);
    if (rest.len < lead.len + end.len || !span_is((struct span){rest.at, lead.len}, lead) ||
        !ends_with(rest, end))
        return false;
    struct span text = {rest.at + lead.len, rest.len - lead.len - end.len};
    return time_parse_as(SPAN(PATTERN), text, NULL, time);
}

void backups_write_time(char text[BACKUPS_TIME], int64_t time)
{
    char date[DATE_COMPACT];
    int seconds = (int)(time % DAY_MS / 1000);
    date_write_compact(date, time / DAY_MS);
    snprintf(text, BACKUPS_TIME, "%sT%02d%02d%02dZ", date, seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static void write_name(char name[BACKUP_NAME], int64_t time, bool whole)
{
    char text[BACKUPS_TIME];
    backups_write_time(text, time);
    snprintf(name, BACKUP_NAME, LEAD "%s%s", text, whole ? WHOLE : CHANGES);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add(struct names *names, const char *name)
{
    if (names->count == names->room) {
        names->room = 2 * names->room + 16;
        char **grown = arena_alloc(&names->arena, names->room * sizeof *grown);
        if (names->count > 0)
            memcpy(grown, names->all, names->count * sizeof *grown);
        names->all = grown;
    }
    names->all[names->count++] = arena_copy(&names->arena, span_of(name));
}

static bool read_names(const char *directory, struct names *names)
{
    int64_t time;
    DIR *open = opendir(directory);
    if (open == NULL) {
        fprintf(stderr, "%s: %s\n", directory, strerror(errno));
        return false;
    }
    for (const struct dirent *entry; (entry = readdir(open)) != NULL;)
        if (read_time(entry->d_name, &time))
            add(names, entry->d_name);
    closedir(open);
    if (names->count > 0)
        qsort(names->all, names->count, sizeof *names->all, by_text);
    return true;
}

static char *path_of(struct arena *arena, const char *directory, const char *name)
{
    struct buf path = {.arena = arena};
    buf_printf(&path, "%s/%s", directory, name);
    return buf_text(&path);
}

static int64_t bytes_of(struct names *names, const char *directory, size_t i)
{
    struct stat file;
    return stat(path_of(&names->arena, directory, names->all[i]), &file) == 0 ? file.st_size : 0;
}

/* Whether the newest copy, and what it builds on, leaves room for one more that builds on it. */
static bool goes_on(struct names *names, const char *directory)
{
    int64_t bytes = 0;
    size_t count = 0;
    while (count < names->count && !is_whole(names->all[names->count - 1 - count]))
        bytes += bytes_of(names, directory, names->count - 1 - count++);
    if (count >= CHANGES_MOST || count == names->count)
        return false;
    int64_t most = bytes_of(names, directory, names->count - 1 - count) / 2;
    return bytes <= (most > CHANGES_LEAST ? most : CHANGES_LEAST);
}

bool backups_plan(const char *directory, int64_t now, struct backups_plan *plan)
{
    int64_t last;
    struct names names = {0};
    *plan = (struct backups_plan){0};
    bool is_read = read_names(directory, &names);
    if (names.count > 0) {
        const char *name = names.all[names.count - 1];
        if (goes_on(&names, directory))
            plan->before = backup_pages_read(path_of(&names.arena, directory, BACKUPS_SUMS), name);
        snprintf(plan->before_name, sizeof plan->before_name, "%s", name);
        if (read_time(name, &last) && now < last + 1000)
            now = last + 1000; /* the clock was set back, or it was this second */
    }
    write_name(plan->name, now, plan->before == NULL);
    arena_free(&names.arena);
    return is_read;
}

void backups_prune(const char *directory, int64_t keep)
{
    struct names names = {0};
    if (keep > 0 && read_names(directory, &names) && (int64_t)names.count > keep) {
        size_t first = names.count - (size_t)keep;
        while (first > 0 && !is_whole(names.all[first]))
            first--;
        for (size_t i = 0; i < first; i++)
            if (unlink(path_of(&names.arena, directory, names.all[i])) != 0)
                fprintf(stderr, "%s/%s: %s\n", directory, names.all[i], strerror(errno));
    }
    arena_free(&names.arena);
}
