/* Building the sources from what the configuration says. */
#include "cli/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/hmac.h"
#include "base/locked.h"
#include "base/log.h"
#include "base/variable.h"
#include "certificates.h"
#include "model/builtin.h"
#include "setup_file.h"
#include "sys/fetch.h"
#include "sys/privileges.h"

#define NO_NAME "is not the name of a variable (A-Z, 0-9 and _)" /* what it is may be a secret */

/* What [server] or no file at all named has no line. */
static void fault(struct setup *setup, struct faults *faults, int line, const char *source, const char *what)
{
    if (line == 0)
        faults_add(faults, "%s: %s: %s", setup->config.file, source, what);
    else
        faults_add(faults, "%s:%d: %s: %s", setup->config.file, line, source, what);
}

/* Reads a file that the configuration names, and says where it does if that fails. */
static bool read_named_file(struct setup *setup, const char *of, int line, const char *path, mode_rule *suits,
                            size_t max, struct buf *out, struct faults *faults)
{
    struct faults why CLEANUP(faults_free) = {0};
    if (setup_read_checked(path, suits, max, out, &why))
        return true;
    fault(setup, faults, line, of, why.texts[0]);
    return false;
}

/* Secrets. */

/* Whether this secret was added before, compared by digest so that no secret has to be kept for it. */
static bool used_before(struct setup *setup, struct span secret)
{
    uint8_t digest[HASH_BYTES];
    hash_parts(&secret, 1, digest);
    for (size_t i = 0; i < setup->digest_count; i++)
        if (hmac_equal(setup->digests[i], digest, HASH_BYTES))
            return true;
    setup->digests = mem_resize(setup->digests, (setup->digest_count + 1) * sizeof *setup->digests);
    memcpy(setup->digests[setup->digest_count++], digest, HASH_BYTES);
    return false;
}

/* Needed only while loading. */
static void forget_digests(struct setup *setup)
{
    if (setup->digests != NULL)
        hmac_wipe(setup->digests, setup->digest_count * sizeof *setup->digests);
    free(setup->digests);
    setup->digests = NULL;
    setup->digest_count = 0;
}

static void wipe(struct buf *secret)
{
    if (secret->at != NULL)
        hmac_wipe(secret->at, secret->room);
    buf_free(secret);
}

/* One newline at the end of a file is the editor's, not the secret's. */
static struct span without_newline(struct span text)
{
    if (text.len > 0 && text.at[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.at[text.len - 1] == '\r')
        text.len--;
    return text;
}

/* The text of a secret, from a variable or a file, of which the buffer holds the bytes; false with a fault.
 */
static bool read_secret(struct setup *setup, const char *of, const struct secret_config *from,
                        struct buf *file, struct span *text, struct faults *faults)
{
    *text = *from->env ? variable_take(from->env) : SPAN("");
    if (*from->file == '\0')
        return true;
    file->room = SETUP_SECRET_MAX + 4096 + 1; /* never moved while it grows, so that it can be wiped */
    file->at = mem_alloc(file->room);
    if (!read_named_file(setup, of, from->line, from->file, mode_suits_secret, SETUP_SECRET_MAX + 2, file,
                         faults))
        return false;
    *text = without_newline(buf_span(file));
    return true;
}

/* Adds a secret; a variable that is not set, or nothing in it, adds none. */
static void add_secret(struct setup *setup, struct source *source, const struct source_config *by,
                       const struct secret_config *from, struct faults *faults)
{
    struct buf file CLEANUP(wipe) = {0};
    struct span text;
    if (!read_secret(setup, by->name, from, &file, &text, faults))
        return;
    if (text.len == 0)
        return;
    if (text.len > SETUP_SECRET_MAX) {
        fault(setup, faults, from->line, source->name, "a secret is at most 4096 bytes long");
        return;
    }
    if (!locked_has_room(text.len)) {
        fault(setup, faults, from->line, source->name, "there is no locked memory left for its secret");
        return;
    }
    const char *why;
    struct scheme_key *key =
        source->definition ? scheme_key_new(source->definition->scheme, text, &why) : NULL;
    if (key == NULL) {
        if (source->definition != NULL)
            faults_add(faults, "%s:%d: %s: its secret %s", setup->config.file, from->line, source->name, why);
        return;
    }
    if (used_before(setup, scheme_bare_secret(source->definition->scheme, text))) {
        scheme_key_free(key);
        fault(setup, faults, from->line, source->name, "this secret is used twice");
        return;
    }
    source->secrets = mem_resize(source->secrets, (source->secret_count + 1) * sizeof *source->secrets);
    source->secrets[source->secret_count++] = (struct secret){
        .name = mem_copy(span_of(from->name)),
        .key = key,
        .not_before = from->not_before,
        .not_after = from->not_after,
    };
}

/* The one that stands in the source's own section. */
static struct secret_config own_secret(const struct source_config *from)
{
    return (struct secret_config){
        .name = from->name,
        .line = from->line,
        .env = from->secret_env,
        .file = from->secret_file,
        .not_before = INT64_MIN,
        .not_after = INT64_MAX,
    };
}

static void add_secrets(struct setup *setup, struct source *source, const struct source_config *from,
                        struct faults *faults)
{
    struct secret_config own = own_secret(from);
    add_secret(setup, source, from, &own, faults);
    for (size_t i = 0; i < from->secret_count; i++)
        add_secret(setup, source, from, &from->secrets[i], faults);
}

/* Tokens of the private API. */

static void add_token(struct setup *setup, const struct token_config *from, enum token_role role,
                      bool is_needed, struct faults *faults)
{
    struct tokens *tokens = &setup->sources.tokens;
    const struct secret_config secret = {.env = from->env, .file = from->file, .line = from->line};
    struct buf file CLEANUP(wipe) = {0};
    struct span text;
    if (!read_secret(setup, from->name, &secret, &file, &text, faults) || (text.len == 0 && !is_needed))
        return;
    if (text.len < TOKEN_LEAST || text.len > TOKEN_MOST) {
        fault(setup, faults, from->line, from->name, "a token is 16 to 4096 bytes long");
        return;
    }
    if (used_before(setup, text)) {
        fault(setup, faults, from->line, from->name, "this token is used twice");
        return;
    }
    tokens->all = mem_resize(tokens->all, (tokens->count + 1) * sizeof *tokens->all);
    struct token *token = &tokens->all[tokens->count++];
    *token = (struct token){.name = from->name, .role = role, .org = from->org, .sources = from->sources};
    hash_text(text, token->digest);
}

static void add_tokens(struct setup *setup, struct faults *faults)
{
    const struct config *config = &setup->config;
    const struct token_config own = {.name = "default",
                                     .env =
                                         *config->server.api_token_file ? "" : config->server.api_token_env,
                                     .file = config->server.api_token_file,
                                     .org = "default",
                                     .sources = ""};
    add_token(setup, &own, TOKEN_ADMIN, false, faults);
    for (size_t i = 0; i < config->token_count; i++) {
        enum token_role role;
        if (token_role_read(span_of(config->tokens[i].role), &role))
            add_token(setup, &config->tokens[i], role, true, faults);
    }
}

/* Whom the dispatcher's notices are signed by. */
static void add_notify_secret(struct setup *setup, struct faults *faults)
{
    const struct server_config *server = &setup->config.server;
    const struct secret_config secret = {.env = *server->notify_secret_file ? "" : server->notify_secret_env,
                                         .file = server->notify_secret_file};
    struct buf file CLEANUP(wipe) = {0};
    struct buf vouchers CLEANUP(buf_free) = {0}; /* only to find out whether they can be read */
    struct span text;
    if (*server->notify_url == '\0' || !read_secret(setup, "notify_url", &secret, &file, &text, faults))
        return;
    if (*server->notify_ca_file != '\0')
        setup_read_checked(server->notify_ca_file, mode_suits_config, SETUP_FILE_MAX, &vouchers, faults);
    if (text.len == 0 && *secret.file == '\0' && !variable_is_name(span_of(secret.env)))
        faults_add(faults, "%s: notify_url needs a secret: notify_secret_env " NO_NAME, setup->config.file);
    else if (text.len == 0)
        faults_add(faults, "%s: notify_url needs a secret: set %s", setup->config.file,
                   *secret.file ? secret.file : secret.env);
    else if (used_before(setup, text))
        faults_add(faults, "%s: the secret of notify_url is used twice", setup->config.file);
    else
        setup->notify_secret = whsec_new(text, "the secret of notify_url", faults);
}

struct seal *setup_read_seal(const char *path, struct faults *faults)
{
    struct buf text CLEANUP(wipe) = {0};
    struct seal *seal = seal_new();
    if (setup_read_private(path, mode_suits_secret, SETUP_KEYS_MAX, &text, faults) &&
        seal_read(seal, buf_span(&text), path, faults))
        return seal;
    seal_free(seal);
    return NULL;
}

static void check_notify_url(const struct setup *setup, struct faults *faults)
{
    const char *url = setup->config.server.notify_url;
    if (*url != '\0' && !fetch_is_url(url))
        faults_add(faults, "%s: notify_url must be a whole http or https URL", setup->config.file);
}

void setup_with_secrets(struct setup *setup, const char *source,
                        void (*use)(void *arg, const char *name, struct span text), void *arg)
{
    struct faults faults CLEANUP(faults_free) = {0}; /* were said when the sources were built */
    for (size_t i = 0; i < setup->config.source_count; i++) {
        const struct source_config *from = &setup->config.sources[i];
        struct secret_config own = own_secret(from);
        if (strcmp(from->name, source) != 0)
            continue;
        for (size_t k = 0; k <= from->secret_count; k++) {
            const struct secret_config *secret = k == 0 ? &own : &from->secrets[k - 1];
            struct buf file CLEANUP(wipe) = {0};
            struct span text;
            if (read_secret(setup, from->name, secret, &file, &text, &faults) && text.len > 0)
                use(arg, secret->name, text);
        }
    }
}

/* Definitions. */

static const struct definition *keep(struct setup *setup, struct definition *definition)
{
    if (definition == NULL)
        return NULL;
    setup->definitions =
        mem_resize(setup->definitions, (setup->definition_count + 1) * sizeof(struct definition *));
    setup->definitions[setup->definition_count++] = definition;
    return definition;
}

static const struct definition *load_from_dir(struct setup *setup, const struct source_config *from,
                                              struct faults *faults)
{
    struct buf path CLEANUP(buf_free) = {0};
    struct buf text CLEANUP(buf_free) = {0};
    if (strchr(from->vendor, '/') != NULL || from->vendor[0] == '.') {
        fault(setup, faults, from->line, from->name, "vendor is a name, not a path");
        return NULL;
    }
    buf_printf(&path, "%s/%s.json", setup->config.server.vendor_dir, from->vendor);
    if (!read_named_file(setup, from->name, from->line, buf_text(&path), mode_suits_config, SETUP_FILE_MAX,
                         &text, faults))
        return NULL;
    return keep(setup, definition_load(buf_span(&text), buf_text(&path), faults));
}

static const struct definition *find_definition(struct setup *setup, const struct source_config *from,
                                                struct faults *faults)
{
    for (size_t i = 0; i < setup->definition_count; i++)
        if (span_is(setup->definitions[i]->vendor, span_of(from->vendor)))
            return setup->definitions[i];
    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        struct builtin builtin = builtin_at(i);
        if (strcmp(builtin.vendor, from->vendor) == 0)
            return keep(setup, definition_load(builtin.text, builtin.vendor, faults));
    }
    return load_from_dir(setup, from, faults);
}

/* Sources. */

static char *why_no_secret(const struct setup *setup, const struct source_config *from)
{
    struct buf why = {0};
    if (variable_is_name(span_of(from->secret_env)))
        buf_printf(&why, "no secret: set %s", from->secret_env);
    else if (*from->secret_env != '\0')
        buf_printf(&why, "no secret: %s:%d: secret_env " NO_NAME, setup->config.file, from->line);
    else if (*from->secret_file != '\0')
        buf_printf(&why, "no secret: %s is empty", from->secret_file);
    else
        buf_printf(&why, "no secret: set secret_env or secret_file in [source %s]", from->name);
    return buf_text(&why);
}

/* A text that is no list was refused with its line; it must never become an empty list, which is anybody. */
static struct networks networks_of(struct setup *setup, const char *text)
{
    struct networks networks;
    if (!networks_parse(&setup->config.arena, span_of(text), &networks))
        abort();
    return networks;
}

/* A burst that is not set is what a second allows. */
static struct rate rate_of(int64_t per_second, int64_t burst)
{
    return (struct rate){per_second, burst > 0 ? burst : per_second};
}

static void build_source(struct setup *setup, struct source *source, const struct source_config *from,
                         enum setup_secrets secrets, struct faults *faults)
{
    *source = (struct source){
        .name = from->name,
        .org = from->org,
        .lab = from->lab,
        .id_prefix = *from->id_prefix ? from->id_prefix : from->vendor,
        .clinic_prefix = from->clinic_prefix,
        .public_url = from->public_url,
        .tolerance = from->tolerance * 1000,
        .rate = rate_of(from->rate, from->burst),
        .definition = find_definition(setup, from, faults),
        .allow_from = networks_of(setup, from->allow_from),
        .is_off = !from->enabled,
    };
    if (*from->timezone != '\0' && (source->zone = zone_find(span_of(from->timezone))) == NULL)
        fault(setup, faults, from->line, from->name, "timezone is not known");
    if (strpbrk(from->public_url, "?#") != NULL)
        fault(setup, faults, from->line, from->name,
              "public_url must have no ? and no #; a request's own query is added");
    if (secrets == SETUP_WITH_SECRETS)
        add_secrets(setup, source, from, faults);
    if (source->is_off)
        source->disabled = mem_copy(SPAN("enabled = no"));
    else if (secrets == SETUP_WITH_SECRETS && source->secret_count == 0)
        source->disabled = why_no_secret(setup, from);
}

/* Whether ids with the one prefix can be ids with the other: "north-2-7" is 7 of "north-2", and 2-7 of
 * "north". */
static bool overlap(const char *a, const char *b)
{
    size_t shorter = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    const char *longer = strlen(a) < strlen(b) ? b : a;
    return strncmp(a, b, shorter) == 0 && (longer[shorter] == '\0' || longer[shorter] == '-');
}

/* Two sources must not speak for the same pickup. */
static void check_prefixes(struct setup *setup, struct faults *faults)
{
    const struct sources *sources = &setup->sources;
    for (size_t i = 0; i < sources->count; i++) {
        const struct source *a = &sources->all[i];
        for (size_t k = i + 1; k < sources->count; k++) {
            const struct source *b = &sources->all[k];
            if (a->disabled == NULL && b->disabled == NULL && a->definition == b->definition &&
                strcmp(a->org, b->org) == 0 && overlap(a->id_prefix, b->id_prefix))
                fault(setup, faults, setup->config.sources[k].line, b->name,
                      "another source of this vendor and org has this id_prefix, or one that could be taken "
                      "for it");
        }
    }
}

size_t setup_longest_body(const struct sources *sources, size_t otherwise)
{
    size_t longest = otherwise;
    for (size_t i = 0; i < sources->count; i++) {
        const struct definition *definition = sources->all[i].definition;
        if (sources->all[i].disabled == NULL && definition != NULL && (size_t)definition->max_body > longest)
            longest = (size_t)definition->max_body;
    }
    return longest;
}

static void check_sizes(const struct setup *setup, struct faults *faults)
{
    const struct server_config *server = &setup->config.server;
    size_t longest = setup_longest_body(&setup->sources, (size_t)server->max_body);
    if ((size_t)server->queue_bytes < longest)
        faults_add(faults, "%s: queue_bytes must not be less than max_body, here or in a definition",
                   setup->config.file);
    if ((size_t)server->body_bytes / SETUP_BODIES < longest)
        faults_add(faults, "%s: body_bytes must not be less than %d times max_body, here or in a definition",
                   setup->config.file, SETUP_BODIES);
}

/*
 * The configuration itself says whom root becomes, whose it may be. One that turns out to be another's counts
 * for nothing, and what it names is not read.
 */
static void read_config(struct setup *setup, const char *file, struct faults *faults)
{
    struct buf text CLEANUP(buf_free) = {0};
    struct faults mistakes CLEANUP(faults_free) = {0};
    int fd = setup_file_open(file, mode_suits_unread, faults);
    if (fd < 0)
        return;
    if (setup_file_read(fd, file, SETUP_FILE_MAX, &text, &mistakes))
        config_read(&setup->config, buf_span(&text), file, &mistakes);
    if (privileges_are_root())
        mode_trust(privileges_uid(setup->config.server.user));
    bool is_ours = mode_suits_owner(fd, file, faults);
    close(fd);
    for (size_t i = 0; is_ours && i < mistakes.count; i++)
        faults_add(faults, "%s", mistakes.texts[i]);
    if (is_ours)
        return;
    config_free(&setup->config);
    setup->config = (struct config){0};
    config_defaults(&setup->config);
}

bool setup_load(struct setup *setup, const char *file, enum setup_secrets secrets, struct faults *faults)
{
    *setup = (struct setup){0};
    config_defaults(&setup->config);
    if (file != NULL)
        read_config(setup, file, faults);
    setup->address_rate = rate_of(setup->config.server.address_rate, setup->config.server.address_burst);
    setup->trusted_proxies = networks_of(setup, setup->config.server.trusted_proxies);
    setup->sources.all = mem_alloc((setup->config.source_count + 1) * sizeof *setup->sources.all);
    for (size_t i = 0; i < setup->config.source_count; i++) {
        if (*setup->config.sources[i].vendor == '\0')
            continue; /* is a fault already */
        build_source(setup, &setup->sources.all[setup->sources.count++], &setup->config.sources[i], secrets,
                     faults);
    }
    if (secrets == SETUP_WITH_SECRETS)
        add_tokens(setup, faults);
    if (secrets == SETUP_WITH_SECRETS)
        add_notify_secret(setup, faults);
    if (secrets == SETUP_WITH_SECRETS)
        certificates_load(setup, faults);
    check_notify_url(setup, faults);
    check_sizes(setup, faults);
    if (faults->count == 0 && secrets == SETUP_WITH_SECRETS)
        check_prefixes(setup, faults);
    forget_digests(setup);
    return faults->count == 0;
}

void setup_clear_sources(struct setup *setup)
{
    for (size_t i = 0; i < setup->sources.count; i++) {
        struct source *source = &setup->sources.all[i];
        for (size_t k = 0; k < source->secret_count; k++) {
            free(source->secrets[k].name);
            scheme_key_free(source->secrets[k].key);
        }
        free(source->secrets);
        free(source->disabled);
    }
    for (size_t i = 0; i < setup->definition_count; i++)
        definition_free(setup->definitions[i]);
    free(setup->definitions);
    free(setup->sources.all);
    if (setup->sources.tokens.all != NULL)
        hmac_wipe(setup->sources.tokens.all, setup->sources.tokens.count * sizeof(struct token));
    free(setup->sources.tokens.all);
    setup->definitions = NULL;
    setup->definition_count = 0;
    setup->sources = (struct sources){0};
}

void setup_free(struct setup *setup)
{
    setup_clear_sources(setup);
    whsec_free(setup->notify_secret);
    tls_free(setup->tls);
    tls_free(setup->api_tls);
    seal_free(setup->seal);
    config_free(&setup->config);
}

void setup_start_log(const struct setup *setup, const struct setup_log *options)
{
    const struct server_config *server = &setup->config.server;
    enum log_level level;
    enum log_format format;
    if (log_level_read(span_of(options->level != NULL ? options->level : server->log_level), &level) &&
        log_format_read(span_of(options->format != NULL ? options->format : server->log_format), &format))
        log_set(level, format);
}

void setup_report(const struct setup *setup)
{
    for (size_t i = 0; i < setup->sources.count; i++) {
        const struct source *source = &setup->sources.all[i];
        if (source->disabled != NULL)
            log_event(LOG_WARN, "source disabled", LOG_STR("source", source->name),
                      LOG_STR("reason", source->disabled));
        else
            log_event(LOG_INFO, "source enabled", LOG_STR("source", source->name),
                      LOG_NUM("secrets", (int64_t)source->secret_count));
    }
    certificates_report(setup);
}

char *setup_beside(const struct setup *setup, const char *suffix)
{
    struct buf path = {0};
    buf_printf(&path, "%s%s", setup->config.server.database, suffix);
    return buf_text(&path);
}
