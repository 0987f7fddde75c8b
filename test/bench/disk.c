/*
 * Preloaded into pickupd by `make bench`: counts what SQLite writes and syncs, and writes one line of JSON to
 * the file that $BENCH_DISK names when the process ends. One thread of pickupd writes, so nothing is locked.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SYNCS_MAX (1 << 20) /* those beyond are counted, not timed */
#define FDS_MAX   1024

enum file { FILE_UNKNOWN, FILE_OTHER, FILE_DATABASE, FILE_LOG, FILE_COUNT };

static struct {
    int64_t bytes, syncs, timed;
    float took[SYNCS_MAX]; /* milliseconds */
} done[FILE_COUNT];

static int64_t checkpoint_since; /* the first write to the database since it was synced; 0 if none */
static double checkpoint_longest;

static int64_t now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static bool ends(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static enum file known[FDS_MAX];

static enum file file_of(int fd)
{
    char link[64], path[4096] = "";
    if (fd < 0 || fd >= FDS_MAX)
        return FILE_OTHER;
    if (known[fd] == FILE_UNKNOWN) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(link, path, sizeof path - 1);
        (void)len; /* then the name is empty */
        known[fd] = ends(path, ".db") ? FILE_DATABASE : ends(path, "-wal") ? FILE_LOG : FILE_OTHER;
    }
    return known[fd];
}

int close(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "close");
    if (fd >= 0 && fd < FDS_MAX)
        known[fd] = FILE_UNKNOWN;
    return real(fd);
}

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    enum file file = file_of(fd);
    done[file].bytes += (int64_t)size;
    if (file == FILE_DATABASE && checkpoint_since == 0)
        checkpoint_since = now();
    return real(fd, from, size, at);
}

int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    enum file file = file_of(fd);
    int64_t began = now();
    int result = real(fd);
    int64_t ended = now();
    done[file].syncs++;
    if (done[file].timed < SYNCS_MAX)
        done[file].took[done[file].timed++] = (float)(ended - began) / 1e6F;
    if (file == FILE_DATABASE && checkpoint_since > 0) {
        double took = (double)(ended - checkpoint_since) / 1e6;
        checkpoint_longest = took > checkpoint_longest ? took : checkpoint_longest;
        checkpoint_since = 0;
    }
    return result;
}

static int compare(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

static double percentile(enum file file, int64_t share)
{
    return done[file].timed == 0 ? 0 : (double)done[file].took[(done[file].timed - 1) * share / 100];
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("BENCH_DISK");
    FILE *out = path ? fopen(path, "w") : NULL;
    if (out == NULL)
        return;
    for (enum file file = FILE_DATABASE; file <= FILE_LOG; file++)
        qsort(done[file].took, (size_t)done[file].timed, sizeof(float), compare);
    fprintf(out,
            "{\"log_bytes\":%lld,\"database_bytes\":%lld,\"syncs\":%lld,\"sync_p50\":%.3f,\"sync_p99\":%.3f,"
            "\"checkpoints\":%lld,\"checkpoint_sync_p50\":%.3f,\"checkpoint_max\":%.3f}\n",
            (long long)done[FILE_LOG].bytes, (long long)done[FILE_DATABASE].bytes,
            (long long)done[FILE_LOG].syncs, percentile(FILE_LOG, 50), percentile(FILE_LOG, 99),
            (long long)done[FILE_DATABASE].syncs, percentile(FILE_DATABASE, 50), checkpoint_longest);
    fclose(out);
}
