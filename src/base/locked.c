/* libcrypto's secure heap. */
#include "base/locked.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <openssl/crypto.h>

#define HEAP_BYTES (4 << 20)
#define HEAP_LEAST (256 << 10)
#define PIECE      32 /* bytes */

static size_t heap_bytes;

/*
 * Where there is no limit, all there is and will be: also what ciphers and hashes make of keys, and patients'
 * data. With one, a process that grows beyond it would find no more memory.
 */
static bool lock_all(const struct rlimit *limit)
{
    return limit->rlim_cur == RLIM_INFINITY && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

/* As much as a process may lock without rights, if that is little. */
bool locked_start(void)
{
    struct rlimit limit;
    size_t bytes = HEAP_BYTES;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        limit.rlim_cur = HEAP_LEAST;
    while (bytes > HEAP_LEAST && bytes > limit.rlim_cur)
        bytes /= 2;
    int code = CRYPTO_secure_malloc_init(bytes, PIECE); /* 2: there, but not locked */
    heap_bytes = code != 0 ? bytes : 0;
    return lock_all(&limit) || code == 1;
}

/* Half of it is left to libcrypto, and to a reload, while which all are there twice. */
bool locked_has_room(size_t bytes)
{
    return heap_bytes == 0 || CRYPTO_secure_used() + bytes <= heap_bytes / 2;
}

void *locked_alloc(size_t size)
{
    void *at = OPENSSL_secure_zalloc(size > 0 ? size : 1);
    if (at == NULL) {
        fputs("pickupd: out of memory for secrets\n", stderr);
        abort();
    }
    return at;
}

void locked_free(void *at, size_t size)
{
    OPENSSL_secure_clear_free(at, size);
}
