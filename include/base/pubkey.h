/* Public keys that senders sign against: Ed25519, and ECDSA on P-256 with SHA-256. */
#ifndef PICKUPD_BASE_PUBKEY_H
#define PICKUPD_BASE_PUBKEY_H

#include "base/span.h"

enum pubkey_kind { PUBKEY_ED25519, PUBKEY_ECDSA_P256 };

struct pubkey;

/*
 * From PEM, from the DER of a SubjectPublicKeyInfo, or for Ed25519 from its 32 raw bytes. NULL if it is no
 * such key. Owned by the caller.
 */
struct pubkey *pubkey_new(enum pubkey_kind kind, struct span key);
void pubkey_free(struct pubkey *key);

/* Whether the key's owner signed the text. ECDSA signatures are in DER. Any thread. */
bool pubkey_verify(const struct pubkey *key, struct span text, struct span signature);

#endif
