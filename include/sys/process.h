/* What this process takes of the machine. */
#ifndef PICKUPD_SYS_PROCESS_H
#define PICKUPD_SYS_PROCESS_H

#include <stdint.h>

/* What the system does not tell is -1. */
struct process_use {
    int64_t cpu_us; /* of all threads, in the program and in the kernel */
    int64_t resident_bytes, virtual_bytes;
    int64_t open_files, max_files;
    int64_t threads;
    int64_t started; /* ms since 1970 */
};

/* Any thread; it reads a few files of /proc, and the names of all open descriptors. */
void process_look(struct process_use *use);

#endif
