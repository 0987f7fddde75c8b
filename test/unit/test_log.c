/* Lines of the log, and the limit on what strangers can make us write. */
#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/json.h"
#include "unit.h"

/* What one call writes to standard error. */
static struct span written_by(void (*call)(void), char *text, size_t size)
{
    int ends[2];
    int before = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    call();
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t len = read(ends[0], text, size);
    close(ends[0]);
    assert_true(len > 0);
    return (struct span){text, (size_t)len};
}

static void say(void)
{
    log_event(LOG_WARN, "a \"message\"", LOG_STR("text", "one\ntwo"), LOG_NUM("number", -5));
}

static void a_line_is_one_json_object(void **state)
{
    (void)state;
    char text[1000];
    struct json_fault fault;
    struct span line = written_by(say, text, sizeof text);
    assert_int_equal(line.at[line.len - 1], '\n');
    assert_ptr_equal(memchr(line.at, '\n', line.len), line.at + line.len - 1);
    struct json *json = json_parse(line, &fault);
    assert_non_null(json);
    check_text("level", json_str(json_get(json, "level")), "warn");
    check_text("msg", json_str(json_get(json, "msg")), "a \"message\"");
    check_text("text", json_str(json_get(json, "text")), "one\ntwo");
    assert_int_equal(json_int(json_get(json, "number")), -5);
    assert_int_equal(json_str(json_get(json, "time")).len, strlen("2026-11-20T16:00:00.123Z"));
    json_free(json);
}

/* Takes all lines of a second; starts again if a new one begins meanwhile. */
static void use_up(struct log_site *site)
{
    long long second;
    do {
        int held;
        *site = (struct log_site){0};
        for (int i = 0; i < LOG_PER_SECOND; i++)
            assert_true(log_allowed(site, &held));
        second = site->second;
        log_allowed(site, &held);
    } while (site->second != second);
}

static void holds_back_beyond_the_limit_of_a_second(void **state)
{
    (void)state;
    struct log_site site;
    int held = -1;
    use_up(&site);
    assert_int_equal(site.held, 1);
    site.second--; /* as if the lines above were of the second before */
    assert_true(log_allowed(&site, &held));
    assert_int_equal(held, 1);
    assert_true(log_allowed(&site, &held));
    assert_int_equal(held, 0);
}

static void sites_do_not_share_their_limit(void **state)
{
    (void)state;
    struct log_site busy, quiet = {0};
    int held;
    use_up(&busy);
    assert_true(log_allowed(&quiet, &held));
    assert_int_equal(held, 0);
}

/* Whoever collects the log may hang; that must not hang us. */
static void a_full_pipe_costs_lines_and_no_time(void **state)
{
    (void)state;
    char bytes[4096] = "";
    int ends[2];
    int before = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], bytes, sizeof bytes) > 0)
        ;
    fcntl(ends[1], F_SETFL, 0); /* as a collector's pipe is: writing to it would wait */
    dup2(ends[1], STDERR_FILENO);
    log_event(LOG_INFO, "dropped", LOG_NUM("n", 1));
    log_event(LOG_INFO, "dropped", LOG_NUM("n", 2));
    while (read(ends[0], bytes, sizeof bytes) > 0)
        ;
    log_event(LOG_INFO, "written", LOG_NUM("n", 3));
    ssize_t got = read(ends[0], bytes, sizeof bytes - 1);
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[0]);
    close(ends[1]);
    assert_true(got > 0);
    bytes[got] = '\0';
    assert_non_null(strstr(bytes, "\"written\""));
    assert_non_null(strstr(bytes, "\"lost\":2"));
    assert_null(strstr(bytes, "dropped"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_json_object),
        cmocka_unit_test(holds_back_beyond_the_limit_of_a_second),
        cmocka_unit_test(a_full_pipe_costs_lines_and_no_time),
        cmocka_unit_test(sites_do_not_share_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
