/*
 * The service manager that started us, if one did: systemd, or whatever else speaks its protocol of one
 * datagram to $NOTIFY_SOCKET. Without one, nothing is sent. Any thread.
 */
#ifndef PICKUPD_SYS_SUPERVISOR_H
#define PICKUPD_SYS_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* Serving, or serving again after supervisor_reloading. False if too much lies there unread: try again. */
bool supervisor_ready(void);

/* The configuration is being read again, since then (us of time_monotonic). False as above. */
bool supervisor_reloading(int64_t since);

/* What `systemctl status` shows: one line. False as above. */
bool supervisor_status(struct span line);

void supervisor_stopping(void);

/* How often at least it wants to hear supervisor_alive, in ms; 0 if it does not. */
int64_t supervisor_watchdog(void);
void supervisor_alive(void);

#endif
