/* Signatures of Standard Webhooks: known answers, the first its own vector, the others from Python's hmac. */
#include "model/whsec.h"

#include "unit.h"

#define BYTES_24 "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"
#define BYTES_64 "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QA=="

static void known_answers(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *id, *body, *want;
        int64_t timestamp;
    } rows[] = {
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}",
         "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", 1614265330},
        {BYTES_24, "notice-1", "{\"kind\":\"pickup.rush\"}",
         "v1,CPznoJLJHuYD9EhRKLri8815lPdD0KjNpoflj5g+6wM=", 1764334800},
        {"whsec_" BYTES_24, "notice-1", "{\"kind\":\"pickup.rush\"}",
         "v1,CPznoJLJHuYD9EhRKLri8815lPdD0KjNpoflj5g+6wM=", 1764334800},
        {BYTES_64, "default-7", "", "v1,FM+UFlkLWlxrntFrDUmv+D20Ix3XA+oXu9djSV0SAs0=", 0},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "n", "\xc3\xa9\n",
         "v1,Lfc6LYYIgmJUVupBfOLUmRCupCoCd6ni7CVF4QwWmSU=", 4102444799},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct faults faults = {0};
        struct buf got CLEANUP(buf_free) = {0};
        struct whsec *whsec = whsec_new(span_of(rows[i].secret), "notify_secret", &faults);
        check_faults(rows[i].id, &faults, "");
        for (int again = 0; again < 2; again++)
            whsec_sign(whsec, span_of(rows[i].id), rows[i].timestamp, span_of(rows[i].body), &got);
        whsec_free(whsec);
        struct span twice = buf_span(&got);
        check_text(rows[i].id, (struct span){twice.at, twice.len / 2}, rows[i].want);
        check_text(rows[i].id, (struct span){twice.at + twice.len / 2, twice.len / 2}, rows[i].want);
    }
}

static void what_is_no_secret(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *want;
    } rows[] = {
        {"", "notify_secret: stands for 0 bytes, but must for 24 to 64"},
        {"whsec_", "notify_secret: stands for 0 bytes, but must for 24 to 64"},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "notify_secret: stands for 23 bytes, but must for 24 to 64"},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
         "notify_secret: stands for 65 bytes, but must for 24 to 64"},
        {"correct horse battery staple wordy",
         "notify_secret: is not Base64, with or without whsec_ before it"},
        {"whsec_" BYTES_24 "\n", "notify_secret: is not Base64, with or without whsec_ before it"},
        {"whsec_whsec_" BYTES_24, "notify_secret: is not Base64, with or without whsec_ before it"},
        {"WHSEC_" BYTES_24, "notify_secret: is not Base64, with or without whsec_ before it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct faults faults = {0};
        CHECK(rows[i].secret, whsec_new(span_of(rows[i].secret), "notify_secret", &faults) == NULL);
        check_faults(rows[i].secret, &faults, rows[i].want);
        faults_free(&faults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(what_is_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
