/* The users of this machine. */
#ifndef PICKUPD_SYS_ACCOUNT_H
#define PICKUPD_SYS_ACCOUNT_H

#include <sys/types.h>

#define ACCOUNT_TEXT 96 /* with the NUL */

/* "uid 1000 (alice)", or without a name if it has none. A name of more than 64 bytes is cut. */
void account_write(char text[ACCOUNT_TEXT], uid_t uid);

#endif
