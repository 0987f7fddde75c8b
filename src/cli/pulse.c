/* Beats, felt by the control loop and told to the service manager. */
#include "pulse.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/time.h"
#include "sys/supervisor.h"

/* Where no watchdog says how often, and at most. */
#define FEEL_MS  1000
#define FEELS    4  /* within the watchdog's time */
#define FIRST_MS 10 /* until all loops have run once */

/* A beat that is older than this part of the watchdog's time does not count. */
#define LATE_PART 2

struct beat {
    struct beat *next;
    atomic_llong at; /* monotonic us, of the last turn of its loop; 0 before the first */
};

struct pulse {
    struct writer *writer;
    struct beat *beats;
    struct loop_timer *timer;
    int64_t every;    /* ms between two beats */
    int64_t watchdog; /* ms, or 0 */
    size_t sources;
    char *status;  /* as told last, or NULL */
    int64_t since; /* us, of a reload that is still to be told, or 0 */
    bool reloads;  /* has not come to its end */
    bool ready;    /* as told since the start, or since the last reload */
    bool lives;    /* was told ready once, from when on it is told alive */
    bool stopped;
};

static void on_beat(void *arg)
{
    struct beat *beat = arg;
    atomic_store(&beat->at, time_monotonic());
}

void pulse_add(struct pulse *pulse, struct loop *loop)
{
    struct beat *beat = mem_alloc(sizeof *beat);
    beat->next = pulse->beats;
    pulse->beats = beat;
    loop_after(loop, 0, on_beat, beat);
    loop_every(loop, pulse->every, on_beat, beat);
}

static bool all_since(const struct pulse *pulse, int64_t since)
{
    for (const struct beat *beat = pulse->beats; beat != NULL; beat = beat->next)
        if (atomic_load(&beat->at) < since)
            return false;
    return writer_ran(pulse->writer) >= since;
}

static void tell_status(struct pulse *pulse)
{
    struct buf line = {0};
    enum err err = writer_admits(pulse->writer, 0);
    buf_printf(&line, "Serving %zu source%s", pulse->sources, pulse->sources == 1 ? "" : "s");
    if (err != ERR_OK)
        buf_printf(&line, ", but webhooks are answered 503: %s", err_text(err));
    if (pulse->status != NULL && span_is(span_of(pulse->status), buf_span(&line))) {
        buf_free(&line);
        return;
    }
    free(pulse->status);
    pulse->status = buf_text(&line);
    if (supervisor_status(span_of(pulse->status)))
        return;
    free(pulse->status); /* the next beat tells it */
    pulse->status = NULL;
}

/* What stops is alive as long as this loop runs; the others end one by one. */
static void tell_alive(const struct pulse *pulse)
{
    int64_t late = pulse->watchdog * 1000 / LATE_PART;
    if (pulse->watchdog > 0 && (pulse->stopped || all_since(pulse, time_monotonic() - late)))
        supervisor_alive();
}

/* What could not be told is told later, and in its order: that it reloads, and when it is through with that.
 */
static void tell_state(struct pulse *pulse)
{
    if (pulse->since != 0 && supervisor_reloading(pulse->since))
        pulse->since = 0;
    if (!pulse->ready && !pulse->reloads && pulse->since == 0 && all_since(pulse, 1))
        pulse->ready = supervisor_ready();
    pulse->lives |= pulse->ready;
}

static bool is_told(const struct pulse *pulse)
{
    return pulse->ready && pulse->since == 0;
}

static void on_feel(void *arg)
{
    struct pulse *pulse = arg;
    if (!pulse->stopped)
        tell_state(pulse);
    if (pulse->ready && !pulse->stopped)
        tell_status(pulse);
    if (pulse->lives)
        tell_alive(pulse);
    loop_timer_set(pulse->timer, is_told(pulse) ? pulse->every : FIRST_MS);
}

struct pulse *pulse_new(struct loop *control, struct writer *writer)
{
    struct pulse *pulse = mem_alloc(sizeof *pulse);
    pulse->writer = writer;
    pulse->watchdog = supervisor_watchdog();
    pulse->every = FEEL_MS;
    if (pulse->watchdog > 0 && pulse->watchdog / FEELS < FEEL_MS)
        pulse->every = pulse->watchdog / FEELS + 1;
    pulse_add(pulse, control);
    pulse->timer = loop_timer_new(control, on_feel, pulse);
    loop_timer_set(pulse->timer, 0);
    return pulse;
}

void pulse_sources(struct pulse *pulse, size_t enabled)
{
    pulse->sources = enabled;
}

/* The next beat is moved only for what is left to be told: else whoever reloads often would never feel one.
 */
static void tell_now(struct pulse *pulse)
{
    tell_state(pulse);
    if (!is_told(pulse))
        loop_timer_set(pulse->timer, FIRST_MS);
}

void pulse_reloading(struct pulse *pulse)
{
    pulse->reloads = true;
    pulse->since = time_monotonic();
    tell_now(pulse);
}

/* Before all loops have run once nobody is told; then it is ready, too. */
void pulse_reloaded(struct pulse *pulse, size_t enabled)
{
    pulse_sources(pulse, enabled);
    pulse->reloads = false;
    pulse->ready = false;
    tell_now(pulse);
}

void pulse_stop(struct pulse *pulse)
{
    pulse->stopped = true;
    supervisor_stopping();
}

void pulse_free(struct pulse *pulse)
{
    if (pulse == NULL)
        return;
    while (pulse->beats != NULL) {
        struct beat *beat = pulse->beats;
        pulse->beats = beat->next;
        free(beat);
    }
    loop_timer_free(pulse->timer);
    free(pulse->status);
    free(pulse);
}
