/* The config file: a table of keys, and the sections it fills. */
#include "model/config.h"

#include <stddef.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/ini.h"
#include "base/json.h"
#include "base/log.h"
#include "base/network.h"
#include "base/num.h"
#include "base/time.h"
#include "model/builtin.h"
#include "model/token.h"

#define ORG_MAX 64 /* bytes; tbl/config.h says so, too */

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
    TYPE_LOG_FORMAT,
};

struct key {
    const char *section;
    const char *name;
    enum type type;
    size_t offset;
    const char *otherwise;
    int64_t least, most;
    const char *help;
};

static const struct key rows[] = {
#define KEY(section, key, type, otherwise, least, most, help)                                                \
    {#section, #key, TYPE_##type, offsetof(struct section##_config, key), otherwise, least, most, help},
#include "tbl/config.h"
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

struct reading {
    struct config *config;
    struct faults *faults;
    const struct key *seen[ROW_COUNT]; /* in the section being read */
    const char *kind; /* "server", "source", "secret", "token", or NULL for one that is no section of ours */
    void *target;     /* the struct the section fills */
    bool has_server;  /* whether [server] came already */
};

static bool convert_text(struct span text, int64_t *number)
{
    *number = (int64_t)text.len;
    return true;
}

static bool convert_address(struct span text, int64_t *number)
{
    struct address address;
    *number = (int64_t)text.len;
    return address_parse(text, &address);
}

/* A secret put here by mistake is most likely no such name, and must not be taken for one and shown. */
static bool convert_variable(struct span text, int64_t *number)
{
    *number = (int64_t)text.len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return text.len <= 100;
}

static bool convert_yes_no(struct span text, int64_t *number)
{
    *number = span_is(text, SPAN("yes")) || span_is(text, SPAN("on"));
    return *number || span_is(text, SPAN("no")) || span_is(text, SPAN("off"));
}

static bool convert_time(struct span text, int64_t *number)
{
    return time_parse(text, NULL, number);
}

static bool convert_networks(struct span text, int64_t *number)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct networks networks;
    *number = (int64_t)text.len;
    return networks_parse(&arena, text, &networks);
}

static bool convert_role(struct span text, int64_t *number)
{
    enum token_role role;
    *number = (int64_t)text.len;
    return token_role_read(text, &role);
}

static bool convert_log_level(struct span text, int64_t *number)
{
    enum log_level level;
    *number = (int64_t)text.len;
    return log_level_read(text, &level);
}

static bool convert_log_format(struct span text, int64_t *number)
{
    enum log_format format;
    *number = (int64_t)text.len;
    return log_format_read(text, &format);
}

/* What each type is called, what a value must be, and what reads it. */
static const struct {
    const char *name;
    const char *form; /* with the bounds behind it, if the key has any */
    const char *unit; /* of the bounds */
    bool is_text;
    bool (*convert)(struct span text, int64_t *number);
} types[] = {
    [TYPE_TEXT] = {"text", "a text", " bytes", true, convert_text},
    [TYPE_ADDRESS] = {"address", "HOST:PORT, [V6]:PORT or unix:/PATH", "", true, convert_address},
    [TYPE_VARIABLE] = {"variable", "a name of at most 100 letters, digits and _", "", true, convert_variable},
    [TYPE_NUMBER] = {"number", "a number", "", false, num_parse},
    [TYPE_SIZE] = {"size", "a size such as 512KiB", " bytes", false, num_parse_size},
    [TYPE_DURATION] = {"duration", "a duration such as 30s", " seconds", false, num_parse_duration},
    [TYPE_YES_NO] = {"yes/no", "yes or no (or on, off)", "", false, convert_yes_no},
    [TYPE_TIME] = {"time", "a time such as 2026-01-31T00:00:00Z", "", false, convert_time},
    [TYPE_NETWORKS] =
        {"networks",
         "a list of addresses, networks such as 10.0.0.0/8 with no bit set behind the prefix, or unix", "",
         true, convert_networks},
    [TYPE_ROLE] = {"role", "read, work, publish or admin", "", true, convert_role},
    [TYPE_LOG_LEVEL] = {"level", "debug, info, warn or error", "", true, convert_log_level},
    [TYPE_LOG_FORMAT] = {"format", "json or text", "", true, convert_log_format},
};

/* But for the tab. */
static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (span_is_control(text, i) && text.at[i] != '\t')
            return true;
    return false;
}

bool config_is_org(struct span name)
{
    return name.len > 0 && name.len <= ORG_MAX && json_is_utf8(name) && !has_control(name);
}

/* An empty text is fine where that is the default. */
static bool in_bounds(const struct key *key, int64_t number)
{
    if (key->type == TYPE_TEXT && number == 0)
        return *key->otherwise == '\0';
    return key->most == 0 || (number >= key->least && number <= key->most);
}

/* Stores a value; false if it is none of the key's. */
static bool set(struct config *config, void *target, const struct key *key, struct span text)
{
    void *field = (char *)target + key->offset;
    int64_t number;
    if (!types[key->type].convert(text, &number) || !in_bounds(key, number))
        return false;
    if (types[key->type].is_text)
        *(char **)field = arena_copy(&config->arena, text);
    else
        *(int64_t *)field = number;
    return true;
}

static void set_defaults(struct config *config, void *target, const char *section)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].section, section) != 0)
            continue;
        (void)set(config, target, &rows[i], span_of(rows[i].otherwise)); /* "" is no time: none is set */
    }
}

static bool name_ok(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return name.len > 0 && name.len <= CONFIG_NAME_MAX;
}

static struct source_config *source_of(struct config *config, struct span name)
{
    for (size_t i = 0; i < config->source_count; i++)
        if (span_is(span_of(config->sources[i].name), name))
            return &config->sources[i];
    return NULL;
}

static struct source_config *add_source(struct config *config, struct span name, int line)
{
    struct source_config *grown =
        arena_alloc(&config->arena, (config->source_count + 1) * sizeof *config->sources);
    if (config->source_count > 0)
        memcpy(grown, config->sources, config->source_count * sizeof *grown);
    config->sources = grown;
    struct source_config *source = &config->sources[config->source_count++];
    set_defaults(config, source, "source");
    source->name = arena_copy(&config->arena, name);
    source->line = line;
    return source;
}

static struct secret_config *add_secret(struct config *config, struct source_config *source, struct span name,
                                        int line)
{
    struct secret_config *grown =
        arena_alloc(&config->arena, (source->secret_count + 1) * sizeof *source->secrets);
    if (source->secret_count > 0)
        memcpy(grown, source->secrets, source->secret_count * sizeof *grown);
    source->secrets = grown;
    struct secret_config *secret = &source->secrets[source->secret_count++];
    set_defaults(config, secret, "secret");
    secret->name = arena_copy(&config->arena, name);
    secret->line = line;
    secret->not_before = INT64_MIN;
    secret->not_after = INT64_MAX;
    return secret;
}

static struct token_config *add_token(struct config *config, struct span name, int line)
{
    struct token_config *grown =
        arena_alloc(&config->arena, (config->token_count + 1) * sizeof *config->tokens);
    if (config->token_count > 0)
        memcpy(grown, config->tokens, config->token_count * sizeof *grown);
    config->tokens = grown;
    struct token_config *token = &config->tokens[config->token_count++];
    set_defaults(config, token, "token");
    token->name = arena_copy(&config->arena, name);
    token->line = line;
    return token;
}

static void fault(struct reading *reading, int line, const char *what, const char *of)
{
    faults_add(reading->faults, "%s:%d: %s%s", reading->config->file, line, of, what);
}

static void begin_source(struct reading *reading, int line, struct span name)
{
    if (!name_ok(name))
        fault(reading, line, "a source's name is 1 to 32 of a-z, 0-9, _ and -", "");
    else if (source_of(reading->config, name) != NULL)
        fault(reading, line, "this source is there already", "");
    else
        reading->target = add_source(reading->config, name, line);
}

static void begin_secret(struct reading *reading, int line, struct span rest)
{
    struct span source_name = span_cut(&rest, ' ');
    struct span name = span_trim(rest);
    struct source_config *source = source_of(reading->config, source_name);
    if (source == NULL)
        fault(reading, line, "[secret SOURCE NAME] comes after its [source SOURCE]", "");
    else if (!name_ok(name))
        fault(reading, line, "a secret's name is 1 to 32 of a-z, 0-9, _ and -", "");
    else if (span_is(span_of(source->name), name))
        fault(reading, line, "the source's own secret has this name", "");
    else {
        for (size_t i = 0; i < source->secret_count; i++)
            if (span_is(span_of(source->secrets[i].name), name))
                fault(reading, line, "this secret is there already", "");
        reading->target = add_secret(reading->config, source, name, line);
    }
}

static void begin_token(struct reading *reading, int line, struct span name)
{
    if (!name_ok(name) || span_is(name, SPAN("default")))
        fault(reading, line, "a token's name is 1 to 32 of a-z, 0-9, _ and -, and not default", "");
    for (size_t i = 0; i < reading->config->token_count; i++)
        if (span_is(span_of(reading->config->tokens[i].name), name))
            fault(reading, line, "this token is there already", "");
    reading->target = add_token(reading->config, name, line);
}

static void begin_section(struct reading *reading, int line, struct span section)
{
    struct span rest = span_trim(section);
    struct span kind = span_cut(&rest, ' ');
    rest = span_trim(rest);
    memset(reading->seen, 0, sizeof reading->seen);
    reading->target = NULL;
    reading->kind = NULL;
    if (section.at == NULL)
        return; /* refused already, and so its keys are passed over */
    if (span_is(kind, SPAN("server")) && rest.len == 0) {
        reading->kind = "server";
        if (reading->has_server)
            fault(reading, line, "[server] is there already", "");
        reading->has_server = true;
        reading->target = &reading->config->server;
    } else if (span_is(kind, SPAN("source"))) {
        reading->kind = "source";
        begin_source(reading, line, rest);
    } else if (span_is(kind, SPAN("secret"))) {
        reading->kind = "secret";
        begin_secret(reading, line, rest);
    } else if (span_is(kind, SPAN("token"))) {
        reading->kind = "token";
        begin_token(reading, line, rest);
    } else {
        fault(reading, line,
              "unknown section; there are [server], [source NAME], [secret SOURCE NAME] and [token NAME]",
              "");
    }
}

static const struct key *find_key(const char *section, const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].section, section) == 0 && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static void refuse_value(struct reading *reading, int line, const struct key *key)
{
    struct buf bounds CLEANUP(buf_free) = {0};
    if (key->most > 0)
        buf_printf(&bounds, ", %lld to %lld%s", (long long)key->least, (long long)key->most,
                   types[key->type].unit);
    faults_add(reading->faults, "%s:%d: %s must be %s%s", reading->config->file, line, key->name,
               types[key->type].form, buf_text(&bounds));
}

static void take(void *arg, int line, const char *section, const char *name, const char *value)
{
    struct reading *reading = arg;
    if (name == NULL) {
        begin_section(reading, line, (struct span){section, section ? strlen(section) : 0});
        return;
    }
    if (reading->kind == NULL) {
        if (section != NULL && *section == '\0')
            fault(reading, line, "a key must stand in a section", "");
        return;
    }
    const struct key *key = find_key(reading->kind, name);
    if (key == NULL) {
        fault(reading, line, ": unknown key", name);
        return;
    }
    if (reading->target == NULL)
        return;
    if (reading->seen[key - rows] != NULL)
        fault(reading, line, ": given twice", name);
    reading->seen[key - rows] = key;
    if (!json_is_utf8(span_of(value)))
        fault(reading, line, " is not UTF-8", name);
    else if (has_control(span_of(value)))
        fault(reading, line, " has a control character", name);
    else if (!set(reading->config, reading->target, key, span_of(value)))
        refuse_value(reading, line, key);
}

static void check_source(struct reading *reading, const struct source_config *source)
{
    if (*source->vendor == '\0')
        fault(reading, source->line, ": vendor is not set", source->name);
    if (*source->secret_env != '\0' && *source->secret_file != '\0')
        fault(reading, source->line, ": set secret_env or secret_file, not both", source->name);
    for (size_t i = 0; i < source->secret_count; i++) {
        const struct secret_config *secret = &source->secrets[i];
        if ((*secret->env != '\0') == (*secret->file != '\0'))
            fault(reading, secret->line, ": set env or file, one of them", secret->name);
        if (secret->not_before >= secret->not_after)
            fault(reading, secret->line, ": not_before is not before not_after", secret->name);
    }
}

static void check_token(struct reading *reading, const struct token_config *token)
{
    if ((*token->env != '\0') == (*token->file != '\0'))
        fault(reading, token->line, ": set env or file, one of them", token->name);
}

void config_defaults(struct config *config)
{
    *config = (struct config){.file = "(no config file)"};
    set_defaults(config, &config->server, "server");
    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        struct builtin builtin = builtin_at(i);
        struct source_config *source = add_source(config, span_of(builtin.vendor), 0);
        source->vendor = arena_copy(&config->arena, span_of(builtin.vendor));
        source->secret_env = arena_copy(&config->arena, span_of(builtin.secret_env));
    }
}

void config_read(struct config *config, struct span text, const char *file, struct faults *faults)
{
    struct reading reading = {.config = config, .faults = faults};
    config->file = arena_copy(&config->arena, span_of(file));
    config->source_count = 0;
    ini_read(text, file, take, &reading, faults);
    for (size_t i = 0; i < config->source_count; i++)
        check_source(&reading, &config->sources[i]);
    for (size_t i = 0; i < config->token_count; i++)
        check_token(&reading, &config->tokens[i]);
}

static bool is_looked_up_again(const char *name)
{
    return strcmp(name, "vendor_dir") == 0 || strncmp(name, "tls_", 4) == 0 ||
           strncmp(name, "api_tls_", 8) == 0 || strncmp(name, "log_", 4) == 0;
}

static void add_name(struct buf *names, const char *name)
{
    buf_printf(names, "%s%s", names->len > 0 ? ", " : "", name);
}

void config_differences(const struct server_config *a, const struct server_config *b, struct buf *names)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const void *in_a = (const char *)a + rows[i].offset;
        const void *in_b = (const char *)b + rows[i].offset;
        if (strcmp(rows[i].section, "server") != 0 || is_looked_up_again(rows[i].name))
            continue;
        if (types[rows[i].type].is_text ? strcmp(*(char *const *)in_a, *(char *const *)in_b) != 0
                                        : *(const int64_t *)in_a != *(const int64_t *)in_b)
            add_name(names, rows[i].name);
    }
}

void config_free(struct config *config)
{
    arena_free(&config->arena);
}

void config_describe(struct buf *out)
{
    const char *section = "";
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(section, rows[i].section) != 0)
            buf_printf(out, "%s[%s]\n", i > 0 ? "\n" : "", rows[i].section);
        section = rows[i].section;
        buf_printf(out, "%-18s %-9s %-28s %s", rows[i].name, types[rows[i].type].name,
                   *rows[i].otherwise ? rows[i].otherwise : "-", rows[i].help);
        if (rows[i].most > 0)
            buf_printf(out, " (%lld to %lld%s)", (long long)rows[i].least, (long long)rows[i].most,
                       types[rows[i].type].unit);
        buf_add_char(out, '\n');
    }
}
