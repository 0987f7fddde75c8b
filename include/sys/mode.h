/*
 * Who else may read or change a file that is relied on, or put another in its place: by its owner, its mode,
 * and the directory that it was named in. The file is looked at open, so that what was looked at is what is
 * read.
 */
#ifndef PICKUPD_SYS_MODE_H
#define PICKUPD_SYS_MODE_H

#include <sys/types.h>

#include "base/err.h"
#include "base/faults.h"

/* False with a fault that names the file and says how to mend it. */
typedef bool mode_rule(int fd, const char *path, struct faults *faults);

/*
 * A key or a secret: its owner and its group may read it, its owner and our own group change it. Below
 * $CREDENTIALS_DIRECTORY, /run/credentials and /run/secrets the service manager or the container says who may
 * read it, and nothing is looked at. The mode of a pipe says nothing. Whose it may be: see mode_suits_owner.
 */
MUST mode_rule mode_suits_secret;

/* The same, whosever it is: what pickupd makes beside its database, of which no owner is looked at either. */
MUST mode_rule mode_suits_kept;

/* Configuration, definitions, certificates: nobody but the owner and our own group may change it. */
MUST mode_rule mode_suits_config;

/*
 * The two halves of mode_suits_config, for the file that says whom root becomes: what others may do is looked
 * at before it is read, and then whether it, and its directory, belong to root, to us, or to whom root
 * trusts; and that not everybody may put files there, unless nobody can remove what is another's, or it is a
 * mount of its own that can only be read. Devices are anybody's, and the second half takes what was handed
 * over, as above.
 */
MUST mode_rule mode_suits_unread;
MUST mode_rule mode_suits_owner;

/* The fault of a file that can't be opened, by errno: of a credential that is not there, also when it is. */
void mode_unopened(const char *path, struct faults *faults);

/*
 * Whose files root relies on beside its own: those of the user whom it becomes. The first call counts, as who
 * serves already becomes nobody else. Before any thread is started; 0 is nobody.
 */
void mode_trust(uid_t user);

#endif
