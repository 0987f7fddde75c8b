/* Tokens: which one a header bears, if any, and what it may. */
#include "model/token.h"

#include "unit.h"

#define READER "0123456789abcdef"
#define WORKER "0123456789abcdef0123456789abcdef"

static struct token all[] = {
    {.name = "reader", .role = TOKEN_READ, .org = "default", .sources = ""},
    {.name = "worker", .role = TOKEN_WORK, .org = "north", .sources = ""},
};
static const struct tokens tokens = {all, 2};

static int set_up(void **state)
{
    (void)state;
    hash_text(SPAN(READER), all[0].digest);
    hash_text(SPAN(WORKER), all[1].digest);
    return 0;
}

static const struct {
    const char *header;
    const char *name; /* NULL for none */
} headers[] = {
    {"Bearer " READER, "reader"},
    {"Bearer " WORKER, "worker"},
    {"bearer " READER, "reader"},
    {"BEARER   " READER "  ", "reader"},
    {"Bearer\t" READER, NULL},
    {"Bearer" READER, NULL},
    {"Bearer", NULL},
    {"Bearer ", NULL},
    {"", NULL},
    {READER, NULL},
    {"Basic " READER, NULL},
    {" Bearer " READER, NULL},
    {"Bearer " READER "x", NULL},
    {"Bearer 0123456789abcde", NULL},
    {"Bearer 0123456789ABCDEF", NULL},
    {"Bearer " READER " " READER, NULL},
    {"Bearer " READER ", Bearer " READER, NULL},
    {"Bearer Bearer " READER, NULL},
};

static void a_header_bears_one_token(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        const struct token *found = tokens_find(&tokens, span_of(headers[i].header));
        CHECK(headers[i].header, (found == NULL) == (headers[i].name == NULL));
        if (found != NULL)
            check_text(headers[i].header, span_of(found->name), headers[i].name);
    }
    assert_null(tokens_find(&(struct tokens){0}, SPAN("Bearer " READER)));
}

/* The digest of the empty text is known to everybody; a token that was never filled in is nobody's. */
static void nothing_is_no_token(void **state)
{
    (void)state;
    struct token blank = {.name = "blank"};
    assert_null(tokens_find(&(struct tokens){&blank, 1}, SPAN("Bearer ")));
    assert_null(tokens_find(&(struct tokens){&blank, 1}, SPAN("Bearer x")));
}

static void roles_have_their_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum token_role role;
    } roles[] = {
        {"read", TOKEN_READ}, {"work", TOKEN_WORK}, {"publish", TOKEN_PUBLISH}, {"admin", TOKEN_ADMIN}};
    static const char *const none[] = {"", "Read", "readx", "rea", "read ", "root", "admin,read"};
    enum token_role role;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        CHECK(roles[i].text, token_role_read(span_of(roles[i].text), &role) && role == roles[i].role);
        check_text(roles[i].text, span_of(token_role_text(roles[i].role)), roles[i].text);
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        CHECK(none[i], !token_role_read(span_of(none[i]), &role));
}

static void sources_are_whole_names(void **state)
{
    (void)state;
    static const struct {
        const char *list, *source;
        bool may;
    } rows[] = {
        {"", "crm.portal", true},
        {"crm.portal", "crm.portal", true},
        {"crm.portal", "crm.porta", false},
        {"crm.portal", "crm.portal2", false},
        {"crm.portal", "crm", false},
        {"crm.portal", "CRM.portal", false},
        {"crm.portal", "", false},
        {"crm.portal, lims.bench ,x.y", "lims.bench", true},
        {"crm.portal, lims.bench ,x.y", "x.y", true},
        {"crm.portal, lims.bench ,x.y", "crm.portal, lims.bench", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct token token = {.sources = rows[i].list};
        CHECK(rows[i].source, token_may_publish(&token, span_of(rows[i].source)) == rows[i].may);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_bears_one_token),
        cmocka_unit_test(nothing_is_no_token),
        cmocka_unit_test(roles_have_their_words),
        cmocka_unit_test(sources_are_whole_names),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
