/*
 * The load of `make bench`: posts webhooks to 127.0.0.1, every body another and signed with $BENCH_SECRET
 * beforehand, over connections that are kept, and prints one line of JSON.
 *
 *   load [-c CONNECTIONS] [-s SECONDS] [-n MOST] [-r RATE] [-f FIRST] PORT PATH
 *
 * It ends after so many seconds or webhooks, whichever is first, and then waits for every answer: so the
 * answers can be held against the rows, which those of a load that is cut off can't. With a rate, each
 * webhook has a time at which it is due, and its latency counts from there, also if no connection was free.
 * FIRST numbers the first body: what was sent before is not sent again. What is due before the end is sent,
 * however late, so that a server that stalls then does not look better for it. The connections are kept until
 * the input ends.
 *
 * wrk and hey do neither: wrk has no rate and leaves the last requests unanswered, hey sends one body.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/hmac.h"
#include "base/num.h"

#define SECOND        INT64_C(1000000000) /* in nanoseconds */
#define ANSWER_MAX    4096
#define DIGEST_BYTES  32
#define NUMBER_DIGITS 10
#define NUMBER_END    INT64_C(10000000000)

/* The body, up to its number and behind it; the people in it are invented. */
static const char body_start[] = "{\"externalId\":\"DX-";
static const char body_end[] = "\",\"practiceId\":\"CLI-101\",\"patientName\":\"Testa Invented\","
                               "\"preferredPickupTime\":\"2030-01-21T09:30:00Z\",\"priority\":1,"
                               "\"notes\":\"Invented note: ask for the plaster flamingo\",\"packageCount\":3,"
                               "\"contactName\":\"Dr. Samplo Invented\",\"contactPhone\":\"201-555-0102\"}";

struct options {
    int64_t connections, seconds, most, rate, first, port;
    const char *path;
};

struct conn {
    int fd;
    int64_t since;
    size_t len;
    char answer[ANSWER_MAX + 1];
};

struct load {
    struct options options;
    struct buf request; /* a template: number and signature are written into it before it is sent */
    size_t number_at, signature_at, body_at;
    uint8_t (*digests)[DIGEST_BYTES];
    struct conn *conns;
    struct conn **idle;
    size_t idle_count;
    int epoll;
    int64_t start, end, last; /* of the first request, of sending, of the last answer */
    int64_t spent;            /* nanoseconds on a core from the first request to the last answer */
    int64_t sent, answered, good;
    int64_t *waits; /* nanoseconds */
};

static void die(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec * SECOND + at.tv_nsec;
}

static int64_t now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Requests. */

static void write_number(struct load *load, int64_t number)
{
    char *at = load->request.at + load->number_at;
    for (size_t i = NUMBER_DIGITS; i-- > 0; number /= 10)
        at[i] = (char)('0' + number % 10);
}

static void make_template(struct load *load)
{
    struct buf *request = &load->request;
    size_t body_len = sizeof body_start - 1 + NUMBER_DIGITS + sizeof body_end - 1;
    buf_printf(request, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n",
               load->options.path);
    buf_printf(request, "Content-Length: %zu\r\nX-Dentrix-Signature: ", body_len);
    load->signature_at = request->len;
    buf_printf(request, "%0*d\r\n\r\n", 2 * DIGEST_BYTES, 0);
    load->body_at = request->len;
    load->number_at = request->len + sizeof body_start - 1;
    buf_printf(request, "%s%0*d%s", body_start, NUMBER_DIGITS, 0, body_end);
}

/* Before the clock starts: signing costs more than sending. */
static void sign_all(struct load *load)
{
    const char *secret = getenv("BENCH_SECRET");
    if (secret == NULL)
        die("BENCH_SECRET is not set");
    struct hmac_key *key = hmac_key_new(HMAC_SHA256, span_of(secret));
    struct span body = {load->request.at + load->body_at, load->request.len - load->body_at};
    for (int64_t i = 0; i < load->options.most; i++) {
        uint8_t digest[HMAC_BYTES_MAX];
        write_number(load, load->options.first + i);
        hmac_sign(key, &body, 1, digest);
        memcpy(load->digests[i], digest, DIGEST_BYTES);
    }
    hmac_key_free(key);
}

/* When the next webhook may go; without a rate as soon as a connection is free. */
static int64_t next_due(const struct load *load)
{
    if (load->options.rate == 0)
        return load->start;
    return load->start + load->sent / load->options.rate * SECOND +
           load->sent % load->options.rate * SECOND / load->options.rate;
}

static bool is_over(const struct load *load, int64_t at)
{
    return load->sent == load->options.most || (load->options.rate > 0 ? next_due(load) : at) >= load->end;
}

static bool is_due(const struct load *load, int64_t at)
{
    return !is_over(load, at) && next_due(load) <= at;
}

static void send_next(struct load *load, struct conn *conn, int64_t at)
{
    char hex[2 * DIGEST_BYTES + 1];
    conn->since = load->options.rate > 0 ? next_due(load) : at;
    hex_write(hex, load->digests[load->sent], DIGEST_BYTES);
    memcpy(load->request.at + load->signature_at, hex, 2 * DIGEST_BYTES);
    write_number(load, load->options.first + load->sent);
    load->sent++;
    if (send(conn->fd, load->request.at, load->request.len, MSG_NOSIGNAL) != (ssize_t)load->request.len)
        die("can't send");
}

/* Answers. */

/* How long the whole answer will be; 0 while its head is not there. */
static size_t answer_len(struct conn *conn)
{
    conn->answer[conn->len] = '\0';
    char *head_end = strstr(conn->answer, "\r\n\r\n");
    if (head_end == NULL)
        return 0;
    const char *field = strcasestr(conn->answer, "\r\nContent-Length:");
    int64_t len;
    if (field == NULL || field > head_end)
        die("an answer without Content-Length");
    field += strlen("\r\nContent-Length:");
    struct span value = {field, strcspn(field, "\r")};
    if (!num_parse(span_trim(value), &len) || len < 0 || len > ANSWER_MAX)
        die("an answer with an odd Content-Length");
    return (size_t)(head_end - conn->answer) + 4 + (size_t)len;
}

static void on_answer(struct load *load, struct conn *conn)
{
    ssize_t got = recv(conn->fd, conn->answer + conn->len, ANSWER_MAX - conn->len, MSG_DONTWAIT);
    if (got <= 0)
        die("a connection was closed");
    conn->len += (size_t)got;
    size_t len = answer_len(conn);
    if (len == 0 || conn->len < len)
        return;
    load->last = now();
    load->waits[load->answered++] = load->last - conn->since;
    if (span_starts((struct span){conn->answer, conn->len}, SPAN("HTTP/1.1 200")))
        load->good++;
    conn->len = 0;
    if (is_due(load, load->last))
        send_next(load, conn, load->last);
    else
        load->idle[load->idle_count++] = conn;
}

/* The run. */

static void connect_all(struct load *load)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->options.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int64_t i = 0; i < load->options.connections; i++) {
        struct conn *conn = &load->conns[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
        int on = 1;
        conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&to, sizeof to) != 0)
            die("can't connect");
        setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, conn->fd, &event);
        load->idle[load->idle_count++] = conn;
    }
}

/* How long nothing is to be done but to read answers; those get a minute when sending is over. */
static int64_t time_left(const struct load *load, int64_t at)
{
    int64_t until = load->idle_count > 0 && !is_over(load, at) ? next_due(load) : load->end + SECOND * 60;
    return until > at ? until - at : 0;
}

static void run(struct load *load)
{
    struct epoll_event events[256];
    int64_t spent = read_clock(CLOCK_PROCESS_CPUTIME_ID), at = load->start = now();
    load->end = load->start + load->options.seconds * SECOND;
    while (!is_over(load, at) || load->answered < load->sent) {
        while (load->idle_count > 0 && is_due(load, at))
            send_next(load, load->idle[--load->idle_count], at);
        int64_t left = time_left(load, at);
        struct timespec timeout = {left / SECOND, left % SECOND};
        int count = epoll_pwait2(load->epoll, events, 256, &timeout, NULL);
        for (int i = 0; i < count; i++)
            on_answer(load, events[i].data.ptr);
        at = now();
        if (at > load->end + SECOND * 60)
            die("no answer for a minute");
    }
    load->spent = read_clock(CLOCK_PROCESS_CPUTIME_ID) - spent;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* In milliseconds; `share` in thousandths. */
static double percentile(const struct load *load, int64_t share)
{
    return load->answered == 0 ? 0 : (double)load->waits[(load->answered - 1) * share / 1000] / 1e6;
}

static void report(const struct load *load)
{
    double seconds = (double)(load->last - load->start) / 1e9;
    qsort(load->waits, (size_t)load->answered, sizeof *load->waits, compare);
    printf("{\"answers\":%lld,\"ok\":%lld,\"rate\":%.1f,\"p50\":%.4f,\"p99\":%.4f,\"p999\":%.4f,\"max\":%.4f,"
           "\"load\":%.4f}\n",
           (long long)load->answered, (long long)load->good, (double)load->answered / seconds,
           percentile(load, 500), percentile(load, 990), percentile(load, 999), percentile(load, 1000),
           (double)load->spent / 1e9 / seconds);
    fflush(stdout);
}

static bool take_option(struct options *options, int name, const char *text)
{
    int64_t *fields[] = {['c'] = &options->connections,
                         ['s'] = &options->seconds,
                         ['n'] = &options->most,
                         ['r'] = &options->rate,
                         ['f'] = &options->first};
    return name != '?' && num_parse(span_of(text), fields[name]) && *fields[name] >= 0;
}

static struct options read_options(int argc, char **argv)
{
    struct options options = {.connections = 64, .seconds = 5, .most = 500000};
    int name;
    bool good = true;
    while (good && (name = getopt(argc, argv, "c:s:n:r:f:")) != -1)
        good = take_option(&options, name, optarg);
    if (!good || argc - optind != 2 || !num_parse(span_of(argv[optind]), &options.port) ||
        options.connections < 1 || options.connections > 10000 || options.most < 1 ||
        options.first + options.most > NUMBER_END) {
        fputs("usage: load [-c CONNECTIONS] [-s SECONDS] [-n MOST] [-r RATE] [-f FIRST] PORT PATH\n", stderr);
        exit(2);
    }
    options.path = argv[optind + 1];
    return options;
}

int main(int argc, char **argv)
{
    struct load load = {.options = read_options(argc, argv)};
    size_t most = (size_t)load.options.most, connections = (size_t)load.options.connections;
    load.digests = mem_alloc(most * sizeof *load.digests);
    load.waits = mem_alloc(most * sizeof *load.waits);
    load.conns = mem_alloc(connections * sizeof *load.conns);
    load.idle = mem_alloc(connections * sizeof(struct conn *));
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* what is due goes out then, not 50 us later */
    make_template(&load);
    sign_all(&load);
    connect_all(&load);
    run(&load);
    report(&load);
    while (getchar() != EOF)
        ;
    return 0; /* the process's end frees all of it */
}
