/* A request, for schemes of every kind: what is refused, and what more must be refused if it is not. */
#include "fuzz.h"

static const struct row {
    const char *secret, *scheme;
    bool signs_body;
} rows[] = {
    {"fuzz-secret-not-real",
     "'kind':'hmac','hash':'sha256','signature':{'header':'X-Plain','prefix':'sha256=','list':',',"
     "'encoding':'hex'},'signed':'{body}'",
     true},
    {"fuzz-secret-not-real",
     "'kind':'hmac','hash':'sha256','signature':{'header':'X-Pairs','list':',','pair':'=','keys':['v1','v0'],"
     "'encoding':'hex'},'timestamp':{'key':'t','format':'unix'},'signed':'{timestamp}.{body}'",
     true},
    {"whsec_ZnV6ei1zZWNyZXQtbm90LXJlYWw=",
     "'kind':'hmac','hash':'sha256','secret':{'strip':'whsec_','encoding':'base64'},'id':{'header':'X-Id'},"
     "'timestamp':{'header':'X-Unix','format':'unix'},'signature':{'header':'X-Standard','list':' ',"
     "'pair':',','keys':['v1'],'encoding':'base64'},'signed':'{id}.{timestamp}.{body}'",
     true},
    {"66757a7a",
     "'kind':'hmac','hash':'sha512','secret':{'encoding':'hex'},'signature':{'header_pattern':'X-Sig-*',"
     "'encoding':'base64url'},'timestamp':{'header':'X-Time','format':'iso8601','past':'any'},"
     "'signed':'{timestamp}|{header:X-Id}|{body_base64}'",
     true},
    {"fuzz-secret-not-real",
     "'kind':'hmac','hash':'sha1','signature':{'query':'sig','encoding':'base64'},"
     "'timestamp':{'query':'at','format':'unix','future':'1s'},'signed':'{timestamp}{form_sorted}'",
     true},
    {"fuzz-secret-not-real",
     "'kind':'hmac','hash':'sha256','signature':{'json':'meta.sig','encoding':'hex'},'body':'unsigned',"
     "'timestamp':{'json':'meta.at','format':'unix_ms'},'signed':'{timestamp}{json:meta.id}.{url}{method}'",
     false},
    {"fuzz-token-not-real", "'kind':'static','signature':{'header':'X-Token','prefix':'Bearer '}", false},
    {"fuzz:not-real", "'kind':'basic','signature':{'header':'Authorization'}", false},
    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", /* RFC 8032, test 1 */
     "'kind':'ed25519','secret':{'encoding':'hex'},'signature':{'header':'X-Ed','encoding':'hex'},"
     "'timestamp':{'header':'X-Unix','format':'unix'},'signed':'{timestamp}{body}'",
     true},
    {"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3RxwncWMtBR17tr+ELJdhmtCMiggW4SArhY67UMlT4ia6kJA2JOa8U"
     "1fFdHONEcQf3L+n9PBIh93eQR9/X0uRQ==",
     "'kind':'ecdsa','secret':{'encoding':'base64'},'signature':{'header':'X-Ec','list':',',"
     "'encoding':'base64'},'signed':'{body}'",
     true},
};

#define ROWS (sizeof rows / sizeof rows[0])

static struct desk {
    struct secret secret;
    struct source source;
} desks[ROWS];

static void set_up(void)
{
    struct arena arena CLEANUP(arena_free) = {0};
    for (size_t i = 0; i < ROWS; i++) {
        struct buf text = {.arena = &arena};
        buf_printf(&text,
                   "{'vendor':'fuzz','scheme':{%s},'event':{'source':'ehr.fuzz','type':'Fuzzed',"
                   "'detail':{'all':{'from':'$','type':'any'}}}}",
                   rows[i].scheme);
        const struct definition *definition = fuzz_definition(fuzz_quoted(&arena, buf_text(&text)));
        desks[i].secret = fuzz_secret(definition, rows[i].secret);
        HOLDS(desks[i].secret.key != NULL);
        desks[i].source = fuzz_source(definition, &desks[i].secret);
    }
}

static bool is_good(const struct source *source, const struct request *request, struct arena *arena)
{
    struct proof proof = {0};
    bool good = scheme_verify(source->definition->scheme, source, request, arena, &proof) == ERR_OK;
    HOLDS(proof.reason != NULL && good == (proof.secret != NULL));
    return good;
}

static void try_desk(const struct desk *desk, bool signs_body, struct request request, struct arena *arena)
{
    struct source closed = desk->source;
    struct buf body = {.arena = arena};
    closed.secret_count = 0;
    HOLDS(!is_good(&closed, &request, arena));
    if (!is_good(&desk->source, &request, arena))
        return;
    HOLDS(is_good(&desk->source, &request, arena));
    buf_add(&body, request.body);
    buf_add_char(&body, 'x');
    request.body = buf_span(&body);
    HOLDS(!signs_body || !is_good(&desk->source, &request, arena));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct header headers[FUZZ_HEADERS_MAX];
    struct request request = fuzz_request(fuzz_span(data, size), headers);
    if (desks[0].source.definition == NULL)
        set_up();
    for (size_t i = 0; i < ROWS; i++)
        try_desk(&desks[i], rows[i].signs_body, request, &arena);
    return 0;
}
