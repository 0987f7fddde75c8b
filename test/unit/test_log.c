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
        site->held = site->written = 0; /* it may be listed, and then stays so */
        for (int i = 0; i < LOG_PER_SECOND; i++)
            assert_true(log_allowed(site, LOG_WARN, "busy", &held));
        second = site->second;
        log_allowed(site, LOG_WARN, "busy", &held);
    } while (site->second != second);
}

static void holds_back_beyond_the_limit_of_a_second(void **state)
{
    (void)state;
    static struct log_site site;
    int held = -1;
    use_up(&site);
    assert_int_equal(site.held, 1);
    site.second--; /* as if the lines above were of the second before */
    assert_true(log_allowed(&site, LOG_WARN, "busy", &held));
    assert_int_equal(held, 1);
    assert_true(log_allowed(&site, LOG_WARN, "busy", &held));
    assert_int_equal(held, 0);
}

static void sites_do_not_share_their_limit(void **state)
{
    (void)state;
    static struct log_site busy, quiet;
    int held;
    use_up(&busy);
    assert_true(log_allowed(&quiet, LOG_WARN, "quiet", &held));
    assert_int_equal(held, 0);
}

static void say_as_text(void)
{
    log_set(LOG_DEBUG, LOG_TEXT);
    log_event(LOG_DEBUG, "a message", LOG_STR("plain", "a-b_c.d/e:f"), LOG_STR("odd", "x\ny=\"z\""),
              LOG_STR("quote", "a\"b"), LOG_STR("equals", "a=b"), LOG_STR("empty", ""), LOG_NUM("number", -5),
              LOG_NUM("held", 0), LOG_MAYBE("none", NULL));
    log_set(LOG_INFO, LOG_JSON);
}

/* No value can end the line, or be taken for another field. */
static void a_text_quotes_what_is_odd(void **state)
{
    (void)state;
    char text[1000];
    struct span line = written_by(say_as_text, text, sizeof text);
    check_text("text", (struct span){line.at + 24, line.len - 24},
               " debug a message plain=a-b_c.d/e:f odd=\"x\\ny=\\\"z\\\"\" quote=\"a\\\"b\" equals=\"a=b\" "
               "empty=\"\" "
               "number=-5\n");
}

static int looked;

static const char *look(void)
{
    looked++;
    return "seen";
}

static void say_too_quietly(void)
{
    log_set(LOG_ERROR, LOG_JSON);
    log_event(LOG_WARN, "quiet", LOG_STR("text", look()));
    log_event_limited(LOG_WARN, "quiet", LOG_STR("text", look()));
    log_write(LOG_WARN, "quiet", NULL, 0);
    log_event(LOG_ERROR, "loud", LOG_NUM("n", 1));
    log_set(LOG_INFO, LOG_JSON);
}

static void a_level_that_is_off_costs_nothing(void **state)
{
    (void)state;
    char text[1000];
    struct span line = written_by(say_too_quietly, text, sizeof text - 1);
    text[line.len] = '\0';
    assert_null(strstr(text, "quiet"));
    assert_non_null(strstr(text, "loud"));
    assert_int_equal(looked, 0);
}

static struct log_site site_that_goes_quiet;

static void tell_twice(void)
{
    log_event(LOG_INFO, "before", LOG_NUM("n", 1));
    log_tell_held(false); /* not while it may say so itself */
    site_that_goes_quiet.second--;
    log_tell_held(false);
    log_tell_held(true); /* and not again */
}

static void what_was_held_is_told_once_it_is_quiet(void **state)
{
    (void)state;
    char text[2000];
    do {
        use_up(&site_that_goes_quiet);
        struct span lines = written_by(tell_twice, text, sizeof text - 1);
        text[lines.len] = '\0';
    } while (strstr(text, "before") == NULL);
    const char *told =
        strstr(text, "\"level\":\"warn\",\"msg\":\"lines were held back\",\"held\":1,\"of\":\"busy\"");
    assert_non_null(told);
    assert_null(strstr(strstr(told, "held\":1"), "lines were held back"));
}

static void words_are_read(void **state)
{
    (void)state;
    enum log_level level = LOG_INFO;
    enum log_format format = LOG_JSON;
    assert_true(log_level_read(SPAN("debug"), &level) && level == LOG_DEBUG);
    assert_true(log_format_read(SPAN("text"), &format) && format == LOG_TEXT);
    assert_false(log_level_read(SPAN("Debug"), &level) || log_level_read(SPAN(""), &level));
    assert_false(log_format_read(SPAN("xml"), &format));
    assert_true(level == LOG_DEBUG && format == LOG_TEXT);
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
        cmocka_unit_test(a_text_quotes_what_is_odd),
        cmocka_unit_test(a_level_that_is_off_costs_nothing),
        cmocka_unit_test(what_was_held_is_told_once_it_is_quiet),
        cmocka_unit_test(words_are_read),
        cmocka_unit_test(sites_do_not_share_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
