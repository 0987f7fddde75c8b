/*
 * AES-256-GCM from libcrypto. Keys stand in a list that only grows, so that any thread may walk it; one that
 * is dropped loses its bytes with its last holder.
 */
#include "base/seal.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/base64.h"
#include "base/hmac.h"
#include "base/locked.h"
#include "base/random.h"

#define NONCE_BYTES 12
#define TAG_BYTES   16
#define HEAD_BYTES  (1 + SEAL_ID_MAX + NONCE_BYTES)

_Static_assert(SEAL_MORE == HEAD_BYTES + TAG_BYTES, "the statements reckon with it");

struct seal_key {
    struct seal_key *next;
    char id[SEAL_ID_MAX + 1];
    uint8_t bytes[SEAL_KEY_BYTES];
    atomic_bool listed;              /* until the key is dropped */
    atomic_int holders;              /* the list is one as long; 0: it is wiped */
    _Atomic(EVP_CIPHER_CTX *) spare; /* keyed, and nobody's just now; or NULL */
};

struct seal {
    _Atomic(struct seal_key *) first;
    _Atomic(struct seal_key *) current;
};

struct seal *seal_new(void)
{
    return mem_alloc(sizeof(struct seal));
}

static void wipe(struct seal_key *key)
{
    EVP_CIPHER_CTX_free(atomic_exchange(&key->spare, NULL));
    OPENSSL_cleanse(key->bytes, sizeof key->bytes);
}

void seal_free(struct seal *seal)
{
    struct seal_key *key = seal != NULL ? atomic_load(&seal->first) : NULL;
    while (key != NULL) {
        struct seal_key *next = key->next;
        wipe(key);
        locked_free(key, sizeof *key);
        key = next;
    }
    free(seal);
}

/* One that nobody holds any more is wiped, and does not come back. */
static bool hold(struct seal_key *key)
{
    int holders = atomic_load(&key->holders);
    while (holders > 0)
        if (atomic_compare_exchange_weak(&key->holders, &holders, holders + 1))
            return true;
    return false;
}

void seal_release(struct seal_key *key)
{
    if (key != NULL && atomic_fetch_sub(&key->holders, 1) == 1)
        wipe(key);
}

struct seal_key *seal_current(struct seal *seal)
{
    struct seal_key *key = seal != NULL ? atomic_load(&seal->current) : NULL;
    while (key != NULL && !hold(key))
        key = atomic_load(&seal->current); /* another has taken its place before it was dropped */
    return key;
}

static struct seal_key *find(const struct seal *seal, struct span id)
{
    struct seal_key *key = atomic_load(&seal->first);
    while (key != NULL && !(atomic_load(&key->listed) && span_is(id, span_of(key->id))))
        key = key->next;
    return key;
}

struct seal_key *seal_find(struct seal *seal, struct span id)
{
    struct seal_key *key = seal != NULL ? find(seal, id) : NULL;
    return key != NULL && hold(key) ? key : NULL;
}

struct span seal_id(const struct seal_key *key)
{
    return span_of(key->id);
}

static struct seal_key *add(struct seal *seal, struct span id, const uint8_t bytes[SEAL_KEY_BYTES])
{
    struct seal_key *key = locked_alloc(sizeof *key);
    memcpy(key->id, id.at, id.len);
    memcpy(key->bytes, bytes, SEAL_KEY_BYTES);
    atomic_init(&key->listed, true);
    atomic_init(&key->holders, 1);
    key->next = atomic_load(&seal->first);
    atomic_store(&seal->first, key);
    return key;
}

/* Files. */

static bool is_id(struct span text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '\0' || strchr(letters, text.at[i]) == NULL)
            return false;
    return text.len > 0 && text.len <= SEAL_ID_MAX;
}

/* False for anything but 32 bytes in Base64. */
static bool read_bytes(struct span text, uint8_t bytes[SEAL_KEY_BYTES])
{
    char room[2 * SEAL_KEY_BYTES];
    struct buf buf = {.at = room, .room = sizeof room};
    bool good = text.len < sizeof room && base64_read(&buf, text) && buf.len == SEAL_KEY_BYTES;
    if (good)
        memcpy(bytes, room, SEAL_KEY_BYTES);
    OPENSSL_cleanse(room, sizeof room);
    return good;
}

/* A key's bytes are compared in constant time, as all secrets are. */
static bool has_bytes(const struct seal *seal, const uint8_t bytes[SEAL_KEY_BYTES])
{
    for (struct seal_key *key = atomic_load(&seal->first); key != NULL; key = key->next)
        if (hmac_equal(key->bytes, bytes, SEAL_KEY_BYTES))
            return true;
    return false;
}

static const char *read_line(struct seal *seal, struct span line)
{
    uint8_t bytes[SEAL_KEY_BYTES];
    struct span rest = line;
    struct span id = span_cut(&rest, ' ');
    const char *why = NULL;
    if (!is_id(id))
        return "an id is 1 to 16 letters, digits, dots, hyphens or underscores, with the key behind it";
    if (find(seal, id) != NULL)
        return "this id is used twice";
    if (!read_bytes(span_trim(rest), bytes))
        why = "a key is 32 bytes in Base64";
    else if (has_bytes(seal, bytes))
        why = "this key is used twice";
    else if (atomic_load(&seal->current) == NULL)
        atomic_store(&seal->current, add(seal, id, bytes));
    else
        add(seal, id, bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return why;
}

bool seal_read(struct seal *seal, struct span text, const char *file, struct faults *faults)
{
    size_t before = faults->count;
    for (int number = 1; text.len > 0; number++) {
        struct span line = span_trim(span_cut(&text, '\n'));
        const char *why = line.len > 0 && line.at[0] != '#' ? read_line(seal, line) : NULL;
        if (why != NULL)
            faults_add(faults, "%s:%d: %s", file, number, why);
    }
    if (faults->count == before && atomic_load(&seal->current) == NULL)
        faults_add(faults, "%s: holds no key", file);
    return faults->count == before;
}

/* Keys that come and go. */

static struct seal_key *find_same(const struct seal *seal, const struct seal_key *like)
{
    struct seal_key *key = find(seal, span_of(like->id));
    return key != NULL && hmac_equal(key->bytes, like->bytes, SEAL_KEY_BYTES) ? key : NULL;
}

void seal_adopt(struct seal *seal, const struct seal *other)
{
    struct seal_key *before = atomic_load(&seal->first), *current = atomic_load(&other->current);
    for (struct seal_key *key = atomic_load(&other->first); key != NULL; key = key->next) {
        struct seal_key *same = find_same(seal, key);
        if (same == NULL)
            same = add(seal, span_of(key->id), key->bytes);
        if (key == current)
            atomic_store(&seal->current, same);
    }
    for (struct seal_key *key = before; key != NULL; key = key->next)
        if (atomic_load(&key->listed) && find_same(other, key) == NULL) {
            atomic_store(&key->listed, false);
            seal_release(key);
        }
}

/* Values. */

struct span seal_id_of(struct span sealed)
{
    if (sealed.len < SEAL_MORE || (sealed.at[0] != SEAL_TEXT && sealed.at[0] != SEAL_BYTES))
        return SPAN("");
    return (struct span){sealed.at + 1, strnlen(sealed.at + 1, SEAL_ID_MAX)};
}

static void need(int result)
{
    if (result != 1)
        abort();
}

/* Preparing a key takes longer than sealing a short value with it. */
static EVP_CIPHER_CTX *begin(struct seal_key *key, const char *head, int seals)
{
    EVP_CIPHER_CTX *ctx = atomic_exchange(&key->spare, NULL);
    const unsigned char *nonce = (const unsigned char *)head + 1 + SEAL_ID_MAX;
    if (ctx == NULL) {
        ctx = EVP_CIPHER_CTX_new();
        need(ctx != NULL);
        need(EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce, seals));
    } else {
        need(EVP_CipherInit_ex(ctx, NULL, NULL, NULL, nonce, seals));
    }
    return ctx;
}

static void end(struct seal_key *key, EVP_CIPHER_CTX *ctx)
{
    EVP_CIPHER_CTX_free(atomic_exchange(&key->spare, ctx));
}

/* Each part preceded by its length, so that no two places are the same bytes. */
static void bind(EVP_CIPHER_CTX *ctx, const char *head, const struct span *place, size_t parts)
{
    int done;
    need(EVP_CipherUpdate(ctx, NULL, &done, (const unsigned char *)head, 1 + SEAL_ID_MAX));
    for (size_t i = 0; i < parts; i++) {
        unsigned char length[8];
        for (size_t k = 0; k < sizeof length; k++)
            length[k] = (unsigned char)((uint64_t)place[i].len >> (8 * (sizeof length - 1 - k)));
        need(EVP_CipherUpdate(ctx, NULL, &done, length, sizeof length));
        if (place[i].len > 0)
            need(EVP_CipherUpdate(ctx, NULL, &done, (const unsigned char *)place[i].at, (int)place[i].len));
    }
}

void seal_write(struct buf *out, struct seal_key *key, enum seal_kind kind, const struct span *place,
                size_t parts, struct span value)
{
    int done = 0, more = 0;
    if (value.len > INT_MAX - SEAL_MORE)
        abort(); /* SQLite takes no value of that length */
    char *head = buf_extend(out, value.len + SEAL_MORE), *to = head + HEAD_BYTES;
    memset(head, 0, HEAD_BYTES);
    head[0] = (char)kind;
    memcpy(head + 1, key->id, strlen(key->id));
    random_fill(head + 1 + SEAL_ID_MAX, NONCE_BYTES);
    EVP_CIPHER_CTX *ctx = begin(key, head, 1);
    bind(ctx, head, place, parts);
    if (value.len > 0)
        need(EVP_CipherUpdate(ctx, (unsigned char *)to, &done, (const unsigned char *)value.at,
                              (int)value.len));
    need(EVP_CipherFinal_ex(ctx, (unsigned char *)to + done, &more));
    need(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, to + value.len));
    end(key, ctx);
}

bool seal_open(struct buf *out, struct seal_key *key, const struct span *place, size_t parts,
               struct span sealed, enum seal_kind *kind)
{
    int done = 0, more = 0;
    char tag[TAG_BYTES];
    size_t before = out->len;
    if (sealed.len > INT_MAX || !span_is(seal_id_of(sealed), span_of(key->id)))
        return false;
    size_t length = sealed.len - SEAL_MORE;
    *kind = (enum seal_kind)sealed.at[0];
    memcpy(tag, sealed.at + HEAD_BYTES + length, TAG_BYTES);
    unsigned char *to = (unsigned char *)buf_extend(out, length + 1); /* never nothing */
    EVP_CIPHER_CTX *ctx = begin(key, sealed.at, 0);
    bind(ctx, sealed.at, place, parts);
    if (length > 0)
        need(EVP_CipherUpdate(ctx, to, &done, (const unsigned char *)sealed.at + HEAD_BYTES, (int)length));
    need(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag));
    bool good = EVP_CipherFinal_ex(ctx, to + done, &more) == 1;
    end(key, ctx);
    if (!good)
        OPENSSL_cleanse(to, length);
    out->len = good ? before + length : before;
    return good;
}
