/* INI files: what is read, with its line, and what is refused instead of being cut. */
#include "base/ini.h"

#include "unit.h"

/* Writes each call down, one a line: LINE [SECTION], or LINE SECTION|NAME|VALUE. */
static void note(void *arg, int line, const char *section, const char *name, const char *value)
{
    if (name == NULL)
        buf_printf(arg, "%d [%s]\n", line, section ? section : "(refused)");
    else
        buf_printf(arg, "%d %s|%s|%s\n", line, section, name, value);
}

static void check_ini(const char *row, struct span text, const char *rows, const char *faults)
{
    struct buf seen CLEANUP(buf_free) = {0};
    struct faults found CLEANUP(faults_free) = {0};
    ini_read(text, "f.ini", note, &seen, &found);
    check_text(row, buf_span(&seen), rows);
    check_faults(row, &found, faults);
}

static const struct {
    const char *name, *text, *rows;
} good[] = {
    {"nothing", "", ""},
    {"empty lines", "\n\n", ""},
    {"a key", "[s]\nk = v\n", "1 [s]\n2 s|k|v\n"},
    {"no space", "[s]\nk=v", "1 [s]\n2 s|k|v\n"},
    {"no line end at the end", "[s]\nk = v", "1 [s]\n2 s|k|v\n"},
    {"lines ended as on DOS", "[s]\r\nk = v\r\n", "1 [s]\n2 s|k|v\n"},
    {"a value with =", "[s]\nk = a=b\n", "1 [s]\n2 s|k|a=b\n"},
    {"an empty value", "[s]\nk =\n", "1 [s]\n2 s|k|\n"},
    {"a key before any section", "k = v\n", "1 |k|v\n"},
    {"sections without keys", "[a]\n[b]\n", "1 [a]\n2 [b]\n"},
    {"the same section again", "[a]\nk = 1\n[a]\nk = 2\n", "1 [a]\n2 a|k|1\n3 [a]\n4 a|k|2\n"},
    {"the same key again", "[a]\nk = 1\nk = 2\n", "1 [a]\n2 a|k|1\n3 a|k|2\n"},
    {"comment lines", "; a\n# b\n[s]\n  ; c\n\nk = v\n", "3 [s]\n6 s|k|v\n"},
    {"a comment behind a value", "[s]\nk = v ; why\n", "1 [s]\n2 s|k|v\n"},
    {"a semicolon inside a value", "[s]\nk = a;b\n", "1 [s]\n2 s|k|a;b\n"},
    {"a hash inside a value", "[s]\nk = a #b\n", "1 [s]\n2 s|k|a #b\n"},
    {"a comment behind a section", "[s] ; why\nk = v\n", "1 [s]\n2 s|k|v\n"},
    {"an indented key is no continuation", "[s]\nk = v\n  l = w\n", "1 [s]\n2 s|k|v\n3 s|l|w\n"},
    {"an indented section", "  [s]\n\tk = v\n", "1 [s]\n2 s|k|v\n"},
    {"words in a section", "[secret a b]\n", "1 [secret a b]\n"},
};

static void reads_rows_with_their_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        check_ini(good[i].name, span_of(good[i].text), good[i].rows, "");
}

static void refuses_lines_that_are_neither(void **state)
{
    (void)state;
    check_ini("a word", SPAN("[s]\nk = v\nword\n"), "1 [s]\n2 s|k|v\n",
              "f.ini:3: neither [section] nor key = value");
    check_ini("an indented word", SPAN("[s]\nk = v\n  more\n"), "1 [s]\n2 s|k|v\n",
              "f.ini:3: neither [section] nor key = value");
    check_ini("an open bracket", SPAN("\n[s\n"), "2 [s]\n", "f.ini:2: neither [section] nor key = value");
}

/* Longer lines would be cut by the library: a secret's path, say, would name another file. */
static void takes_lines_of_199_bytes_and_no_longer(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    for (size_t len = 198; len <= 201; len++) {
        struct buf text = {.arena = &arena};
        struct buf rows = {.arena = &arena};
        buf_add(&text, SPAN("[s]\n  k = "));
        buf_add(&text, repeat(&arena, 'v', len - 4));
        buf_add(&text, SPAN("  \nl = w\n"));
        buf_printf(&rows, "1 [s]\n%s%s%s3 s|l|w\n", len <= 199 ? "2 s|k|" : "",
                   len <= 199 ? repeat(&arena, 'v', len - 4).at : "", len <= 199 ? "\n" : "");
        check_ini("a line", buf_span(&text), buf_text(&rows),
                  len <= 199 ? "" : "f.ini:2: line is longer than 199 characters");
    }
}

static void takes_names_of_49_bytes_and_no_longer(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf text = {.arena = &arena};
    struct buf rows = {.arena = &arena};
    const char *longest = repeat(&arena, 'n', 49).at;
    const char *too_long = repeat(&arena, 'n', 50).at;
    buf_printf(&text, "[%s]\n%s = v\n", longest, longest);
    buf_printf(&rows, "1 [%s]\n2 %s|%s|v\n", longest, longest, longest);
    check_ini("49", buf_span(&text), buf_text(&rows), "");
    text = (struct buf){.arena = &arena};
    buf_printf(&text, "[s]\n%s = v\n", too_long);
    check_ini("a key of 50", buf_span(&text), "1 [s]\n", "f.ini:2: key is longer than 49 characters");
    text = (struct buf){.arena = &arena};
    buf_printf(&text, "\n[%s]\n", too_long);
    check_ini("a section of 50", buf_span(&text), "2 [(refused)]\n",
              "f.ini:2: section name is longer than 49 characters");
}

static void passes_over_a_byte_order_mark(void **state)
{
    (void)state;
    check_ini("mark", SPAN("\xef\xbb\xbf[s]\nk = v\n"), "1 [s]\n2 s|k|v\n", "");
}

static void refuses_a_nul_byte(void **state)
{
    (void)state;
    check_ini("in a value", SPAN("[s]\nk = a\0b\nl = w\n"), "1 [s]\n3 s|l|w\n",
              "f.ini:2: line holds a NUL byte");
    check_ini("in a section", SPAN("[s\0]\n"), "", "f.ini:1: line holds a NUL byte");
}

static void counts_lines_that_were_refused(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf text = {.arena = &arena};
    buf_printf(&text, "%s\n%s\n[s]\nk = v\n", repeat(&arena, 'x', 500).at, repeat(&arena, 'y', 5000).at);
    check_ini("lines", buf_span(&text), "3 [s]\n4 s|k|v\n",
              "f.ini:1: line is longer than 199 characters; f.ini:2: line is longer than 199 characters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_over_a_byte_order_mark),
        cmocka_unit_test(reads_rows_with_their_lines),
        cmocka_unit_test(refuses_lines_that_are_neither),
        cmocka_unit_test(takes_lines_of_199_bytes_and_no_longer),
        cmocka_unit_test(takes_names_of_49_bytes_and_no_longer),
        cmocka_unit_test(refuses_a_nul_byte),
        cmocka_unit_test(counts_lines_that_were_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
