/* From the system's list. */
#include "sys/account.h"

#include <pwd.h>
#include <stdio.h>

#define LIST_BYTES 4096

void account_write(char text[ACCOUNT_TEXT], uid_t uid)
{
    struct passwd entry, *found = NULL;
    char bytes[LIST_BYTES];
    if (getpwuid_r(uid, &entry, bytes, sizeof bytes, &found) == 0 && found != NULL)
        snprintf(text, ACCOUNT_TEXT, "uid %lu (%.64s)", (unsigned long)uid, found->pw_name);
    else
        snprintf(text, ACCOUNT_TEXT, "uid %lu", (unsigned long)uid);
}
