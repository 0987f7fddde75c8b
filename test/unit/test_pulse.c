/* What a service manager hears of the threads: ready, alive, and no longer alive when one hangs. */
#include "../../src/cli/pulse.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/num.h"
#include "base/time.h"
#include "shelf.h"
#include "sys/supervisor.h"
#include "sys/thread.h"

#define WATCHDOG_US 80000
#define PATIENCE_MS 30000
#define RELOADING   "RELOADING=1\nMONOTONIC_USEC="

struct patient {
    struct loop *control, *hooks;
    struct writer *writer;
    struct pulse *pulse;
    struct thread *thread;
    int box; /* where the manager is told */
    struct sockaddr_un name;
    socklen_t len; /* of the name */
    int other;     /* who could tell it, too */
    int gate[2];   /* a hook loop that hangs waits here */
    struct mail hang, end;
    int64_t hung;   /* since when, or 0; -1: no longer */
    int fed, deaf;  /* how often alive; turns of the control loop without, since a beat is too old */
    int last;       /* so often, and it ends */
    int64_t since;  /* of the last reload */
    bool reads;     /* the manager does, once what came first has taken the room of what comes next */
    char said[512]; /* everything else, with "; " between */
};

static void on_hang(struct mail *mail)
{
    struct patient *patient = (struct patient *)((char *)mail - offsetof(struct patient, hang));
    char byte;
    while (read(patient->gate[0], &byte, 1) < 0 && errno == EINTR)
        continue;
}

static void on_end(struct mail *mail)
{
    struct patient *patient = (struct patient *)((char *)mail - offsetof(struct patient, end));
    loop_stop(patient->hooks);
}

static void run_hooks(void *arg)
{
    struct patient *patient = arg;
    loop_run(patient->hooks);
}

static void hear(struct patient *patient)
{
    char text[256];
    ssize_t got;
    while ((got = recv(patient->box, text, sizeof text, MSG_DONTWAIT)) > 0) {
        struct span told = {text, (size_t)got};
        bool alive = span_is(told, SPAN("WATCHDOG=1"));
        patient->fed += alive;
        patient->deaf = alive ? 0 : patient->deaf;
        size_t len = strlen(patient->said);
        if (span_starts(told, SPAN(RELOADING))) {
            struct span since = {told.at + strlen(RELOADING), told.len - strlen(RELOADING)};
            assert_true(num_parse(since, &patient->since));
            told.len = strlen("RELOADING=1");
        }
        if (!alive)
            snprintf(patient->said + len, sizeof patient->said - len, "%s%.*s", len > 0 ? "; " : "",
                     (int)told.len, told.at);
    }
}

/* Fed, then for several turns not, while the hook loop hangs, then fed again. */
static void on_turn(void *arg)
{
    struct patient *patient = arg;
    struct pollfd room = {.fd = patient->other, .events = POLLOUT};
    patient->reads |= poll(&room, 1, 0) == 0;
    if (!patient->reads)
        return;
    hear(patient);
    if (patient->hung == 0 && patient->fed >= 2) {
        patient->hung = time_monotonic();
        patient->hang = (struct mail){.deliver = on_hang};
        loop_post(patient->hooks, &patient->hang);
    }
    if (patient->hung > 0 && time_monotonic() - patient->hung > WATCHDOG_US)
        patient->deaf++;
    if (patient->deaf == 50) {
        patient->fed = 100;
        patient->hung = -1;
        assert_int_equal(write(patient->gate[1], "", 1), 1);
    }
    if (patient->fed >= patient->last)
        loop_stop(patient->control);
}

static int dial(const struct patient *patient)
{
    int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(other, (const struct sockaddr *)&patient->name, patient->len), 0);
    return other;
}

static void open_box(struct patient *patient)
{
    char text[64];
    patient->box = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(text, sizeof text, "@pickupd-pulse-%d", (int)getpid());
    patient->name.sun_family = AF_UNIX;
    memcpy(patient->name.sun_path + 1, text + 1, strlen(text) - 1);
    patient->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text));
    assert_int_equal(bind(patient->box, (struct sockaddr *)&patient->name, patient->len), 0);
    setenv("NOTIFY_SOCKET", text, 1);
    snprintf(text, sizeof text, "%d", WATCHDOG_US);
    setenv("WATCHDOG_USEC", text, 1);
    unsetenv("WATCHDOG_PID");
    patient->other = dial(patient);
}

/*
 * What others tell a manager that reads nothing leaves room for so many words. One alone may not have so much
 * under way as fits, where systemd has made the queue longer.
 */
static void fill(struct patient *patient, int room)
{
    char byte;
    for (bool full = false; !full;) {
        int other = dial(patient);
        full = send(other, "", 0, MSG_DONTWAIT) != 0;
        while (send(other, "", 0, MSG_DONTWAIT) == 0)
            continue;
        assert_int_equal(errno, EAGAIN);
        close(other);
    }
    for (; room > 0; room--)
        assert_int_equal(recv(patient->box, &byte, 1, MSG_DONTWAIT), 0);
}

/* There is room for so many words before the manager reads. */
static void begin(struct patient *patient, struct shelf *shelf, int room)
{
    struct writer_limits limits = {100, 100000, 1000000};
    patient->control = loop_new();
    patient->hooks = loop_new();
    assert_int_equal(pipe(patient->gate), 0);
    open_box(patient);
    fill(patient, room);
    patient->writer = writer_start(open_store(shelf), &limits, patient->control, NULL);
    patient->pulse = pulse_new(patient->control, patient->writer);
    pulse_add(patient->pulse, patient->hooks);
    pulse_sources(patient->pulse, 1);
    loop_every(patient->control, 1, on_turn, patient);
    patient->thread = thread_start("hooks", run_hooks, patient);
    loop_run(patient->control);
}

/* Until it was told alive twice more. */
static void go_on(struct patient *patient)
{
    patient->last = patient->fed + 2;
    loop_run(patient->control);
}

static void leave(struct patient *patient)
{
    pulse_stop(patient->pulse);
    patient->end = (struct mail){.deliver = on_end};
    loop_post(patient->hooks, &patient->end);
    thread_join(patient->thread);
    hear(patient);
    writer_stop(patient->writer);
    pulse_free(patient->pulse);
    loop_free(patient->hooks);
    loop_free(patient->control);
    writer_free(patient->writer);
    close(patient->box);
    close(patient->other);
    close(patient->gate[0]);
    close(patient->gate[1]);
}

static void end(struct patient *patient, const char *told)
{
    leave(patient);
    check_text("told", span_of(patient->said), told);
}

static void a_loop_that_hangs_is_no_sign_of_life(void **state)
{
    struct patient patient = {.last = 102};
    begin(&patient, *state, 1); /* not for the status */
    fill(&patient, 0);
    pulse_reloaded(patient.pulse, 2);
    go_on(&patient);
    end(&patient, "READY=1; STATUS=Serving 1 source; READY=1; STATUS=Serving 2 sources; STOPPING=1");
}

/* However late it hears of it, which has begun when it began. */
static void a_full_manager_hears_of_a_reload_first(void **state)
{
    struct patient patient = {.hung = -1, .last = 1};
    begin(&patient, *state, 2);
    go_on(&patient);
    int64_t before = time_monotonic();
    fill(&patient, 0);
    pulse_reloading(patient.pulse);
    int64_t after = time_monotonic();
    hear(&patient); /* now there is room, and it is through */
    pulse_reloaded(patient.pulse, 1);
    go_on(&patient);
    assert_in_range(patient.since, before, after);
    fill(&patient, 0);
    pulse_reloading(patient.pulse); /* is told while it goes on */
    go_on(&patient);
    hear(&patient);
    check_text("reloads", span_of(patient.said),
               "READY=1; STATUS=Serving 1 source; RELOADING=1; READY=1; RELOADING=1");
    pulse_reloaded(patient.pulse, 1);
    end(&patient, "READY=1; STATUS=Serving 1 source; RELOADING=1; READY=1; RELOADING=1; READY=1; STOPPING=1");
}

/* Of the second it must not hear that it is over because of the first; it lives meanwhile. */
static void a_reload_that_goes_on_is_not_over(void **state)
{
    struct patient patient = {.hung = -1, .last = 1};
    begin(&patient, *state, 2);
    go_on(&patient);
    fill(&patient, 0);
    pulse_reloaded(patient.pulse, 1);
    pulse_reloading(patient.pulse);
    go_on(&patient);
    check_text("reloads", span_of(patient.said), "READY=1; STATUS=Serving 1 source; RELOADING=1");
    pulse_reloaded(patient.pulse, 1);
    end(&patient, "READY=1; STATUS=Serving 1 source; RELOADING=1; READY=1; STOPPING=1");
}

static void on_reload(void *arg)
{
    struct patient *patient = arg;
    pulse_reloading(patient->pulse);
    pulse_reloaded(patient->pulse, 1);
}

static void on_patience_lost(void *arg)
{
    struct patient *patient = arg;
    loop_stop(patient->control);
}

/* More often than it gives a sign of life. */
static void who_reloads_without_end_lives(void **state)
{
    struct patient patient = {.hung = -1, .last = 1};
    begin(&patient, *state, 2);
    patient.last = patient.fed + 3;
    loop_every(patient.control, 5, on_reload, &patient);
    loop_after(patient.control, PATIENCE_MS, on_patience_lost, &patient);
    loop_run(patient.control);
    CHECK("fed", patient.fed >= patient.last);
    leave(&patient);
}

/* As a manager would have it that thinks of another process, or of nobody. */
static void whose_watchdog(void **state)
{
    (void)state;
    static const struct {
        const char *us, *pid;
        int64_t ms;
    } rows[] = {
        {"30000000", "", 30000}, {"30000000", "1", 0}, {"30000000", "x", 0}, {"", "", 0},
        {"999", "", 0},          {"-5", "", 0},        {"1e6", "", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setenv("WATCHDOG_USEC", rows[i].us, 1);
        setenv("WATCHDOG_PID", rows[i].pid, 1);
        check_int(rows[i].us, supervisor_watchdog(), rows[i].ms);
    }
}

/* None of these is told anything, and none of them hurts. */
static void where_nobody_listens(void **state)
{
    (void)state;
    static const char *const names[] = {"", "relative", "/nonexistent/notify", "@", "vsock:2:1234"};
    char longer[200];
    memset(longer, '/', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    for (size_t i = 0; i <= sizeof names / sizeof names[0]; i++) {
        setenv("NOTIFY_SOCKET", i < sizeof names / sizeof names[0] ? names[i] : longer, 1);
        supervisor_ready();
    }
    unsetenv("NOTIFY_SOCKET");
    supervisor_ready();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(a_loop_that_hangs_is_no_sign_of_life),
        SHELF_TEST(a_full_manager_hears_of_a_reload_first),
        SHELF_TEST(a_reload_that_goes_on_is_not_over),
        SHELF_TEST(who_reloads_without_end_lives),
        cmocka_unit_test(whose_watchdog),
        cmocka_unit_test(where_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
