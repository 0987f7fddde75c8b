/* The lock that makes a process the only writer of a database. */
#ifndef PICKUPD_SYS_LOCK_H
#define PICKUPD_SYS_LOCK_H

/* A descriptor that holds the lock until it is closed or the process ends; -1 with errno if it can't be had
 * (EWOULDBLOCK: another process holds it). */
int lock_take(const char *path);
void lock_release(int lock);

#endif
