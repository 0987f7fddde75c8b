/* The config file: every row of the table at both of its edges, and every mistake with its line. */
#include "model/config.h"

#include "base/ini.h"
#include "base/num.h"
#include "unit.h"

enum type {
    TYPE_TEXT,
    TYPE_ADDRESS,
    TYPE_VARIABLE,
    TYPE_NUMBER,
    TYPE_SIZE,
    TYPE_DURATION,
    TYPE_YES_NO,
    TYPE_TIME,
    TYPE_NETWORKS,
    TYPE_ROLE,
    TYPE_LOG_LEVEL,
    TYPE_LOG_FORMAT
};

/* The same table that the code reads, so that a new key is tested from its first day. */
static const struct key {
    const char *section, *name;
    enum type type;
    size_t offset;
    const char *otherwise;
    int64_t least, most;
    const char *help;
} keys[] = {
#define KEY(section, key, type, otherwise, least, most, help)                                                \
    {#section, #key, TYPE_##type, offsetof(struct section##_config, key), otherwise, least, most, help},
#include "tbl/config.h"
};

#define KEY_COUNT (sizeof keys / sizeof keys[0])

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool is_text(const struct key *key)
{
    return key->type == TYPE_TEXT || key->type == TYPE_ADDRESS || key->type == TYPE_VARIABLE ||
           key->type == TYPE_NETWORKS || key->type == TYPE_ROLE || key->type == TYPE_LOG_LEVEL ||
           key->type == TYPE_LOG_FORMAT;
}

/* The struct that a section of that kind has filled: the first one. */
static const char *section_of(const struct config *config, const char *kind)
{
    if (is(kind, "server"))
        return (const char *)&config->server;
    if (is(kind, "source"))
        return (const char *)config->sources;
    if (is(kind, "token"))
        return (const char *)config->tokens;
    return (const char *)config->sources[0].secrets;
}

static const char *text_of(const struct config *config, const struct key *key)
{
    return *(char *const *)(section_of(config, key->section) + key->offset);
}

static int64_t number_of(const struct config *config, const struct key *key)
{
    return *(const int64_t *)(section_of(config, key->section) + key->offset);
}

/* Of secrets and tokens, one of two keys says where the value is; nothing else has to be there. */
static bool is_place(const struct key *key)
{
    return (is(key->section, "secret") || is(key->section, "token")) &&
           (is(key->name, "env") || is(key->name, "file"));
}

/* A section with a place to take its value from, unless the key that is to follow is one; its lines. */
static int begin(struct buf *text, const struct key *key, const char *section)
{
    buf_printf(text, "[%s]\n%s", section, is_place(key) ? "" : "env = SECRET\n");
    return is_place(key) ? 1 : 2;
}

/* A file in which that key is the last line, below what its section cannot do without; *line is its line. */
static struct span file_with(struct arena *arena, const struct key *key, struct span value, int *line)
{
    struct buf text = {.arena = arena};
    *line = 2;
    if (is(key->section, "server")) {
        buf_add(&text, SPAN("[server]\n"));
    } else if (is(key->section, "token")) {
        *line = 1 + begin(&text, key, "token one");
    } else {
        buf_add(&text, SPAN("[source s]\n"));
        if (!is(key->section, "source") || !is(key->name, "vendor")) {
            buf_add(&text, SPAN("vendor = dentrix\n"));
            ++*line;
        }
    }
    if (is(key->section, "secret"))
        *line += begin(&text, key, "secret s one");
    buf_printf(&text, "%s = %.*s\n", key->name, (int)value.len, value.at);
    return buf_span(&text);
}

static void check_accepted(const struct key *key, struct span value, struct config *config)
{
    struct faults faults CLEANUP(faults_free) = {0};
    int line;
    config_defaults(config);
    config_read(config, file_with(&config->arena, key, value, &line), "t.ini", &faults);
    check_faults(key->name, &faults, "");
}

/* The first complaint must be about this key, at its line. */
static void check_refused(const struct key *key, struct span value)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct config config CLEANUP(config_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf start = {.arena = &arena};
    int line;
    config_defaults(&config);
    config_read(&config, file_with(&arena, key, value, &line), "t.ini", &faults);
    buf_printf(&start, "t.ini:%d: %s must be ", line, key->name);
    if (faults.count == 0 || !span_starts(span_of(faults.texts[0]), buf_span(&start)))
        fail_msg("%s = %.*s: got \"%s\", want \"%s...\"", key->name, (int)value.len, value.at,
                 faults.count > 0 ? faults.texts[0] : "nothing", buf_text(&start));
}

static void check_text_accepted(const struct key *key, struct span value)
{
    struct config config CLEANUP(config_free) = {0};
    check_accepted(key, value, &config);
    check_text(key->name, span_of(text_of(&config, key)), value.at);
}

static void check_number(const struct key *key, const char *text, int64_t want)
{
    struct config config CLEANUP(config_free) = {0};
    check_accepted(key, span_of(text), &config);
    check_int(key->name, number_of(&config, key), want);
}

static void check_edge(const struct key *key, int64_t number, bool accepted)
{
    struct buf text CLEANUP(buf_free) = {0};
    buf_add_int(&text, number);
    if (accepted)
        check_number(key, buf_text(&text), number);
    else
        check_refused(key, buf_span(&text));
}

/*
 * A text longer than a line has room for cannot be given; until there every length must be taken. An empty
 * one is the same as none, which is fine where that is the default and the section can do without.
 */
static void check_text_key(const struct key *key)
{
    struct arena arena CLEANUP(arena_free) = {0};
    int64_t room = INI_LINE_MAX - (int64_t)strlen(key->name) - 3;
    int64_t longest = key->most < room ? key->most : room;
    bool needed = is(key->name, "vendor") || is_place(key);
    check_text_accepted(key, repeat(&arena, 'x', (size_t)key->least));
    check_text_accepted(key, repeat(&arena, 'x', (size_t)longest));
    if (*key->otherwise != '\0')
        check_refused(key, SPAN(""));
    else if (!needed)
        check_text_accepted(key, SPAN(""));
    if (key->most < room)
        check_refused(key, repeat(&arena, 'x', (size_t)key->most + 1));
}

static void check_number_key(const struct key *key)
{
    static const char *const rubbish[] = {"", "x", "1 2", "1x", "0x10", "1.5", "99999999999999999999"};
    check_edge(key, key->least, true);
    check_edge(key, key->most, true);
    check_edge(key, key->least - 1, false);
    check_edge(key, key->most + 1, false);
    for (size_t i = 0; i < sizeof rubbish / sizeof rubbish[0]; i++)
        check_refused(key, span_of(rubbish[i]));
}

static void check_words_refused(const struct key *key, const char *const *rubbish)
{
    for (size_t i = 0; rubbish[i] != NULL; i++)
        check_refused(key, span_of(rubbish[i]));
}

static void check_variable_key(const struct key *key)
{
    static const char *const no_variable[] = {"9A", "A-B", "A B", "A=B", "A:",      "A/",
                                              "A@", "A[",  "A`",  "A{",  "whsec/+", NULL};
    struct arena arena CLEANUP(arena_free) = {0};
    check_text_accepted(key, SPAN("_A9"));
    check_text_accepted(key, SPAN("azAZ09_"));
    check_text_accepted(key, repeat(&arena, 'V', 100));
    check_refused(key, repeat(&arena, 'V', 101));
    check_words_refused(key, no_variable);
}

static void check_log_key(const struct key *key)
{
    static const char *const words[] = {"loud", "", "JSON", "Debug", "2", NULL};
    bool is_level = key->type == TYPE_LOG_LEVEL;
    check_text_accepted(key, is_level ? SPAN("warn") : SPAN("json"));
    check_text_accepted(key, is_level ? SPAN("error") : SPAN("text"));
    check_words_refused(key, words);
}

static void check_role_key(const struct key *key)
{
    static const char *const roles[] = {"read", "work", "publish", "admin"};
    static const char *const no_role[] = {"",     "Read",      "reader",    "rea",
                                          "root", "read work", "read,work", NULL};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        check_text_accepted(key, span_of(roles[i]));
    check_words_refused(key, no_role);
}

static void check_yes_no_key(const struct key *key)
{
    static const char *const no_answer[] = {"", "Yes", "ON", "true", "1", "0", "o", "yes no", "on off", NULL};
    check_number(key, "yes", 1);
    check_number(key, "on", 1);
    check_number(key, "no", 0);
    check_number(key, "off", 0);
    check_words_refused(key, no_answer);
}

static void every_key_keeps_its_bounds(void **state)
{
    (void)state;
    static const char *const no_address[] = {"", "x", "127.0.0.1", "127.0.0.1:65536", "unix:", NULL};
    static const char *const no_networks[] = {"all", "10.0.0.1/8", "10.0.0.0/8,", "UNIX", NULL};
    static const char *const no_time[] = {"",           "soon", "2026-01-31", "2026-01-31T00:00:00",
                                          "1769817600", NULL};
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct key *key = &keys[i];
        if (key->type == TYPE_TEXT) {
            check_text_key(key);
        } else if (key->type == TYPE_ADDRESS) {
            check_text_accepted(key, SPAN("[::1]:0"));
            check_text_accepted(key, SPAN("unix:/run/x"));
            check_words_refused(key, no_address);
        } else if (key->type == TYPE_VARIABLE) {
            check_variable_key(key);
        } else if (key->type == TYPE_YES_NO) {
            check_yes_no_key(key);
        } else if (key->type == TYPE_ROLE) {
            check_role_key(key);
        } else if (key->type == TYPE_LOG_LEVEL || key->type == TYPE_LOG_FORMAT) {
            check_log_key(key);
        } else if (key->type == TYPE_NETWORKS) {
            check_text_accepted(key, SPAN(""));
            check_text_accepted(key, SPAN("10.0.0.0/8, 2001:db8::/32,192.0.2.7 , unix"));
            check_words_refused(key, no_networks);
        } else if (key->type == TYPE_TIME) {
            check_number(key, "2026-01-31T00:00:00Z", INT64_C(1769817600000));
            check_number(key, "2026-01-31 01:00:00+01:00", INT64_C(1769817600000));
            check_words_refused(key, no_time);
        } else {
            check_number_key(key);
        }
    }
}

/* The least value that is a whole number of that unit, and within the bounds. */
static void check_unit(const struct key *key, int64_t factor, const char *unit)
{
    struct buf text CLEANUP(buf_free) = {0};
    int64_t count = (key->least + factor - 1) / factor;
    if (count * factor > key->most)
        return;
    buf_printf(&text, "%lld%s", (long long)count, unit);
    check_number(key, buf_text(&text), count * factor);
}

static void units_belong_to_their_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (keys[i].type == TYPE_SIZE)
            check_unit(&keys[i], 1024, "KiB");
        if (keys[i].type == TYPE_DURATION)
            check_unit(&keys[i], 60, "m");
        if (keys[i].type == TYPE_SIZE || keys[i].type == TYPE_NUMBER)
            check_refused(&keys[i], SPAN("30s"));
        if (keys[i].type == TYPE_DURATION || keys[i].type == TYPE_NUMBER)
            check_refused(&keys[i], SPAN("1KiB"));
    }
}

/* Some value that the key takes. */
static struct span value_for(struct arena *arena, const struct key *key)
{
    struct buf number = {.arena = arena};
    switch (key->type) {
    case TYPE_TEXT:
        return repeat(arena, 'x', (size_t)key->least);
    case TYPE_ADDRESS:
        return SPAN("[::1]:0");
    case TYPE_VARIABLE:
        return SPAN("NAME");
    case TYPE_YES_NO:
        return SPAN("yes");
    case TYPE_TIME:
        return SPAN("2026-01-31T00:00:00Z");
    case TYPE_NETWORKS:
        return SPAN("unix");
    case TYPE_ROLE:
        return SPAN("admin");
    case TYPE_LOG_LEVEL:
        return SPAN("debug");
    case TYPE_LOG_FORMAT:
        return SPAN("text");
    default:
        buf_add_int(&number, key->least);
        return buf_span(&number);
    }
}

static void every_key_can_be_given_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct config config CLEANUP(config_free) = {0};
        struct faults faults CLEANUP(faults_free) = {0};
        struct span value = value_for(&arena, &keys[i]);
        struct buf text = {.arena = &arena};
        struct buf want = {.arena = &arena};
        int line;
        buf_add(&text, file_with(&arena, &keys[i], value, &line));
        buf_printf(&text, "%s = %.*s\n", keys[i].name, (int)value.len, value.at);
        buf_printf(&want, "t.ini:%d: %s: given twice", line + 1, keys[i].name);
        config_defaults(&config);
        config_read(&config, buf_span(&text), "t.ini", &faults);
        check_faults(keys[i].name, &faults, buf_text(&want));
    }
}

/* What a default means is said by the parsers, which have tests of their own. */
static int64_t default_of(const struct key *key)
{
    int64_t number = -1;
    struct span text = span_of(key->otherwise);
    if (text.len == 0 && key->type == TYPE_DURATION)
        number = 0; /* not set */
    else if (key->type == TYPE_SIZE)
        assert_true(num_parse_size(text, &number));
    else if (key->type == TYPE_DURATION)
        assert_true(num_parse_duration(text, &number));
    else if (key->type == TYPE_YES_NO)
        number = is(key->otherwise, "yes");
    else if (key->type == TYPE_NUMBER)
        assert_true(num_parse(text, &number));
    else
        number = is(key->name, "not_before") ? INT64_MIN : INT64_MAX;
    return number;
}

static void every_key_has_its_default(void **state)
{
    (void)state;
    struct config config CLEANUP(config_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    config_defaults(&config);
    config_read(&config, SPAN("[source s]\nvendor = v\n[secret s one]\nenv = E\n[token one]\nenv = E\n"),
                "t.ini", &faults);
    check_faults("file", &faults, "");
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (is(keys[i].name, "vendor") || is(keys[i].name, "env"))
            continue; /* these are set, because nothing works without them */
        if (is_text(&keys[i]))
            check_text(keys[i].name, span_of(text_of(&config, &keys[i])), keys[i].otherwise);
        else
            check_int(keys[i].name, number_of(&config, &keys[i]), default_of(&keys[i]));
    }
}

/* A value of a key of [server]: no text's default is value_for's, and no number's is its bound. */
static struct span other_than_default(struct arena *arena, const struct key *key)
{
    struct buf most = {.arena = arena};
    if (is_text(key))
        return value_for(arena, key);
    if (key->type == TYPE_YES_NO)
        return is(key->otherwise, "yes") ? SPAN("no") : SPAN("yes");
    buf_add_int(&most, key->most);
    return buf_span(&most);
}

static bool is_looked_up(const char *name)
{
    static const char *const names[] = {"vendor_dir",   "log_level",   "log_format",
                                        "tls_cert",     "tls_key",     "tls_client_ca",
                                        "api_tls_cert", "api_tls_key", "api_tls_client_ca"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is(name, names[i]))
            return true;
    return false;
}

/* A restart is asked for when any key of [server] has changed, but for those that every load looks up. */
static void every_server_key_makes_a_difference(void **state)
{
    (void)state;
    struct config plain CLEANUP(config_free) = {0};
    config_defaults(&plain);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct config other CLEANUP(config_free) = {0};
        struct faults faults CLEANUP(faults_free) = {0};
        int line;
        if (!is(keys[i].section, "server"))
            continue;
        config_defaults(&other);
        struct buf names = {.arena = &arena};
        config_differences(&plain.server, &other.server, &names);
        check_text(keys[i].name, buf_span(&names), "");
        struct span value = other_than_default(&arena, &keys[i]);
        config_read(&other, file_with(&arena, &keys[i], value, &line), "t.ini", &faults);
        check_faults(keys[i].name, &faults, "");
        config_differences(&plain.server, &other.server, &names);
        check_text(keys[i].name, buf_span(&names), is_looked_up(keys[i].name) ? "" : keys[i].name);
    }
}

/* The contract with those who set nothing but three environment variables. */
static void without_a_file_the_built_in_sources_exist(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"dentrix", "DENTRIX_WEBHOOK_SECRET"},
        {"opendental", "OPENDENTAL_WEBHOOK_SECRET"},
        {"eaglesoft", "EAGLESOFT_WEBHOOK_SECRET"},
    };
    struct config config CLEANUP(config_free) = {0};
    config_defaults(&config);
    assert_int_equal(config.source_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct source_config *source = &config.sources[i];
        assert_string_equal(source->name, rows[i][0]);
        assert_string_equal(source->vendor, rows[i][0]);
        assert_string_equal(source->secret_env, rows[i][1]);
        assert_string_equal(source->lab, "LAB001");
        assert_string_equal(source->org, "default");
        assert_string_equal(source->timezone, "");
        assert_int_equal(source->enabled, 1);
        assert_int_equal(source->secret_count, 0);
    }
    assert_string_equal(config.server.listen, "127.0.0.1:8080");
    assert_string_equal(config.server.api_listen, "127.0.0.1:8081");
    assert_int_equal(config.server.max_body, 1 << 20);
    assert_int_equal(config.server.request_timeout, 30);
}

static void with_a_file_only_its_sources_exist(void **state)
{
    (void)state;
    struct config config CLEANUP(config_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    config_defaults(&config);
    config_read(&config, SPAN("[source b]\nvendor = x\n[source a]\nvendor = y\n"), "t.ini", &faults);
    check_faults("two", &faults, "");
    assert_int_equal(config.source_count, 2);
    assert_string_equal(config.sources[0].name, "b");
    assert_int_equal(config.sources[0].line, 1);
    assert_string_equal(config.sources[1].vendor, "y");
    assert_int_equal(config.sources[1].line, 3);
    config_read(&config, SPAN("[server]\n"), "t.ini", &faults);
    check_faults("none", &faults, "");
    assert_int_equal(config.source_count, 0);
}

static void secrets_go_to_their_source(void **state)
{
    (void)state;
    struct config config CLEANUP(config_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    config_defaults(&config);
    config_read(&config,
                SPAN("[source a]\nvendor = x\n[source b]\nvendor = x\n"
                     "[secret a old]\nenv = A_OLD\nnot_after = 2026-01-31T00:00:00Z\n"
                     "[secret b only]\nfile = /run/b\n"
                     "[secret a  new]\nenv = A_NEW\nnot_before = 2026-01-01T00:00:00Z\n"),
                "t.ini", &faults);
    check_faults("file", &faults, "");
    const struct source_config *a = &config.sources[0], *b = &config.sources[1];
    assert_int_equal(a->secret_count, 2);
    assert_string_equal(a->secrets[0].name, "old");
    assert_string_equal(a->secrets[0].env, "A_OLD");
    assert_true(a->secrets[0].not_before == INT64_MIN);
    assert_true(a->secrets[0].not_after == INT64_C(1769817600000));
    assert_string_equal(a->secrets[1].name, "new");
    assert_true(a->secrets[1].not_before == INT64_C(1767225600000));
    assert_true(a->secrets[1].not_after == INT64_MAX);
    assert_int_equal(a->secrets[1].line, 10);
    assert_int_equal(b->secret_count, 1);
    assert_string_equal(b->secrets[0].file, "/run/b");
}

/* Tokens stand for themselves: no source has to come first, and one may bear a name of a source. */
static void tokens_are_kept_in_their_order(void **state)
{
    (void)state;
    struct config config CLEANUP(config_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    config_defaults(&config);
    assert_int_equal(config.token_count, 0);
    config_read(&config,
                SPAN("[token robot]\nenv = ROBOT\nrole = work\norg = north\n"
                     "[source a]\nvendor = x\n"
                     "[token  a]\nfile = /run/a\nsources = crm.portal, lims.bench\n"),
                "t.ini", &faults);
    check_faults("file", &faults, "");
    assert_int_equal(config.token_count, 2);
    const struct token_config *robot = &config.tokens[0], *a = &config.tokens[1];
    assert_string_equal(robot->name, "robot");
    assert_int_equal(robot->line, 1);
    assert_string_equal(robot->env, "ROBOT");
    assert_string_equal(robot->file, "");
    assert_string_equal(robot->role, "work");
    assert_string_equal(robot->org, "north");
    assert_string_equal(a->name, "a");
    assert_int_equal(a->line, 7);
    assert_string_equal(a->file, "/run/a");
    assert_string_equal(a->role, "read");
    assert_string_equal(a->sources, "crm.portal, lims.bench");
}

#define NO_SECTION                                                                                           \
    "t.ini:1: unknown section; there are [server], [source NAME], [secret SOURCE NAME] and [token NAME]"
#define NO_TOKEN "t.ini:1: a token's name is 1 to 32 of a-z, 0-9, _ and -, and not default"
#define NAME_32  "abcdefghijklmnopqrstuvwxyz_-0189"

static const struct mistake {
    const char *text, *faults;
} mistakes[] = {
    {"[server]\nlistem = x\n", "t.ini:2: listem: unknown key"},
    {"[server]\nLOOPS = 1\n", "t.ini:2: LOOPS: unknown key"},
    {"[server]\nvendor = x\n", "t.ini:2: vendor: unknown key"},
    {"[source a]\nvendor = x\n\n; note\nlisten = x\n", "t.ini:5: listen: unknown key"},
    {"[servers]\nlisten = x\n", NO_SECTION},
    {"[server two]\n", NO_SECTION},
    {"[]\n", NO_SECTION},
    {"loops = 1\n", "t.ini:1: a key must stand in a section"},
    {"[server]\n[server]\n", "t.ini:2: [server] is there already"},
    {"[server]\nloops = 65\n", "t.ini:2: loops must be a number, 0 to 64"},
    {"[server]\nmax_body = 0\n", "t.ini:2: max_body must be a size such as 512KiB, 1 to 67108864 bytes"},
    {"[server]\nrequest_timeout = 2h\n",
     "t.ini:2: request_timeout must be a duration such as 30s, 1 to 3600 seconds"},
    {"[source a]\nvendor = x\nlab = \xff\n", "t.ini:3: lab is not UTF-8"},
    {"[source a]\nvendor = x\nlab = a\x1b[31m\n", "t.ini:3: lab has a control character"},
    {"[source a]\nvendor = x\nlab = a\x7f\n", "t.ini:3: lab has a control character"},
    {"[source a]\nvendor = x\nlab = a\xc2\x9b"
     "31m\n",
     "t.ini:3: lab has a control character"},
    {"[server]\nlisten = here\n", "t.ini:2: listen must be HOST:PORT, [V6]:PORT or unix:/PATH"},
    {"[server]\n\ntrusted_proxies = 127.0.0.1, proxy.example\n",
     "t.ini:3: trusted_proxies must be a list of addresses, networks such as 10.0.0.0/8 with no bit set "
     "behind the prefix, or unix"},
    {"[source a]\nvendor = x\nallow_from = 10.1.0.0/8\n",
     "t.ini:3: allow_from must be a list of addresses, networks such as 10.0.0.0/8 with no bit set "
     "behind the prefix, or unix"},
    {"[source a]\nvendor =\n", "t.ini:1: a: vendor is not set"},
    {"[source a]\nvendor = x\nlab =\n", "t.ini:3: lab must be a text, 1 to 200 bytes"},
    {"[source a]\nvendor = x\nenabled = maybe\n", "t.ini:3: enabled must be yes or no (or on, off)"},
    {"[source a]\n", "t.ini:1: a: vendor is not set"},
    {"[source a]\nvendor = x\n[source a]\nvendor = y\n", "t.ini:3: this source is there already"},
    {"[source]\nvendor = x\n", "t.ini:1: a source's name is 1 to 32 of a-z, 0-9, _ and -"},
    {"[source A]\nvendor = x\n", "t.ini:1: a source's name is 1 to 32 of a-z, 0-9, _ and -"},
    {"[source a b]\nvendor = x\n", "t.ini:1: a source's name is 1 to 32 of a-z, 0-9, _ and -"},
    {"[source a/b]\nvendor = x\n", "t.ini:1: a source's name is 1 to 32 of a-z, 0-9, _ and -"},
    {"[source \xc3\xa4]\nvendor = x\n", "t.ini:1: a source's name is 1 to 32 of a-z, 0-9, _ and -"},
    {"[source " NAME_32 "x]\nvendor = x\n", "t.ini:1: a source's name is 1 to 32 of a-z, 0-9, _ and -"},
    {"[source " NAME_32 "]\nvendor = x\n", ""},
    {"[source a]\nvendor = x\nsecret_env = E\nsecret_file = F\n",
     "t.ini:1: a: set secret_env or secret_file, not both"},
    {"[secret a b]\nenv = E\n[source a]\nvendor = x\n",
     "t.ini:1: [secret SOURCE NAME] comes after its [source SOURCE]"},
    {"[source a]\nvendor = x\n[secret]\nenv = E\n",
     "t.ini:3: [secret SOURCE NAME] comes after its [source SOURCE]"},
    {"[source a]\nvendor = x\n[secret a]\nenv = E\n",
     "t.ini:3: a secret's name is 1 to 32 of a-z, 0-9, _ and -"},
    {"[source a]\nvendor = x\n[secret a B]\nenv = E\n",
     "t.ini:3: a secret's name is 1 to 32 of a-z, 0-9, _ and -"},
    {"[source a]\nvendor = x\n[secret a b]\nenv = E\n[secret a b]\nenv = F\n",
     "t.ini:5: this secret is there already"},
    {"[source a]\nvendor = x\n[secret a b]\n", "t.ini:3: b: set env or file, one of them"},
    {"[source a]\nvendor = x\n[secret a b]\nenv = E\nfile = F\n", "t.ini:3: b: set env or file, one of them"},
    {"[source a]\nvendor = x\n[secret a b]\nenv = E\nsecret_env = F\n", "t.ini:5: secret_env: unknown key"},
    {"[source a]\nvendor = x\n[secret a b]\nenv = E\nnot_before = 2026-01-01T00:00:00Z\n"
     "not_after = 2026-01-01T00:00:00Z\n",
     "t.ini:3: b: not_before is not before not_after"},
    {"[tokens a]\nenv = E\n", NO_SECTION},
    {"[token]\nenv = E\n", NO_TOKEN},
    {"[token A]\nenv = E\n", NO_TOKEN},
    {"[token a b]\nenv = E\n", NO_TOKEN},
    {"[token a/b]\nenv = E\n", NO_TOKEN},
    {"[token \xc3\xa4]\nenv = E\n", NO_TOKEN},
    {"[token " NAME_32 "x]\nenv = E\n", NO_TOKEN},
    {"[token default]\nenv = E\n", NO_TOKEN},
    {"[token " NAME_32 "]\nenv = E\n", ""},
    {"[token a]\nenv = E\n[token b]\nenv = E\n[token a]\nfile = F\n", "t.ini:5: this token is there already"},
    {"[token a]\n", "t.ini:1: a: set env or file, one of them"},
    {"[token a]\nenv =\nfile =\n", "t.ini:1: a: set env or file, one of them"},
    {"[token a]\nenv = E\nfile = F\n", "t.ini:1: a: set env or file, one of them"},
    {"[token a]\nenv = E\nrole = boss\n", "t.ini:3: role must be read, work, publish or admin"},
    {"[token a]\nenv = E\norg =\n", "t.ini:3: org must be a text, 1 to 64 bytes"},
    {"[token a]\nenv = E\nsecret_env = F\n", "t.ini:3: secret_env: unknown key"},
    {"[token a]\nenv = E\nenv = F\n", "t.ini:3: env: given twice"},
    {"[server]\nflows = maybe\n", "t.ini:2: flows must be yes or no (or on, off)"},
    {"[server]\nloops = -1\ndatabase =\nword\n[source a]\n",
     "t.ini:2: loops must be a number, 0 to 64; t.ini:3: database must be a text, 1 to 99 bytes; "
     "t.ini:4: neither [section] nor key = value; t.ini:5: a: vendor is not set"},
};

static void every_mistake_is_named_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct config config CLEANUP(config_free) = {0};
        struct faults faults CLEANUP(faults_free) = {0};
        config_defaults(&config);
        config_read(&config, span_of(mistakes[i].text), "t.ini", &faults);
        check_faults(mistakes[i].text, &faults, mistakes[i].faults);
    }
}

static void the_description_names_every_key(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free) = {0};
    config_describe(&out);
    const char *at = buf_text(&out);
    for (size_t i = 0; i < KEY_COUNT && at != NULL; i++) {
        char name[80];
        snprintf(name, sizeof name, "\n%s ", keys[i].name);
        at = strstr(at, name);
        CHECK(keys[i].name, at != NULL);
        at = strstr(at, keys[i].help);
        CHECK(keys[i].name, at != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_keeps_its_bounds),
        cmocka_unit_test(units_belong_to_their_type),
        cmocka_unit_test(every_key_can_be_given_once),
        cmocka_unit_test(every_key_has_its_default),
        cmocka_unit_test(without_a_file_the_built_in_sources_exist),
        cmocka_unit_test(with_a_file_only_its_sources_exist),
        cmocka_unit_test(secrets_go_to_their_source),
        cmocka_unit_test(tokens_are_kept_in_their_order),
        cmocka_unit_test(every_mistake_is_named_with_its_line),
        cmocka_unit_test(every_server_key_makes_a_difference),
        cmocka_unit_test(the_description_names_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
