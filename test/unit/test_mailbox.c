/* The place where threads meet: limit, order and end. */
#include "sys/mailbox.h"

#include <unistd.h>

#include "base/time.h"
#include "sys/thread.h"
#include "unit.h"

static size_t count_chain(const struct mail *mail)
{
    size_t count = 0;
    for (; mail != NULL; mail = mail->next)
        count++;
    return count;
}

/* All there is, without waiting for more. */
static struct mail *take(struct mailbox *mailbox)
{
    struct mail *all;
    mailbox_take(mailbox, 60000, &all);
    return all;
}

static bool has_room(struct mailbox *mailbox)
{
    int64_t oldest;
    return mailbox_has_room(mailbox, &oldest);
}

static void takes_all_in_order(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_new(10);
    struct mail mails[3] = {{.next = &mails[2]}}; /* what was linked before must not matter */
    for (size_t i = 0; i < 3; i++)
        assert_true(mailbox_put(mailbox, &mails[i]));
    assert_ptr_equal(take(mailbox), &mails[0]);
    assert_ptr_equal(mails[0].next, &mails[1]);
    assert_ptr_equal(mails[1].next, &mails[2]);
    assert_null(mails[2].next);
    mailbox_free(mailbox);
}

static void refuses_beyond_its_limit(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_new(2);
    struct mail mails[3];
    assert_true(mailbox_put(mailbox, &mails[0]));
    assert_true(has_room(mailbox));
    assert_true(mailbox_put(mailbox, &mails[1]));
    assert_false(has_room(mailbox));
    assert_false(mailbox_put(mailbox, &mails[2]));
    assert_int_equal(count_chain(take(mailbox)), 2);
    assert_true(has_room(mailbox));
    assert_true(mailbox_put(mailbox, &mails[2]));
    assert_ptr_equal(take(mailbox), &mails[2]);
    mailbox_free(mailbox);
}

static void with_no_room_at_all_it_takes_nothing(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_new(0);
    struct mail mail;
    assert_false(has_room(mailbox));
    assert_false(mailbox_put(mailbox, &mail));
    mailbox_free(mailbox);
}

/* What was accepted before the end must still be written. */
static void a_closed_one_gives_what_is_inside(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_new(10);
    struct mail inside, late;
    assert_true(mailbox_put(mailbox, &inside));
    mailbox_close(mailbox);
    assert_false(has_room(mailbox));
    assert_false(mailbox_put(mailbox, &late));
    assert_ptr_equal(take(mailbox), &inside);
    assert_null(take(mailbox));
    assert_null(take(mailbox));
    mailbox_free(mailbox);
}

/* Who waits has other work, too. */
static void taking_ends_when_nothing_comes(void **state)
{
    (void)state;
    struct mail inside, *all = &inside;
    struct mailbox *mailbox = mailbox_new(10);
    assert_true(mailbox_take(mailbox, 1, &all));
    assert_null(all);
    assert_true(mailbox_put(mailbox, &inside));
    assert_true(mailbox_take(mailbox, 60000, &all));
    assert_ptr_equal(all, &inside);
    mailbox_close(mailbox);
    assert_false(mailbox_take(mailbox, 60000, &all));
    assert_null(all);
    mailbox_free(mailbox);
}

static void the_oldest_is_known(void **state)
{
    (void)state;
    int64_t oldest, before = time_monotonic();
    struct mail mails[2];
    struct mailbox *mailbox = mailbox_new(10);
    mailbox_has_room(mailbox, &oldest);
    assert_int_equal(oldest, INT64_MAX);
    for (size_t i = 0; i < 2; i++)
        assert_true(mailbox_put(mailbox, &mails[i]));
    mailbox_has_room(mailbox, &oldest);
    assert_int_equal(oldest, mails[0].put);
    assert_in_range(oldest, before, mails[1].put);
    take(mailbox);
    mailbox_has_room(mailbox, &oldest);
    assert_int_equal(oldest, INT64_MAX);
    mailbox_free(mailbox);
}

#define ROUNDS 1000

static void close_from_elsewhere(void *mailbox)
{
    mailbox_close(mailbox);
}

/* Often, because nobody can tell whether the taker waits already when the other closes. */
static void closing_wakes_who_waits(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct mailbox *mailbox = mailbox_new(10);
        struct thread *thread = thread_start("closer", close_from_elsewhere, mailbox);
        assert_null(take(mailbox));
        thread_join(thread);
        mailbox_free(mailbox);
    }
}

/* Two mailboxes between two threads: what comes out of one goes into the other. */
struct court {
    struct mailbox *there, *back;
};

static void return_all(void *arg)
{
    struct court *court = arg;
    for (int i = 0; i < ROUNDS; i++)
        mailbox_put(court->back, take(court->there));
}

/* One mail to and fro: no second one comes to wake who missed the first. */
static void one_mail_wakes_who_waits(void **state)
{
    (void)state;
    struct mail mail;
    struct court court = {mailbox_new(1), mailbox_new(1)};
    struct thread *thread = thread_start("partner", return_all, &court);
    for (int i = 0; i < ROUNDS; i++) {
        assert_true(mailbox_put(court.there, &mail));
        assert_ptr_equal(take(court.back), &mail);
    }
    thread_join(thread);
    mailbox_free(court.there);
    mailbox_free(court.back);
}

#define SENDERS 4
#define EACH    2000

struct parcel {
    struct mail mail;
    int sender, number;
};

struct sender {
    struct mailbox *mailbox;
    struct parcel parcels[EACH];
};

static void send_all(void *arg)
{
    struct sender *sender = arg;
    for (int i = 0; i < EACH; i++)
        while (!mailbox_put(sender->mailbox, &sender->parcels[i].mail))
            ; /* full: the taker is about to empty it */
}

/* Four threads at once: each one's parcels arrive once, and in its order. */
static void nothing_is_lost_between_threads(void **state)
{
    (void)state;
    static struct sender senders[SENDERS];
    struct thread *threads[SENDERS];
    int next[SENDERS] = {0};
    struct mailbox *mailbox = mailbox_new(100);
    for (int s = 0; s < SENDERS; s++) {
        senders[s].mailbox = mailbox;
        for (int i = 0; i < EACH; i++)
            senders[s].parcels[i] = (struct parcel){.sender = s, .number = i};
        threads[s] = thread_start("sender", send_all, &senders[s]);
    }
    for (int left = SENDERS * EACH; left > 0;) {
        struct mail *mail = take(mailbox);
        assert_true(count_chain(mail) <= 100);
        for (struct mail *after; mail != NULL; mail = after, left--) {
            struct parcel *parcel = (struct parcel *)mail;
            after = mail->next;
            assert_int_equal(parcel->number, next[parcel->sender]++);
        }
    }
    for (int s = 0; s < SENDERS; s++)
        thread_join(threads[s]);
    mailbox_free(mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_all_in_order),
        cmocka_unit_test(refuses_beyond_its_limit),
        cmocka_unit_test(with_no_room_at_all_it_takes_nothing),
        cmocka_unit_test(a_closed_one_gives_what_is_inside),
        cmocka_unit_test(taking_ends_when_nothing_comes),
        cmocka_unit_test(the_oldest_is_known),
        cmocka_unit_test(closing_wakes_who_waits),
        cmocka_unit_test(one_mail_wakes_who_waits),
        cmocka_unit_test(nothing_is_lost_between_threads),
    };
    alarm(300); /* a wake-up that is lost would be waited for for ever */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
