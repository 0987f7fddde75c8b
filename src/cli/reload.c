/*
 * First the store takes the keys, if there are any. Then each loop swaps its own pointer. The old sources may
 * still be needed by webhooks on their way to the disk, so each loop then sends a fence after them: jobs come
 * back in the order in which they were put, and when every loop has its fence back, nobody holds the old
 * sources any more.
 */
#include "reload.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/log.h"
#include "certificates.h"

struct user {
    struct store_job fence; /* first: it comes back from the writer */
    struct mail swap;       /* to the loop */
    struct mail released;   /* back to the control loop */
    struct user *next;
    struct reload *reload;
    struct loop *loop;
    const struct sources **slot;
    loop_fn *swapped;
    void *arg;
};

struct reload {
    struct loop *control;
    struct writer *writer;
    const char *file;
    const struct setup_log *log;
    struct tallies *tallies;
    struct setup *first; /* what serving began with; its [server] counts until a restart */
    struct setup *setup; /* served now */
    struct setup *old;   /* not released by every loop yet, or NULL */
    struct setup *next;  /* to be served once the store has its keys, or NULL */
    struct seal *keys;   /* on their way there */
    struct store_job take;
    struct buf why; /* it did not take them */
    struct user *users;
    size_t waiting; /* for so many loops */
    bool again;     /* asked for meanwhile */
    bool stopped;
    loop_fn *ended; /* or NULL */
    void *arg;
};

struct reload *reload_new(struct loop *control, struct writer *writer, struct setup *first, const char *file,
                          const struct setup_log *log, struct tallies *tallies)
{
    struct reload *reload = mem_alloc(sizeof *reload);
    *reload = (struct reload){.control = control,
                              .writer = writer,
                              .file = file,
                              .log = log,
                              .first = first,
                              .setup = first,
                              .tallies = tallies};
    tallies_attach(tallies, &first->sources);
    return reload;
}

void reload_add_user(struct reload *reload, struct loop *loop, const struct sources **slot, loop_fn *swapped,
                     void *arg)
{
    struct user *user = mem_alloc(sizeof *user);
    *user = (struct user){
        .next = reload->users, .reload = reload, .loop = loop, .slot = slot, .swapped = swapped, .arg = arg};
    *slot = &reload->setup->sources;
    reload->users = user;
}

void reload_tell(struct reload *reload, loop_fn *ended, void *arg)
{
    reload->ended = ended;
    reload->arg = arg;
}

static void end(struct reload *reload)
{
    if (reload->ended != NULL)
        reload->ended(reload->arg);
}

static void release(struct reload *reload, struct setup *setup)
{
    if (setup == NULL)
        return;
    if (setup == reload->first) {
        setup_clear_sources(setup);
        return;
    }
    setup_free(setup);
    free(setup);
}

/* In the control loop: one more loop has let go of the old sources. */
static void on_released(struct mail *mail)
{
    struct user *user = (struct user *)((char *)mail - offsetof(struct user, released));
    struct reload *reload = user->reload;
    if (--reload->waiting > 0)
        return;
    release(reload, reload->old);
    reload->old = NULL;
    log_event(LOG_INFO, "configuration reloaded",
              LOG_NUM("enabled", (int64_t)sources_enabled(&reload->setup->sources)));
    if (reload->again)
        reload_now(reload);
    else
        end(reload);
}

void reload_stop(struct reload *reload)
{
    reload->stopped = true;
}

/* In the user's loop: all that was put before the fence is back. */
static void on_fenced(struct store_job *job)
{
    struct user *user = (struct user *)job;
    user->released = (struct mail){.deliver = on_released};
    loop_post(user->reload->control, &user->released);
}

static void on_swap(struct mail *mail)
{
    struct user *user = (struct user *)((char *)mail - offsetof(struct user, swap));
    *user->slot = &user->reload->setup->sources;
    if (user->swapped != NULL)
        user->swapped(user->arg);
    user->fence = (struct store_job){.kind = STORE_FENCE, .loop = user->loop, .done = on_fenced};
    writer_fence(user->reload->writer, &user->fence);
}

static bool refuse(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        log_event(LOG_ERROR, "configuration not reloaded", LOG_STR("reason", faults->texts[i]));
    return false;
}

/* The queue is as large as it was made at the start, whatever the file says now, and so is the room. */
static void check_sizes(const struct reload *reload, const struct setup *setup, struct faults *faults)
{
    const struct server_config *server = &reload->first->config.server;
    size_t longest = setup_longest_body(&setup->sources, (size_t)server->max_body);
    if ((size_t)server->queue_bytes < longest)
        faults_add(faults, "%s: a definition's max_body is more than queue_bytes was at the start",
                   setup->config.file);
    if ((size_t)server->body_bytes / SETUP_BODIES < longest)
        faults_add(faults, "%s: a definition's max_body is more than body_bytes allowed at the start",
                   setup->config.file);
}

static bool load(struct reload *reload, struct setup *setup)
{
    struct faults faults CLEANUP(faults_free) = {0};
    if (setup_load(setup, reload->file, SETUP_WITH_SECRETS, &faults) && sources_enabled(&setup->sources) == 0)
        faults_add(&faults, "no source would be enabled");
    if (faults.count == 0)
        check_sizes(reload, setup, &faults);
    return faults.count == 0 || refuse(&faults);
}

/* TLS can't be turned on or off while somebody listens. */
static void report_differences(const struct setup *first, const struct setup *next, bool same_tls)
{
    struct buf names CLEANUP(buf_free) = {0};
    config_differences(&first->config.server, &next->config.server, &names);
    if (!same_tls)
        buf_printf(&names, "%sTLS", names.len > 0 ? ", " : "");
    if (names.len > 0)
        log_event(LOG_WARN, "[server] has changed; that needs a restart", LOG_STR("file", next->config.file),
                  LOG_STR("keys", buf_text(&names)));
}

static void swap(struct reload *reload)
{
    struct setup *setup = reload->next;
    reload->next = NULL;
    setup_start_log(setup, reload->log);
    setup_report(setup);
    report_differences(reload->first, setup, certificates_adopt(reload->first, setup));
    tallies_attach(reload->tallies, &setup->sources);
    reload->old = reload->setup;
    reload->setup = setup;
    for (struct user *user = reload->users; user != NULL; user = user->next) {
        reload->waiting++;
        user->swap = (struct mail){.deliver = on_swap};
        loop_post(user->loop, &user->swap);
    }
}

static void drop(struct reload *reload, const char *why)
{
    if (why != NULL)
        log_event(LOG_ERROR, "configuration not reloaded", LOG_STR("reason", why));
    release(reload, reload->next);
    reload->next = NULL;
    if (!reload->again)
        end(reload);
}

/* In the writer's thread, where no value is being sealed just now. */
static enum err call_take(struct store *store, struct store_job *job)
{
    struct reload *reload = (struct reload *)((char *)job - offsetof(struct reload, take));
    return store_adopt(store, reload->keys, &reload->why);
}

static void on_taken(struct store_job *job)
{
    struct reload *reload = (struct reload *)((char *)job - offsetof(struct reload, take));
    seal_free(reload->keys);
    reload->keys = NULL;
    if (reload->stopped)
        drop(reload, NULL);
    else if (job->err != ERR_OK)
        drop(reload, job->err == ERR_SEALED ? buf_text(&reload->why) : err_text(job->err));
    else
        swap(reload);
    if (reload->again && reload->waiting == 0)
        reload_now(reload);
}

/* The keys are those of the file that was named at the start; they change only if all that is sealed can be
 * read with them. */
static void take_keys(struct reload *reload)
{
    struct faults faults CLEANUP(faults_free) = {0};
    reload->keys = setup_read_seal(reload->first->config.server.seal_key_file, &faults);
    if (reload->keys == NULL) {
        refuse(&faults);
        drop(reload, NULL);
        return;
    }
    reload->take =
        (struct store_job){.kind = STORE_CALL, .call = call_take, .loop = reload->control, .done = on_taken};
    enum err err = writer_put(reload->writer, &reload->take);
    if (err == ERR_OK)
        return; /* it is the writer's now */
    reload->take.err = err;
    on_taken(&reload->take);
}

void reload_now(struct reload *reload)
{
    reload->again = reload->waiting > 0 || reload->next != NULL;
    if (reload->again || reload->stopped)
        return;
    setup_wait_for_nobody();
    struct setup *setup = mem_alloc(sizeof *setup);
    if (!load(reload, setup)) {
        release(reload, setup);
        end(reload);
        return;
    }
    reload->next = setup;
    if (reload->first->seal != NULL)
        take_keys(reload);
    else
        swap(reload);
}

void reload_free(struct reload *reload)
{
    while (reload->users != NULL) {
        struct user *user = reload->users;
        reload->users = user->next;
        free(user);
    }
    release(reload, reload->old);
    release(reload, reload->setup);
    buf_free(&reload->why);
    free(reload);
}
