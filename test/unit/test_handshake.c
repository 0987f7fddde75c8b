/* Handshakes: which requests are challenges, who may ask, and what is answered. */
#include "desk.h"

#define EVENT "'event':{'source':'s','type':'T','detail':{}}"

static void ask(struct desk *desk, const char *method, const char *query, const char *pass, const char *body)
{
    struct header header = {SPAN("X-Pass"), span_of(pass)};
    struct request request = {.method = span_of(method),
                              .path = SPAN("/webhooks/ehr/north"),
                              .query = span_of(query),
                              .body = quoted(&desk->arena, body),
                              .headers = &header,
                              .header_count = *pass != '\0' ? 1 : 0,
                              .received = RECEIVED};
    desk_reach(desk, &request);
}

struct row {
    const char *method, *query, *pass, *body, *want;
};

static void check_asked(const char *rules, const struct row *rows, size_t count)
{
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HEADER, rules);
    for (size_t i = 0; i < count; i++) {
        struct buf name = {.arena = &desk.arena};
        buf_printf(&name, "%s ?%s %s", rows[i].method, rows[i].query, rows[i].body);
        ask(&desk, rows[i].method, rows[i].query, rows[i].pass, rows[i].body);
        check_says(buf_text(&name), &desk, rows[i].want);
        bool refused = desk.verdict.kind == VERDICT_REFUSED;
        CHECK(buf_text(&name), refused || desk.verdict.proof.secret == &desk.secret);
        CHECK(buf_text(&name), refused || desk.verdict.kind == VERDICT_KEEP || desk.verdict.count == 0);
    }
}

static void the_first_that_is_meant_is_answered(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"POST", "", SECRET, "{'t':'hello','c':'abc'}", "answer 200 text/plain: abc"},
        {"POST", "", SECRET, "{'t':'hello','c':'abc','d':'def'}", "answer 200 text/plain: abc"},
        {"POST", "", SECRET, "{'t':'hello','d':'def'}", "answer 201 x/y: <def> def"},
        {"POST", "", SECRET, "{'t':'hello','c':'','d':'def'}", "answer 201 x/y: <def> def"},
        {"POST", "", SECRET, "{'t':'hello','c':7}", "T {}"}, /* a number is no text */
        {"POST", "", SECRET, "{'t':'hello'}", "T {}"},
        {"POST", "", SECRET, "{'t':'other','c':'abc'}", "T {}"},
        {"POST", "", "wrong", "{'t':'hello','c':'abc'}", "refused: wrong"},
        {"POST", "", "", "{'t':'hello','c':'abc'}", "refused: missing"},
        {"GET", "", SECRET, "{'t':'hello','c':'abc'}", "refused: no handshake"},
        {"POST", "", SECRET, "{'t':", "! Malformed JSON at byte 5"},
    };
    check_asked(EVENT ",'handshakes':[{'when':{'t':'hello'},'answer':{'body':'{c}'}},"
                      "{'when':{'t':'hello'},'answer':{'status':201,'type':'x/y','body':'<{d}> {d}'}}]",
                rows, sizeof rows / sizeof rows[0]);
}

static void a_get_is_answered_out_of_its_query(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"GET", "mode=subscribe&challenge=a%20b", SECRET, "", "answer 200 text/plain: a b"},
        {"GET", "mode=subscribe&challenge=a&challenge=b", SECRET, "", "refused: no handshake"},
        {"GET", "mode=other&challenge=a", SECRET, "", "refused: no handshake"},
        {"GET", "mode=subscribe", SECRET, "", "refused: no handshake"},
        {"GET", "mode=subscribe&challenge=a", "wrong", "", "refused: wrong"},
        {"POST", "mode=subscribe&challenge=a", SECRET, "{}", "T {}"},
        {"HEAD", "mode=subscribe&challenge=a", SECRET, "", "refused: no handshake"},
    };
    check_asked(EVENT ",'handshakes':[{'method':'GET','when':{'query:mode':'subscribe'},"
                      "'answer':{'body':'{query:challenge}'}}]",
                rows, sizeof rows / sizeof rows[0]);
}

/* Where the secret stands elsewhere in a handshake, it stands nowhere else; and vouches for nothing else. */
static void a_handshake_may_have_its_secret_elsewhere(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"GET", "v=first%20secret&c=abc", "", "", "answer 200 text/plain: abc"},
        {"GET", "v=first%20secret&c=abc", "wrong", "", "answer 200 text/plain: abc"},
        {"GET", "v=wrong&c=abc", "", "", "refused: missing"},
        {"GET", "v=wrong&c=abc", SECRET, "", "refused: no handshake"},
        {"GET", "c=abc", SECRET, "", "refused: no handshake"},
        {"GET", "v=first%20secret", "", "", "refused: missing"}, /* nothing to answer */
        {"POST", "v=first%20secret&c=abc", "", "{}", "refused: missing"},
        {"POST", "v=first%20secret&c=abc", SECRET, "{}", "T {}"},
        {"POST", "", "", "{'p':'first secret','e':'x'}", "answer 200 text/plain: x"},
        {"POST", "", "", "{'p':'wrong','e':'x'}", "refused: missing"},
        {"POST", "", "", "{'p':'first secret','f':'x'}", "refused: missing"},
        {"POST", "", "wrong", "{'f':'x'}", "refused: wrong"},
        {"POST", "", SECRET, "{'f':'x'}", "answer 204 application/json: "},
        {"POST", "", "", "{'f':'x'}", "refused: missing"},
    };
    check_asked(
        EVENT ",'handshakes':["
              "{'method':'GET','when':{'query:c':'*'},'secret':{'query':'v'},'answer':{'body':'{query:c}'}},"
              "{'when':{'e':'*'},'secret':{'json':'p'},'answer':{'body':'{e}'}},"
              "{'when':{'f':'*'},'answer':{'status':204}}]",
        rows, sizeof rows / sizeof rows[0]);
}

/* Before anything is proven only a short body is read, whoever it is from. */
static void a_secret_is_looked_for_in_16_kib(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HEADER,
              EVENT ",'handshakes':[{'when':{'e':'*'},'secret':{'json':'p'},'answer':{'body':'{e}'}},"
                    "{'when':{'f':'*'},'answer':{'body':'{f}'}}]");
    for (size_t bytes = 16384; bytes <= 16385; bytes++) {
        struct buf body = {.arena = &desk.arena};
        buf_add(&body, SPAN("{'p':'" SECRET "','e':'x','f':'y'}"));
        buf_add(&body, repeat(&desk.arena, ' ', bytes - body.len));
        ask(&desk, "POST", "", "", buf_text(&body));
        check_says("elsewhere", &desk, bytes == 16384 ? "answer 200 text/plain: x" : "refused: missing");
        ask(&desk, "POST", "", SECRET, buf_text(&body));
        check_says("both", &desk, bytes == 16384 ? "answer 200 text/plain: x" : "answer 200 text/plain: y");
    }
}

/* The prefix of the usual place says nothing of the other one. */
static void another_place_has_no_prefix(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, "'scheme':{'kind':'static','signature':{'header':'X-Pass','prefix':'Bearer '}}",
              EVENT ",'handshakes':[{'method':'GET','when':{'query:c':'*'},'secret':{'query':'v'},"
                    "'answer':{'body':'{query:c}'}}]");
    ask(&desk, "GET", "v=first%20secret&c=abc", "", "");
    check_says("without", &desk, "answer 200 text/plain: abc");
    ask(&desk, "GET", "v=Bearer%20first%20secret&c=abc", "", "");
    check_says("with", &desk, "refused: missing");
    ask(&desk, "POST", "", "Bearer " SECRET, "{}");
    check_says("the usual place", &desk, "T {}");
}

/* From Python: hmac.new(b"first secret", b"crc-token", "sha256").hexdigest() */
#define CRC "18574bb54191da1b733721c1e15b2e63db1ecf8161265843127e30cb57940652"

static void an_answer_may_prove_that_we_have_the_secret(void **state)
{
    (void)state;
    static const struct {
        const char *body, *want;
    } rows[] = {
        {"{'t':'crc','c':'crc-token'}",
         "answer 200 application/json: {'plain':'crc-token','hash':'sha256=" CRC "','none':''}"},
        {"{'t':'crc','c':''}", "T {}"},
        {"{'t':'crc'}", "T {}"},
        {"{'t':'crc','c':{'d':'crc-token'}}", "T {}"},
        {"{'t':'text','c':'crc-token','x':1}", "answer 200 text/plain: " CRC},
    };
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC,
              EVENT ",'handshakes':[{'when':{'t':'crc'},'answer':{'body':{'plain':'{c}',"
                    "'hash':'sha256={hmac:c}','none':''}}},"
                    "{'when':{'t':'text'},'answer':{'body':'{hmac:c}'}}]");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        desk_post(&desk, rows[i].body);
        check_says(rows[i].body, &desk, rows[i].want);
    }
}

/* What is echoed must not end the text that it is put in. */
static void an_object_of_texts_stays_one(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC,
              EVENT ",'handshakes':[{'when':{'c':'*'},'answer':{'body':{'a\\'b':'\\\\{c}\\n'}}},"
                    "{'when':{'e':'*'},'answer':{'body':{}}}]");
    desk_post(&desk, "{'c':'x\\',\\'y\\':\\'z\\\\'}");
    check_says("quotes", &desk, "answer 200 application/json: {'a\\'b':'\\\\x\\',\\'y\\':\\'z\\\\\\n'}");
    desk_post(&desk, "{'c':'\\u0001\xc3\xbc'}");
    check_says("controls", &desk, "answer 200 application/json: {'a\\'b':'\\\\\\u0001\xc3\xbc\\n'}");
    desk_post(&desk, "{'e':1}");
    check_says("empty", &desk, "answer 200 application/json: {}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_is_meant_is_answered),
        cmocka_unit_test(a_get_is_answered_out_of_its_query),
        cmocka_unit_test(a_handshake_may_have_its_secret_elsewhere),
        cmocka_unit_test(a_secret_is_looked_for_in_16_kib),
        cmocka_unit_test(another_place_has_no_prefix),
        cmocka_unit_test(an_answer_may_prove_that_we_have_the_secret),
        cmocka_unit_test(an_object_of_texts_stays_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
