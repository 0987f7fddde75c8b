/*
 * Feeds a fuzzer the files of a corpus: all of them in one process, and if that ends badly each in one of its
 * own, to tell which it is.
 */
#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define FILES_MAX 1000

static void feed(const char *path)
{
    struct buf text = {0};
    char bytes[4096];
    size_t got;
    FILE *file = fopen(path, "rb");
    HOLDS(file != NULL);
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0)
        buf_add(&text, (struct span){bytes, got});
    fclose(file);
    char *exact = mem_resize(NULL, text.len); /* so that the sanitizers see every read beyond its end */
    if (text.len > 0)
        memcpy(exact, text.at, text.len);
    LLVMFuzzerTestOneInput((const uint8_t *)exact, text.len);
    free(exact);
    buf_free(&text);
}

static bool survives(char *const *paths, int count)
{
    int status;
    pid_t child = fork();
    HOLDS(child >= 0);
    if (child == 0) {
        for (int i = 0; i < count; i++)
            feed(paths[i]);
        exit(0);
    }
    HOLDS(waitpid(child, &status, 0) == child);
    return status == 0;
}

static int count_failed(char *const *paths, int count)
{
    int failed = 0;
    if (survives(paths, count))
        return 0;
    for (int i = 0; i < count; i++) {
        if (survives(&paths[i], 1))
            continue;
        printf("%s: failed\n", paths[i]);
        failed++;
    }
    return failed > 0 ? failed : count; /* not one alone, but together */
}

static int list(const char *folder, struct arena *arena, char **paths)
{
    int count = 0;
    DIR *corpus = opendir(folder);
    HOLDS(corpus != NULL);
    for (struct dirent *entry; (entry = readdir(corpus)) != NULL;) {
        struct buf path = {.arena = arena};
        if (*entry->d_name == '.')
            continue;
        HOLDS(count < FILES_MAX);
        buf_printf(&path, "%s/%s", folder, entry->d_name);
        paths[count++] = buf_text(&path);
    }
    closedir(corpus);
    return count;
}

int main(int argc, char **argv)
{
    struct arena arena CLEANUP(arena_free) = {0};
    char *paths[FILES_MAX];
    if (argc != 2) {
        fputs("usage: replay CORPUS\n", stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);               /* nothing is left for a child to write again */
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0); /* what is set up once is set up for all */
    int count = list(argv[1], &arena, paths);
    int failed = count_failed(paths, count);
    printf("%s: %d passed, %d failed\n", argv[1], count - failed, failed);
    return failed > 0 || count == 0;
}
