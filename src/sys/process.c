/* getrusage, and /proc. */
#include "sys/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/span.h"
#include "base/time.h"

#define STAT_MAX     1024
#define AFTER_NAME   3 /* the number of the first field behind the program's name, as proc(5) counts */
#define STAT_THREADS 20
#define STAT_STARTED 22 /* in clock ticks since the machine was */
#define STAT_VIRTUAL 23
#define STAT_PAGES   24

static int64_t micros(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

static int64_t cpu_time(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? micros(usage.ru_utime) + micros(usage.ru_stime) : -1;
}

static int64_t count_files(void)
{
    int64_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return -1;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count - 1; /* without the one that looks */
}

/* The rest of /proc/self/stat behind the name, which may hold spaces and brackets. */
static struct span read_stat(char text[STAT_MAX])
{
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, STAT_MAX) : -1;
    if (fd >= 0)
        close(fd);
    const char *end = len > 0 ? memrchr(text, ')', (size_t)len) : NULL;
    if (end == NULL)
        return (struct span){"", 0};
    return span_trim((struct span){end + 1, (size_t)(text + len - end - 1)});
}

static int64_t field(struct span rest, int number)
{
    int64_t value;
    for (int i = AFTER_NAME; i < number; i++)
        span_cut(&rest, ' ');
    return num_parse(span_cut(&rest, ' '), &value) ? value : -1;
}

static int64_t started(int64_t ticks)
{
    struct timespec up;
    long per_second = sysconf(_SC_CLK_TCK);
    if (ticks < 0 || per_second <= 0 || clock_gettime(CLOCK_BOOTTIME, &up) != 0)
        return -1;
    return time_now() - up.tv_sec * 1000 - up.tv_nsec / 1000000 + ticks * 1000 / per_second;
}

void process_look(struct process_use *use)
{
    char text[STAT_MAX];
    struct rlimit files;
    struct span stat = read_stat(text);
    int64_t pages = field(stat, STAT_PAGES);
    *use = (struct process_use){
        .cpu_us = cpu_time(),
        .resident_bytes = pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE),
        .virtual_bytes = field(stat, STAT_VIRTUAL),
        .open_files = count_files(),
        .max_files = getrlimit(RLIMIT_NOFILE, &files) == 0 ? (int64_t)files.rlim_cur : -1,
        .threads = field(stat, STAT_THREADS),
        .started = started(field(stat, STAT_STARTED)),
    };
}
