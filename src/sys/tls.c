/* OpenSSL's contexts, one for each set of files, and bufferevents made of them. */
#include "sys/tls.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "tls_conn.h"

#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20" /* 1.3 has none that would have to be left out */
#define GROUPS      "X25519:P-256:P-384"

struct tls {
    pthread_mutex_t lock;
    SSL_CTX *context;
};

/* Files. */

/* The oldest error is the cause of the others. */
static bool refuse(struct faults *faults, const struct tls_file *file, const char *otherwise)
{
    const char *why = ERR_reason_error_string(ERR_peek_error());
    faults_add(faults, "%s: %s", file->path,
               otherwise != NULL ? otherwise
               : why != NULL     ? why
                                 : "can't be used");
    ERR_clear_error();
    return false;
}

static BIO *open_text(const struct tls_file *file)
{
    BIO *bio = BIO_new_mem_buf(file->text.at, (int)file->text.len);
    if (bio == NULL)
        abort();
    ERR_clear_error();
    return bio;
}

/* Without it OpenSSL would ask at the terminal. */
static int no_password(char *text, int size, int writes, void *arg)
{
    (void)text, (void)size, (void)writes, (void)arg;
    return -1;
}

/* Whether reading ended because there was nothing more to read. */
static bool is_end(void)
{
    unsigned long last = ERR_peek_last_error();
    bool end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    if (end)
        ERR_clear_error();
    return end;
}

/* Calls `use` for each certificate of a file; false with a fault if one is bad, or there is none. */
static bool each_certificate(SSL_CTX *context, const struct tls_file *file,
                             bool (*use)(SSL_CTX *context, X509 *cert, size_t index), struct faults *faults)
{
    BIO *bio = open_text(file);
    size_t count = 0;
    bool good = true;
    X509 *cert;
    while (good && (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
        good = use(context, cert, count++);
        X509_free(cert);
    }
    BIO_free(bio);
    if (!good || !is_end())
        return refuse(faults, file, NULL);
    return count > 0 || refuse(faults, file, "holds no certificate in PEM");
}

static bool use_own(SSL_CTX *context, X509 *cert, size_t index)
{
    return index == 0 ? SSL_CTX_use_certificate(context, cert) == 1
                      : SSL_CTX_add1_chain_cert(context, cert) == 1;
}

static bool use_authority(SSL_CTX *context, X509 *cert, size_t index)
{
    (void)index;
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(context), cert) == 1 &&
           SSL_CTX_add_client_CA(context, cert) == 1;
}

static bool use_key(SSL_CTX *context, const struct tls_file *file, struct faults *faults)
{
    BIO *bio = open_text(file);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (key == NULL)
        return refuse(faults, file, "holds no private key in PEM, or one with a password");
    bool good = SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    return good || refuse(faults, file, "is not the key of the certificate");
}

/* Contexts. */

static void on_info(const SSL *ssl, int where, int value)
{
    (void)value;
    const struct tls_watch *watch = SSL_get_app_data(ssl);
    if ((where & SSL_CB_HANDSHAKE_DONE) != 0 && watch != NULL)
        watch->shaken(watch->arg);
}

static SSL_CTX *new_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, CIPHERS_1_2) != 1 || SSL_CTX_set1_groups_list(context, GROUPS) != 1)
        abort();
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS); /* idle connections are many */
    SSL_CTX_set_info_callback(context, on_info);
    return context;
}

static bool fill(SSL_CTX *context, const struct tls_file *cert, const struct tls_file *key,
                 const struct tls_file *authorities, struct faults *faults)
{
    if (!each_certificate(context, cert, use_own, faults) || !use_key(context, key, faults))
        return false;
    if (authorities == NULL)
        return true;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return each_certificate(context, authorities, use_authority, faults);
}

struct tls *tls_new(const struct tls_file *cert, const struct tls_file *key,
                    const struct tls_file *authorities, struct faults *faults)
{
    struct tls *tls = mem_alloc(sizeof *tls);
    pthread_mutex_init(&tls->lock, NULL);
    tls->context = new_context();
    if (fill(tls->context, cert, key, authorities, faults))
        return tls;
    tls_free(tls);
    return NULL;
}

/* A connection holds on to the context it was made of. */
void tls_adopt(struct tls *tls, struct tls *from)
{
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->context;
    tls->context = from->context;
    pthread_mutex_unlock(&tls->lock);
    from->context = old;
}

int64_t tls_expires(const struct tls *tls)
{
    struct tm end = {0};
    ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(tls->context)), &end);
    return (int64_t)timegm(&end) * 1000;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}

/* Connections. */

struct bufferevent *tls_conn_new(struct tls *tls, struct event_base *base, const struct tls_watch *watch)
{
    pthread_mutex_lock(&tls->lock);
    SSL *ssl = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->lock);
    struct bufferevent *bev =
        ssl == NULL
            ? NULL
            : bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL)
        abort();
    SSL_set_app_data(ssl, (void *)watch);
    return bev;
}

void tls_conn_leave(struct bufferevent *bev)
{
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    SSL_set_app_data(ssl, NULL);
    if (SSL_is_init_finished(ssl))
        SSL_shutdown(ssl);
    ERR_clear_error();
}

void tls_conn_send(struct bufferevent *bev, struct span bytes)
{
    SSL_write(bufferevent_openssl_get_ssl(bev), bytes.at, (int)bytes.len);
    ERR_clear_error();
}

uint64_t tls_conn_taken(struct bufferevent *bev)
{
    BIO *bio = SSL_get_rbio(bufferevent_openssl_get_ssl(bev));
    return bio != NULL ? BIO_number_read(bio) : 0;
}

const char *tls_conn_failure(struct bufferevent *bev, const char *otherwise)
{
    const char *why = ERR_reason_error_string(bufferevent_get_openssl_error(bev));
    return why != NULL ? why : otherwise;
}
