/* The other end of a connection: a server in Python, which ends with its input. */
#ifndef PICKUPD_TEST_OTHER_END_H
#define PICKUPD_TEST_OTHER_END_H

#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

struct other_end {
    pid_t pid;
    int in;
    char said[300]; /* its first line */
};

static inline void end_run(const char *script, const char *word, int in, int out)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execl("/usr/bin/python3", "python3", script, word, (char *)NULL);
    _exit(127);
}

/* Once it has said its first line. */
static inline bool end_start(struct other_end *end, const char *script, const char *word)
{
    int in[2], out[2];
    ssize_t got = 1;
    *end = (struct other_end){0};
    if (pipe(in) != 0 || pipe(out) != 0 || (end->pid = fork()) < 0)
        return false;
    if (end->pid == 0) {
        close(in[1]);
        close(out[0]);
        end_run(script, word, in[0], out[1]);
    }
    close(in[0]);
    close(out[1]);
    end->in = in[1];
    for (size_t len = 0; len < sizeof end->said - 1 && got == 1 && strchr(end->said, '\n') == NULL; len++)
        got = read(out[0], end->said + len, 1);
    close(out[0]);
    return got == 1;
}

static inline bool end_stop(struct other_end *end)
{
    close(end->in);
    return waitpid(end->pid, NULL, 0) == end->pid;
}

#endif
