/* One page after the other, read and written down by the reader's thread, sent by the loop's. */
#include "web/streams.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "model/sse.h"
#include "store/journal.h"

#define PUMP_MS 20 /* between two looks at how much was taken, while anything is unsent */

struct stream {
    struct reader_job job; /* first */
    struct streams *streams;
    struct stream *next, *prev;
    struct http_call *call; /* in whose arena this lies */
    const struct consumer_filter *filter;
    stream_ended_fn *on_end;
    void *arg;
    bool begun;   /* its head was sent: it is known from where on it tells all */
    bool reading; /* with the reader */
    bool again;   /* there is news since it went */
    bool ended;   /* but the reader has it still */
    struct stream_given given;

    /* The reader's until it is back; not next to what is looked at meanwhile, or ThreadSanitizer takes a read
     * of several for one of these. */
    struct sse sse;
    struct stream_given read; /* given, once what was read is sent */
    int64_t position;
    struct buf text; /* what was read */
    enum err err;
    bool resumed; /* whether the position was looked up in the log */
    bool more;

    int64_t written;  /* bytes in all */
    int64_t goal;     /* of which so many must be taken */
    int64_t deadline; /* until then, in us of time_monotonic */
    int64_t spoke;    /* when it was written last */
};

struct streams {
    struct reader *reader;
    struct loop *loop;
    struct loop_timer *pump;
    struct stream *first;
    size_t count;
    int64_t patience; /* us */
    bool stopped;
};

/* In the reader's thread. */

static enum err resume(struct view *view, struct stream *stream)
{
    int64_t first, last;
    TRY(journal_ends(view, &first, &last));
    stream->position = sse_resume(&stream->sse, stream->position, first, last);
    stream->resumed = true;
    sse_beat(&stream->text, stream->position); /* so that whoever is cut off at once comes back here */
    return ERR_OK;
}

static enum err read_page(struct view *view, struct stream *stream)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct journal_page page;
    stream->sse.out = &stream->text;
    if (!stream->resumed)
        TRY(resume(view, stream));
    struct journal_order order = {.filter = stream->filter,
                                  .since = INT64_MIN,
                                  .until = INT64_MAX,
                                  .after = stream->position,
                                  .limit = STREAM_PAGE_EVENTS,
                                  .bytes = STREAM_PAGE_BYTES};
    TRY(journal_read(view, &arena, &order, &page));
    for (const struct journal_entry *entry = page.first; entry != NULL; entry = entry->next) {
        sse_event(&stream->sse, entry->seq, &entry->event);
        stream->read.first = stream->read.count++ == 0 ? entry->seq : stream->read.first;
        stream->read.last = entry->seq;
    }
    if (!page.more)
        sse_pause(&stream->sse);
    stream->position = page.position;
    stream->more = page.more;
    return ERR_OK;
}

static void run(struct view *view, struct reader_job *job)
{
    struct stream *stream = (struct stream *)job;
    stream->err = read_page(view, stream);
}

/* Ending. */

static void forget(struct stream *stream)
{
    struct streams *streams = stream->streams;
    *(stream->prev != NULL ? &stream->prev->next : &streams->first) = stream->next;
    if (stream->next != NULL)
        stream->next->prev = stream->prev;
    streams->count--;
    buf_free(&stream->text);
}

/* Whoever has the head misses nothing that is committed from then on. */
static void begin(struct stream *stream)
{
    static const struct header headers[] = {{SPAN("Content-Type"), SPAN(SSE_TYPE)},
                                            {SPAN("Cache-Control"), SPAN("no-store")}};
    if (!stream->begun)
        http_stream_begin(stream->call, headers, sizeof headers / sizeof headers[0]);
    stream->begun = true;
}

/* Before it has begun nothing was promised, and whoever is there is told so. */
static void end(struct stream *stream)
{
    struct http_call *call = stream->call;
    stream->ended = stream->reading;
    if (stream->reading)
        return;
    forget(stream);
    if (!stream->begun && !http_gone(call)) {
        stream->on_end(stream->arg, &stream->given, stream->err != ERR_OK ? stream->err : ERR_BUSY);
        return;
    }
    begin(stream); /* for the log, where nobody is there any more */
    stream->on_end(stream->arg, &stream->given, ERR_OK);
    http_stream_end(call);
}

/* Of a stream whose client has gone, or is still to be answered, there is nothing. */
static int64_t unsent(const struct stream *stream)
{
    if (!stream->begun)
        return 0;
    size_t left = http_stream_write(stream->call, SPAN(""));
    return left != SIZE_MAX ? (int64_t)left : 0;
}

static void drop(struct stream *stream)
{
    struct http_call *call = stream->call;
    log_event_limited(LOG_WARN, "a stream was dropped: it takes too long to read",
                      LOG_STR("request", call->request.id), LOG_NUM("unsent", unsent(stream)));
    forget(stream);
    stream->on_end(stream->arg, &stream->given, ERR_OK);
    http_stream_drop(call);
}

/* Going on. */

static void read_on(struct stream *stream)
{
    stream->again = true;
    if (stream->reading || stream->ended || unsent(stream) >= STREAM_UNSENT_MAX)
        return;
    stream->reading = reader_put(stream->streams->reader, &stream->job) == ERR_OK;
    stream->again = !stream->reading;
}

/* What is unsent from now on must be taken in time. */
static void set_goal(struct stream *stream)
{
    stream->goal = stream->written;
    stream->deadline = time_monotonic() + stream->streams->patience;
}

static void say(struct stream *stream, struct span text)
{
    bool was_idle = unsent(stream) == 0;
    stream->written += (int64_t)text.len;
    stream->spoke = time_monotonic();
    size_t left = http_stream_write(stream->call, text);
    (void)left; /* it is looked at soon */
    if (was_idle)
        set_goal(stream);
    loop_timer_set(stream->streams->pump, PUMP_MS);
}

static void done(struct reader_job *job)
{
    struct stream *stream = (struct stream *)job;
    stream->reading = false;
    if (stream->ended || stream->err != ERR_OK || http_gone(stream->call)) {
        end(stream);
        return;
    }
    begin(stream);
    if (stream->text.len > 0)
        say(stream, buf_span(&stream->text));
    buf_free(&stream->text);
    stream->given = stream->read;
    if (stream->more || stream->again)
        read_on(stream);
}

/* Looking after them. */

static void look_after(struct stream *stream, int64_t now)
{
    int64_t left = unsent(stream);
    int64_t taken = stream->written - left; /* fewer by what frames the parts */
    if (stream->reading || stream->ended)
        return;
    if (http_gone(stream->call)) {
        end(stream);
        return;
    }
    if (left > 0 && taken < stream->goal && now >= stream->deadline) {
        drop(stream);
        return;
    }
    if (left > 0 && taken >= stream->goal)
        set_goal(stream);
    if (stream->begun && left == 0 && now - stream->spoke >= STREAM_BEAT_MS * 1000) {
        sse_beat(&stream->text, stream->position);
        say(stream, buf_span(&stream->text));
        buf_free(&stream->text);
    }
    if (stream->again)
        read_on(stream);
}

static bool look_after_all(struct streams *streams)
{
    bool any = false;
    int64_t now = time_monotonic();
    for (struct stream *stream = streams->first, *next; stream != NULL; stream = next) {
        next = stream->next;
        any = any || unsent(stream) > 0;
        look_after(stream, now);
    }
    return any;
}

static void on_pump(void *arg)
{
    struct streams *streams = arg;
    if (look_after_all(streams))
        loop_timer_set(streams->pump, PUMP_MS);
}

static void on_second(void *arg)
{
    look_after_all(arg);
}

static void on_news(void *arg, int64_t seq)
{
    struct streams *streams = arg;
    (void)seq;
    for (struct stream *stream = streams->first; stream != NULL; stream = stream->next)
        read_on(stream);
}

struct streams *streams_new(struct news *news, struct reader *reader, struct loop *loop, int64_t patience)
{
    struct streams *streams = mem_alloc(sizeof *streams);
    *streams = (struct streams){.reader = reader, .loop = loop, .patience = patience * 1000000};
    streams->pump = loop_timer_new(loop, on_pump, streams);
    loop_every(loop, 1000, on_second, streams);
    news_subscribe(news, on_news, streams);
    return streams;
}

void streams_end(struct streams *streams)
{
    for (struct stream *stream = streams->first, *next; stream != NULL; stream = next) {
        next = stream->next;
        end(stream);
    }
}

void streams_stop(struct streams *streams)
{
    streams->stopped = true;
    streams_end(streams);
}

void streams_free(struct streams *streams)
{
    if (streams != NULL)
        loop_timer_free(streams->pump);
    free(streams);
}

enum err streams_add(struct streams *streams, struct http_call *call, const struct consumer_filter *filter,
                     int64_t position, stream_ended_fn *ended, void *arg)
{
    if (streams->stopped || streams->count >= STREAMS_MAX)
        return ERR_BUSY;
    struct stream *stream = arena_alloc(&call->arena, sizeof *stream);
    *stream = (struct stream){.job = {.run = run, .done = done, .loop = streams->loop},
                              .streams = streams,
                              .next = streams->first,
                              .call = call,
                              .filter = filter,
                              .on_end = ended,
                              .arg = arg,
                              .position = position,
                              .spoke = time_monotonic()};
    if (stream->next != NULL)
        stream->next->prev = stream;
    streams->first = stream;
    streams->count++;
    http_hold(call);
    read_on(stream);
    return ERR_OK;
}
