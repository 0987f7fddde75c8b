/* The files of TLS, of which each face has three. */
#include "certificates.h"

#include <stdio.h>

#include "base/hmac.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "flow/snapshot.h"

enum { CERT, KEY, AUTHORITIES, FILES };

struct files {
    const char *face;
    const char *prefix; /* of the keys */
    const char *paths[FILES];
    struct tls **tls;
};

#define FACES 2

static void list_faces(const struct setup *setup, struct files faces[FACES])
{
    const struct server_config *config = &setup->config.server;
    struct setup *filled = (struct setup *)setup;
    faces[0] = (struct files){
        "public", "", {config->tls_cert, config->tls_key, config->tls_client_ca}, &filled->tls};
    faces[1] = (struct files){"private",
                              "api_",
                              {config->api_tls_cert, config->api_tls_key, config->api_tls_client_ca},
                              &filled->api_tls};
}

static void wipe(struct buf *text)
{
    hmac_wipe(text->at, text->room);
    buf_free(text);
}

/* False with a fault; an unset path is an empty text. Never moved while it grows, so that it can be wiped. */
static bool read_pem(const char *path, mode_rule *suits, size_t max, struct buf *text, struct faults *faults)
{
    text->room = max + 4096 + 1;
    text->at = mem_alloc(text->room);
    return *path == '\0' || setup_read_checked(path, suits, max, text, faults);
}

static struct tls *load(const struct files *files, struct faults *faults)
{
    struct buf cert CLEANUP(wipe) = {0}, key CLEANUP(wipe) = {0}, authorities CLEANUP(wipe) = {0};
    bool good = read_pem(files->paths[CERT], mode_suits_config, SETUP_KEYS_MAX, &cert, faults);
    good &= read_pem(files->paths[KEY], mode_suits_secret, SETUP_KEYS_MAX, &key, faults);
    good &= read_pem(files->paths[AUTHORITIES], mode_suits_config, SETUP_FILE_MAX, &authorities, faults);
    if (!good)
        return NULL;
    struct tls_file read[FILES] = {{files->paths[CERT], buf_span(&cert)},
                                   {files->paths[KEY], buf_span(&key)},
                                   {files->paths[AUTHORITIES], buf_span(&authorities)}};
    return tls_new(&read[CERT], &read[KEY], *files->paths[AUTHORITIES] != '\0' ? &read[AUTHORITIES] : NULL,
                   faults);
}

void certificates_load(struct setup *setup, struct faults *faults)
{
    struct files faces[FACES];
    list_faces(setup, faces);
    for (size_t i = 0; i < FACES; i++) {
        const struct files *face = &faces[i];
        bool cert = *face->paths[CERT] != '\0', key = *face->paths[KEY] != '\0';
        if (cert && key)
            *face->tls = load(face, faults);
        else if (cert || key)
            faults_add(faults, "%s: %stls_cert and %stls_key belong together", setup->config.file,
                       face->prefix, face->prefix);
        else if (*face->paths[AUTHORITIES] != '\0')
            faults_add(faults, "%s: %stls_client_ca needs %stls_cert", setup->config.file, face->prefix,
                       face->prefix);
    }
}

bool certificates_adopt(struct setup *serving, struct setup *next)
{
    struct files old[FACES], new[FACES];
    bool same = true;
    list_faces(serving, old);
    list_faces(next, new);
    for (size_t i = 0; i < FACES; i++) {
        if (*old[i].tls != NULL && *new[i].tls != NULL)
            tls_adopt(*old[i].tls, *new[i].tls);
        else
            same &= *old[i].tls == *new[i].tls;
    }
    return same;
}

/* Writes until when a face's certificate counts. */
static bool ends_soon(const struct files *face, char end[TIME_TEXT])
{
    int64_t expires = tls_expires(*face->tls);
    time_write(end, expires);
    return expires < time_now() + SNAPSHOT_EXPIRY_MS;
}

void certificates_report(const struct setup *setup)
{
    struct files faces[FACES];
    char end[TIME_TEXT];
    list_faces(setup, faces);
    for (size_t i = 0; i < FACES; i++) {
        if (*faces[i].tls == NULL)
            continue;
        bool soon = ends_soon(&faces[i], end);
        log_event(soon ? LOG_WARN : LOG_INFO, soon ? "certificate ends soon or has ended" : "certificate",
                  LOG_STR("face", faces[i].face), LOG_STR("file", faces[i].paths[CERT]),
                  LOG_STR("until", end));
    }
}

void certificates_print(const struct setup *setup)
{
    struct files faces[FACES];
    char end[TIME_TEXT];
    list_faces(setup, faces);
    for (size_t i = 0; i < FACES; i++) {
        if (*faces[i].tls == NULL)
            continue;
        bool soon = ends_soon(&faces[i], end);
        printf("TLS       %s: %s until %s%s\n", faces[i].face, faces[i].paths[CERT], end,
               *faces[i].paths[AUTHORITIES] != '\0' ? "; asks clients for theirs" : "");
        if (soon)
            printf("warning: %s ends soon or has ended; get another\n", faces[i].paths[CERT]);
    }
}
