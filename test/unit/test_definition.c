/* Loading definitions: the built-in ones, and every kind of mistake with the path where it stands. */
#include "model/definition.h"

#include "desk.h"
#include "model/builtin.h"

static void the_built_in_ones_load(void **state)
{
    (void)state;
    static const char *const rows[BUILTIN_COUNT][3] = {
        {"dentrix", "X-Dentrix-Signature", "DENTRIX_WEBHOOK_SECRET"},
        {"opendental", "X-OpenDental-Signature", "OPENDENTAL_WEBHOOK_SECRET"},
        {"eaglesoft", "X-Eaglesoft-Signature", "EAGLESOFT_WEBHOOK_SECRET"},
    };
    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        struct faults faults CLEANUP(faults_free) = {0};
        struct builtin builtin = builtin_at(i);
        struct definition *definition = definition_load(builtin.text, builtin.vendor, &faults);
        check_faults(builtin.vendor, &faults, "");
        assert_non_null(definition);
        check_text("vendor", span_of(builtin.vendor), rows[i][0]);
        check_text("vendor", definition->vendor, rows[i][0]);
        check_text("header", scheme_place(definition->scheme), rows[i][1]);
        check_text("secret", span_of(builtin.secret_env), rows[i][2]);
        definition_free(definition);
    }
}

#define SCHEME                                                                                               \
    "{'kind':'hmac','hash':'sha256','signature':{'header':'X-Sig','encoding':'hex'},'signed':'{body}'}"
#define DETAIL "{'id':{'from':'a','type':'id'}}"
#define WORDS  "{'ref':'{pickupId}'}"

/* A whole definition, and what is wrong with it. */
static const struct mistake {
    const char *text, *faults;
} roots[] = {
    {"", "v.json:1: Malformed JSON"},
    {"{\n'vendor': x}", "v.json:2: Malformed JSON"},
    {"{'vendor':'v',\n'vendor':'w'}", "v.json:2: Duplicate key"},
    {"[]", "v.json:1: must be an object"},
    {"'v'", "v.json:1: must be an object"},
    {"{}", "v.json:1: vendor: is missing; v.json:1: scheme: is missing; v.json:1: event: is missing"},
    {"{'vendor':'','scheme':" SCHEME ",'event':{'source':'s','type':'t','detail':" DETAIL
     "},'confirmation':" WORDS "}",
     "v.json:1: vendor: must be a text that is not empty"},
    {"{'vendor':7,'scheme':" SCHEME ",'event':{'source':'s','type':'t','detail':" DETAIL
     "},'confirmation':" WORDS ",'colour':'red'}",
     "v.json:1: colour: unknown key; v.json:1: vendor: must be a text that is not empty"},
    {"{'scheme':" SCHEME ",'event':{'ignore':true},\n'vendor':'v w'}",
     "v.json:2: vendor: must be letters, digits, '-', '_' and '.'; "
     "v.json:2: vendor: must be the file's name without .json"},
    {"{'scheme':" SCHEME ",'event':{'ignore':true},\n'vendor':'V'}",
     "v.json:2: vendor: must be the file's name without .json"},
    {"{'vendor':'v','scheme':7,'event':[],'confirmation':'x'}",
     "v.json:1: scheme: must be an object; v.json:1: event: must be an object; "
     "v.json:1: confirmation: must be an object"},
    {"{'vendor':'v','scheme':" SCHEME ",'event':{'sauce':'s'},'confirmation':" WORDS "}",
     "v.json:1: event.sauce: unknown key; v.json:1: event.source: is missing; v.json:1: event.type: is "
     "missing; "
     "v.json:1: event.detail: is missing"},
};

static void mistakes_at_the_root_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        check_load(roots[i].text, roots[i].text, roots[i].faults);
}

static const char *definition_with(struct arena *arena, const char *scheme, const char *detail,
                                   const char *words)
{
    struct buf text = {.arena = arena};
    buf_printf(&text,
               "{'vendor':'v','scheme':%s,'event':{'source':'s','type':'t','detail':%s},'confirmation':%s}",
               scheme, detail, words);
    return buf_text(&text);
}

/* A definition that is right but for one part. */
static void check_part(const char *part, const char *scheme, const char *detail, const char *words,
                       const char *want)
{
    struct arena arena CLEANUP(arena_free) = {0};
    check_load(part, definition_with(&arena, scheme, detail, words), want);
}

#define S       "v.json:1: scheme"
#define HEADER  "'signature':{'header':'X','encoding':'hex'}"
#define KIND    "'kind':'hmac','hash':'sha256',"
#define SIGNED  ",'signed':'{body}'"
#define NO_BODY S ".signed: signs nothing of the body; if so it is, say \"body\": \"unsigned\""
#define UNKNOWN S ".signed: has a word in braces that is not known; " NO_BODY

static const struct mistake schemes[] = {
    {"{" KIND HEADER SIGNED "}", ""},
    {"7", S ": must be an object"},
    {"{'kind':'none','hash':'sha256'," HEADER SIGNED "}",
     S ".kind: must be one of hmac, static, basic, ed25519, ecdsa"},
    {"{'kind':'hmac','hash':'md5'," HEADER SIGNED "}", S ".hash: must be one of sha256, sha1, sha512"},
    {"{" KIND "'salt':1," HEADER SIGNED "}", S ".salt: unknown key"},
    {"{" KIND HEADER "}", S ".signed: is missing"},
    {"{" KIND "'signature':7" SIGNED "}", S ".signature: must be an object"},
    {"{" KIND "'signature':{'encoding':'hex'}" SIGNED "}", S ".signature: does not say where it stands"},
    {"{" KIND "'signature':{'header':'X','query':'y','encoding':'hex'}" SIGNED "}",
     S ".signature.query: there is a place for it already"},
    {"{" KIND "'signature':{'header':'','encoding':'hex'}" SIGNED "}",
     S ".signature.header: must be a text that is not empty"},
    {"{" KIND "'signature':{'header':'X'}" SIGNED "}",
     S ".signature.encoding: must be hex, base64 or base64url"},
    {"{" KIND "'signature':{'header':'X','encoding':'hex','pair':'='}" SIGNED "}",
     S ".signature.keys: must list the keys that count"},
    {"{" KIND "'signature':{'header':'X','encoding':'hex','keys':['v1']}" SIGNED "}",
     S ".signature.keys: goes with pair only"},
    {"{" KIND "'signature':{'header':'X','encoding':'hex','list':', '}" SIGNED "}",
     S ".signature.list: must be one character"},
    {"{" KIND HEADER ",'signed':'{bdoy}'}", UNKNOWN},
    {"{" KIND HEADER ",'signed':'{body'}", S ".signed: has a { without a }"},
    {"{" KIND HEADER ",'signed':'{header:}'}", UNKNOWN},
    {"{" KIND HEADER ",'signed':'{timestamp}.{body}'}",
     S ": timestamp and {timestamp} in signed go together"},
    {"{" KIND HEADER ",'timestamp':{'header':'T','format':'unix'}" SIGNED "}",
     S ": timestamp and {timestamp} in signed go together"},
    {"{" KIND HEADER ",'id':{'header':'I'}" SIGNED "}", S ": id and {id} in signed go together"},
    {"{" KIND HEADER ",'timestamp':{'key':'t','format':'unix'},'signed':'{timestamp}{body}'}",
     S ".timestamp.key: needs a signature with list and pair"},
    {"{" KIND HEADER ",'timestamp':{'header':'T','format':'now','past':'0s','future':'400d'},"
     "'signed':'{timestamp}{body}'}",
     S ".timestamp.format: must be one of unix, unix_ms, iso8601; " S
       ".timestamp.past: must be a duration of 1s to 366d, or any; " S
       ".timestamp.future: must be a duration of 1s to 366d, or any"},
    {"{" KIND HEADER ",'id':{'header':'I'},'signed':'{id}{body}'}",
     S ".signed: needs a character behind {id}, {header:...} and {json:...}"},
    {"{" KIND HEADER ",'signed':'{json:a}{body}'}",
     S ".signed: needs a character behind {id}, {header:...} and {json:...}"},
    {"{" KIND HEADER ",'signed':'hello'}",
     S ".signed: signs nothing of the body; if so it is, say \"body\": \"unsigned\""},
    {"{" KIND HEADER ",'signed':'{json:a}','body':'unsigned'}", ""},
    {"{" KIND HEADER ",'signed':'{json:a}','body':'signed'}", S ".body: must be one of unsigned"},
    {"{" KIND "'signature':{'header_pattern':'X','encoding':'hex'}" SIGNED "}",
     S ".signature.header_pattern: must have one *"},
    {"{" KIND "'signature':{'header':'X','encoding':'hex','list':',','pair':',','keys':['a']}" SIGNED "}",
     S ".signature.list: must not be the character of pair"},
    {"{" KIND HEADER ",'signed':'{header:N}{body}'}",
     S ".signed: needs a character behind {id}, {header:...} and {json:...}"},
    {"{" KIND "'signature':{'header':'X:','encoding':'hex'}" SIGNED "}",
     S ".signature.header: no header can be called so"},
    {"{" KIND HEADER SIGNED ",\n'body':'unsigned'}",
     "v.json:2: scheme.body: does not go with what is signed"},
    {"{" KIND HEADER ",'signed':'{body_base64}','body':'unsigned'}",
     S ".body: does not go with what is signed"},
    {"{" KIND HEADER ",'signed':'{form_sorted}','body':'unsigned'}",
     S ".body: does not go with what is signed"},
    {"{'kind':'ed25519',\n'hash':'sha512'," HEADER SIGNED "}",
     "v.json:2: scheme.hash: does not go with this kind"},
    {"{'kind':'ecdsa'," HEADER SIGNED ",'hash':'sha256'}", S ".hash: does not go with this kind"},
    {"{'kind':'static','signature':{'header':'X'},\n'body':'unsigned'}",
     "v.json:2: scheme.body: does not go with this kind, which signs nothing"},
    {"{'kind':'static','signature':{'header':'X'},'hash':'sha256','signed':'{body}'}",
     S ".hash: does not go with this kind, which signs nothing; " S
       ".signed: does not go with this kind, which signs nothing"},
    {"{'kind':'static','signature':{'header':'X'},'secret':{'encoding':'rot13','prefix':'x'}}",
     S ".secret.prefix: unknown key; " S ".secret.encoding: must be one of text, hex, base64, base64url"},
    {"{" KIND HEADER ",\n'secret':7" SIGNED "}", "v.json:2: scheme.secret: must be an object"},
    {"{" KIND HEADER ",'secret':{\n'strip':7}" SIGNED "}",
     "v.json:2: scheme.secret.strip: must be a text that is not empty"},
    {"{" KIND "'signature':{'header':'X',\n'encoding':'hex','salt':1}" SIGNED "}",
     "v.json:2: scheme.signature.salt: unknown key"},
    {"{" KIND HEADER ",\n'timestamp':{'header':'T','format':'unix','skew':1},'signed':'{timestamp}{body}'}",
     "v.json:2: scheme.timestamp.skew: unknown key"},
    {"{" KIND HEADER ",'timestamp':7,\n'id':[],'signed':'{body}'}",
     S ".timestamp: must be an object; v.json:2: scheme.id: must be an object"},
    {"{" KIND HEADER ",'id':{\n'query':'i'},'signed':'{id}.{body}'}",
     "v.json:2: scheme.id.query: unknown key; " S ".id: does not say where it stands; " S
     ": id and {id} in signed go together"},
    {"{" KIND HEADER ",'timestamp':{'json':'t','format':'unix','past':'any','future':'366d'},"
     "'signed':'{timestamp}{body}'}",
     ""},
    {"{" KIND HEADER ",'timestamp':{'json':'t','format':'unix','past':'367d'},'signed':'{timestamp}{body}'}",
     S ".timestamp.past: must be a duration of 1s to 366d, or any"},
};

static void mistakes_in_the_scheme_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        check_part(schemes[i].text, schemes[i].text, DETAIL, WORDS, schemes[i].faults);
}

#define AT    "v.json:1: event.detail."
#define TYPES "must be one of string, id, whole, number, bool, time, table, scalar, any"
#define WORD  "has a word in braces that is neither a variable nor an earlier text field"
#define SHIFT "must be a sign and a duration of at most 366 days, such as -1h"
#define PAIRS "must be a pair of a text, whole number, true or false, and what it becomes"

static const struct mistake details[] = {
    {"{}", ""},
    {"{'a':7}", AT "a: must be an object"},
    {"{'a':null}", AT "a: must be an object"},
    {"{'a':{'fields':7}}", AT "a.fields: must be an object"},
    {"{'a':{'text':7}}", AT "a.text: must be a text"},
    {"{'a':{'from':'x','type':'id','prefix':7}}", AT "a.prefix: must be a text"},
    {"{'a':{'from':'x','type':'whole','min':2,'max':1}}", AT "a.min: is more than max"},
    {"{'a':{'fields':{},'from':'x'}}", AT "a.from: unknown key"},
    {"{'a':{'text':'x','type':'id'}}", AT "a.type: unknown key"},
    {"{'a':{'fields':{'b':{'fields':{'c':{}}}}}}",
     AT "a.fields.b.fields.c.from: is missing; " AT "a.fields.b.fields.c.type: " TYPES},
    {"{'a':{'from':'x','type':'id','form':'y'}}", AT "a.form: unknown key"},
    {"{'a':{'from':'x','type':'date'}}", AT "a.type: " TYPES},
    {"{'a':{'from':'x','type':7}}", AT "a.type: " TYPES},
    {"{'a':{'from':'','type':'id'}}", AT "a.from: must be a text that is not empty"},
    {"{'a':{'from':7,'type':'id'}}", AT "a.from: must be a text that is not empty"},
    {"{'a':{'from':'x..y','type':'id'}}",
     AT "a.from: is no path: at most 8 names with dots between them, $, header:NAME or query:NAME"},
    {"{'a':{'from':'.x','type':'id'}}",
     AT "a.from: is no path: at most 8 names with dots between them, $, header:NAME or query:NAME"},
    {"{'a':{'from':'1.2.3.4.5.6.7.8','type':'id'}}", ""},
    {"{'a':{'from':'1.2.3.4.5.6.7.8.9','type':'id'}}",
     AT "a.from: is no path: at most 8 names with dots between them, $, header:NAME or query:NAME"},
    {"{'a':{'from':'x','type':'id','required':'yes'}}", AT "a.required: must be true or false"},
    {"{'a':{'from':'x','type':'id','required':true,'default':'y'}}",
     AT "a.default: a required field has no default"},
    {"{'a':{'from':'x','type':'id','default':{}}}",
     AT "a.default: must be a text, a number, true, false or null"},
    {"{'a':{'from':'x','type':'id','default':[]}}",
     AT "a.default: must be a text, a number, true, false or null"},
    {"{'a':{'from':'x','type':'string','prefix':'y'}}", AT "a.prefix: does not go with this type"},
    {"{'a':{'from':'x','type':'string','offset':'+1h'}}", AT "a.offset: does not go with this type"},
    {"{'a':{'from':'x','type':'string','table':[]}}", AT "a.table: does not go with this type"},
    {"{'a':{'from':'x','type':'string','ignore_case':true}}", AT "a.ignore_case: does not go with this type"},
    {"{'a':{'from':'x','type':'id','min':1}}", AT "a.min: does not go with this type"},
    {"{'a':{'from':'x','type':'id','max':1}}", AT "a.max: does not go with this type"},
    {"{'a':{'from':'x','type':'whole','min':'1','max':1.5}}",
     AT "a.min: must be a whole number; " AT "a.max: must be a whole number"},
    {"{'a':{'from':'x','type':'time','offset':'1h'}}", AT "a.offset: " SHIFT},
    {"{'a':{'from':'x','type':'time','offset':'+'}}", AT "a.offset: " SHIFT},
    {"{'a':{'from':'x','type':'time','offset':'+-1h'}}", AT "a.offset: " SHIFT},
    {"{'a':{'from':'x','type':'time','offset':'-367d'}}", AT "a.offset: " SHIFT},
    {"{'a':{'from':'x','type':'time','offset':'-366d'}}", ""},
    {"{'a':{'from':'x','type':'time','nulls':'none'}}", AT "a.nulls: must be a list that is not empty"},
    {"{'a':{'from':'x','type':'time','nulls':[{}]}}",
     AT "a.nulls.0: must be a text, a whole number, true or false"},
    {"{'a':{'from':'x','type':'table'}}", AT "a.table: must be a list of pairs"},
    {"{'a':{'from':'x','type':'table','table':[]}}", AT "a.table: must be a list of pairs"},
    {"{'a':{'from':'x','type':'table','table':{'y':1}}}", AT "a.table: must be a list of pairs"},
    {"{'a':{'from':'x','type':'table','table':[['y']]}}", AT "a.table.0: " PAIRS},
    {"{'a':{'from':'x','type':'table','table':[['y',1,2]]}}", AT "a.table.0: " PAIRS},
    {"{'a':{'from':'x','type':'table','table':[[null,1]]}}", AT "a.table.0: " PAIRS},
    {"{'a':{'from':'x','type':'table','table':[[1.5,1]]}}", AT "a.table.0: " PAIRS},
    {"{'a':{'from':'x','type':'table','table':['y']}}", AT "a.table.0: " PAIRS},
    {"{'a':{'from':'x','type':'table','table':[['y',1]],'ignore_case':1}}",
     AT "a.ignore_case: must be true or false"},
    {"{'a':{'text':'{vendor} {lab} {id_prefix} {clinic_prefix} {received}'}}", ""},
    {"{'a':{'text':'{nobody}'}}", AT "a.text: " WORD},
    {"{'a':{'text':'{}'}}", AT "a.text: " WORD},
    {"{'a':{'text':'x{vendor'}}", AT "a.text: has a { without a }"},
    {"{'a':{'text':'x{'}}", AT "a.text: has a { without a }"},
    {"{'a':{'text':'{a}'}}", AT "a.text: " WORD}, /* itself */
    {"{'a':{'text':'{b}'},'b':{'text':'x'}}", AT "a.text: " WORD},
    {"{'b':{'text':'x'},'a':{'text':'{b}-{b}'}}", ""},
    {"{'b':{'fields':{'c':{'text':'x'}}},'a':{'text':'{b.c}'}}", ""},
    {"{'b':{'fields':{'c':{'text':'x'}}},'a':{'text':'{c}'}}", AT "a.text: " WORD},
    {"{'b':{'fields':{'c':{'text':'x'}}},'a':{'text':'{b}'}}", AT "a.text: " WORD},
    {"{'b':{'from':'x','type':'whole'},'a':{'text':'{b}'}}", AT "a.text: " WORD},
    {"{'b':{'from':'x','type':'scalar'},'a':{'text':'{b}'}}", AT "a.text: " WORD},
    {"{'a':{'from':'x','type':'id','prefix':'{nobody}'}}", AT "a.prefix: " WORD},
    {"{'a':{'from':'x','type':'id','default':'{nobody}'}}", AT "a.default: " WORD},
};

static void mistakes_in_the_mapping_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof details / sizeof details[0]; i++)
        check_part(details[i].text, SCHEME, details[i].text, WORDS, details[i].faults);
}

#define PATH                "is no path: at most 8 names with dots between them, $, header:NAME or query:NAME"
#define FORMAT              "must be iso8601, unix, unix_ms, or a pattern such as %Y-%m-%d %H:%M:%S"
#define FROM(path)          "{'a':{'from':" path ",'type':'any'}}"
#define TIME(more)          "{'a':{'from':'x','type':'time'," more "}}"
#define ROWS(rows)          "{'a':{'from':'x','type':'table','table':" rows "}}"
#define NULLS(all)          "{'a':{'from':'x','type':'any','nulls':" all "}}"
#define DEFAULT(type, what) "{'a':{'from':'x','type':'" type "',\n'default':" what "}}"
#define HIDDEN              "is kept from definitions, because it may hold a secret"
#define NO_ZONE             "does not go with seconds or milliseconds since 1970"
#define NULL_FAULT          "must be a text, a whole number, true or false"
#define NEVER               "must be a list that is not empty"
#define EMPTY               "must be a text that is not empty"

/* The detail begins on line 2. */
#define L2 "v.json:2: event.detail.a."
#define L3 "v.json:3: event.detail.a."

static const struct mistake parts[] = {
    {FROM("'.'"), ""},
    {FROM("'$'"), ""},
    {FROM("'$.a.b'"), ""},
    {FROM("'header:X'"), ""},
    {FROM("'query:a.b'"), ""},
    {FROM("'l.k=v.x'"), ""},
    {FROM("['a','$.b','header:X']"), ""},
    {FROM("['a',\n'header:Authorization']"), L3 "from.1: " HIDDEN},
    {FROM("'header:X-Own-Cookies'"), L2 "from: " HIDDEN},
    {FROM("'header:CLIENT-SECRET'"), L2 "from: " HIDDEN},
    {FROM("'query:access_token'"), L2 "from: " HIDDEN},
    {FROM("'query:Signature'"), L2 "from: " HIDDEN},
    {FROM("'header:X-Passwd'"), L2 "from: " HIDDEN},
    {FROM("'query:key'"), L2 "from: " HIDDEN},
    {FROM("'header:Credential-Id'"), L2 "from: " HIDDEN},
    {FROM("'query:sessionId'"), L2 "from: " HIDDEN},
    {FROM("['header:Idempotency-Key','query:idempotency_key','header:X-Pass','token','$.key']"), ""},
    {FROM("'header:X-IDEMPOTENCY-KEY'"), ""},
    {FROM("'header:Idempotency-Secret'"), L2 "from: " HIDDEN},
    {FROM("'$.1.2.3.4.5.6.7.8'"), ""},
    {FROM("'$.1.2.3.4.5.6.7.8.9'"), L2 "from: " PATH},
    {FROM("'$.'"), L2 "from: " PATH},
    {FROM("'$..a'"), L2 "from: " PATH},
    {FROM("'..'"), L2 "from: " PATH},
    {FROM("'a.'"), L2 "from: " PATH},
    {FROM("'a.$.b.'"), L2 "from: " PATH},
    {FROM("'header:'"), L2 "from: " PATH},
    {FROM("'query:'"), L2 "from: " PATH},
    {FROM("'l.k='"), L2 "from: " PATH},
    {FROM("[]"), L2 "from: " NEVER},
    {FROM("['a',\n7,'b..c']"), L3 "from.1: " EMPTY "; " L3 "from.2: " PATH},
    {FROM("{}"), L2 "from: " EMPTY},

    {TIME("'format':'iso8601'"), ""},
    {TIME("'format':'unix','offset':'+1m'"), ""},
    {TIME("'format':'unix_ms'"), ""},
    {TIME("'format':'unix',\n'zone':'UTC'"), L3 "zone: " NO_ZONE},
    {TIME("'zone':'UTC','format':'unix_ms'"), L2 "zone: " NO_ZONE},
    {TIME("'zone':'UTC','format':'iso8601'"), ""},
    {TIME("'format':'%d.%m.%Y','zone':'Europe/Berlin'"), ""},
    {TIME("\n'format':'ISO8601'"), L3 "format: " FORMAT},
    {TIME("'format':'%d.%m'"), L2 "format: " FORMAT},
    {TIME("'format':'%Y-%m-%d %Q'"), L2 "format: " FORMAT},
    {TIME("'format':'%Y-%m-%d %I'"), L2 "format: " FORMAT},
    {TIME("'format':''"), L2 "format: " EMPTY},
    {TIME("'format':7"), L2 "format: " EMPTY},
    {TIME("\n'zone':'Mars/Base'"), L3 "zone: is no time zone"},
    {TIME("'zone':7"), L2 "zone: " EMPTY "; " L2 "zone: is no time zone"},
    {TIME("'zone':'UTC'"), ""},
    {"{'a':{'from':'x','type':'id',\n'format':'unix','zone':'UTC'}}",
     L3 "format: does not go with this type; " L3 "zone: does not go with this type"},

    {ROWS("[[true,1],[false,null],[7,{}],['',[]]]"), ""},
    {ROWS("[['x',1],\n[[],1]]"), L3 "table.1: " PAIRS},
    {ROWS("[[]]"), L2 "table.0: " PAIRS},
    {ROWS("[['x',1]],'otherwise':null"), ""},
    {ROWS("[['x',1]],'otherwise':{'y':[]}"), ""},
    {"{'a':{'from':'x','type':'any',\n'otherwise':1}}", L3 "otherwise: does not go with this type"},

    {NULLS("['',0,true,false,'x']"), ""},
    {NULLS("[]"), L2 "nulls: " NEVER},
    {NULLS("''"), L2 "nulls: " NEVER},
    {NULLS("[0,\n1.5]"), L3 "nulls.1: " NULL_FAULT},
    {NULLS("[null]"), L2 "nulls.0: " NULL_FAULT},

    {DEFAULT("whole", "7"), ""},
    {DEFAULT("whole", "null"), ""},
    {DEFAULT("whole", "7.0"), L3 "default: must be a whole number or null, as the type says"},
    {DEFAULT("whole", "'7'"), L3 "default: must be a whole number or null, as the type says"},
    {DEFAULT("bool", "false"), ""},
    {DEFAULT("bool", "0"), L3 "default: must be true, false or null, as the type says"},
    {DEFAULT("string", "null"), ""},
    {DEFAULT("string", "'{vendor}'"), ""},
    {DEFAULT("string", "7"), L3 "default: must be a text or null, as the type says"},
    {DEFAULT("id", "7"), L3 "default: must be a text or null, as the type says"},
    {DEFAULT("id", "true"), L3 "default: must be a text or null, as the type says"},
    {DEFAULT("number", "'none'"), ""},
    {DEFAULT("scalar", "1.5"), ""},
    {DEFAULT("time", "'never'"), ""},

    {"{'a':{'from':'x','type':'number','min':1}}", L2 "min: does not go with this type"},
    {"{'a':{'from':'x','type':'bool','max':1}}", L2 "max: does not go with this type"},
    {"{'a':{'from':'x','type':'number'},'b':{'text':'{a}'}}", "v.json:2: event.detail.b.text: " WORD},
    {"{'a':{'from':'x','type':'any'},'b':{'text':'{a}'}}", "v.json:2: event.detail.b.text: " WORD},
    {"{'a':{'from':'x','type':'time'},'b':{'text':'{a}'}}", ""},
    {"{\n'a':{'fields':{\n'b':{'from':'x',\n'type':'no'}}}}",
     "v.json:5: event.detail.a.fields.b.type: " TYPES},
    {"{\n'a':{'fields':{},\n'text':'x'}}", "v.json:4: event.detail.a.text: unknown key"},
    {"{'a':{'text':'x',\n'from':'y'}}", L3 "from: unknown key"},
};

static void mistakes_in_fields_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct buf text = {.arena = &arena};
        buf_printf(&text,
                   "{'vendor':'v','scheme':" SCHEME ",\n'event':{'source':'s','type':'t','detail':%s}}",
                   parts[i].text);
        check_load(parts[i].text, buf_text(&text), parts[i].faults);
    }
}

#define TERM_FAULT ": must be a term in braces, such as {pickupId}"

static const struct mistake words[] = {
    {"{}", ""},
    {"{'a':'{externalId}','b':'{pickupId}','c':'{status}','d':'{windowStart}','e':'{eta}',"
     "'f':{'g':'{driverName}','h':'{driverPhone}'}}",
     ""},
    {"{'a':'pickupId'}", "v.json:1: confirmation.a" TERM_FAULT},
    {"{'a':'{pickupid}'}", "v.json:1: confirmation.a" TERM_FAULT},
    {"{'a':'{pickupId} '}", "v.json:1: confirmation.a" TERM_FAULT},
    {"{'a':7,'b':null}", "v.json:1: confirmation.a" TERM_FAULT "; v.json:1: confirmation.b" TERM_FAULT},
    {"{'a':{'b':{'c':'{status}'}}}", "v.json:1: confirmation.a.b" TERM_FAULT},
    {"{'a':['{status}']}", "v.json:1: confirmation.a" TERM_FAULT},
};

static void mistakes_in_the_confirmation_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        check_part(words[i].text, SCHEME, DETAIL, words[i].text, words[i].faults);
}

static void a_mapping_has_at_most_256_operations(void **state)
{
    (void)state;
    for (int fields = 256; fields <= 258; fields++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct buf detail = {.arena = &arena};
        struct buf want = {.arena = &arena};
        for (int i = 0; i < fields; i++)
            buf_printf(&detail, "%c'f%d':{'text':''}", i == 0 ? '{' : ',', i);
        buf_add_char(&detail, '}');
        for (int i = 256; i < fields; i++)
            buf_printf(&want, "%s" AT "f%d: too many fields: at most 256 with two for every object",
                       i > 256 ? "; " : "", i);
        check_part("flat", SCHEME, buf_text(&detail), WORDS, buf_text(&want));
    }
}

/* An object takes two operations, one to open and one to close it. */
static void objects_count_twice(void **state)
{
    (void)state;
    for (int depth = 128; depth <= 200; depth += 72) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct faults faults CLEANUP(faults_free) = {0};
        struct buf detail = {.arena = &arena};
        for (int i = 0; i < depth; i++)
            buf_add(&detail, SPAN("{'a':{'fields':"));
        buf_add(&detail, SPAN("{}"));
        for (int i = 0; i < depth; i++)
            buf_add(&detail, SPAN("}}"));
        const char *text = definition_with(&arena, SCHEME, buf_text(&detail), WORDS);
        struct definition *definition = definition_load(quoted(&arena, text), "v.json", &faults);
        assert_true((definition != NULL) == (depth == 128));
        assert_true((faults.count == 0) == (depth == 128));
        definition_free(definition);
    }
}

static void faults_of_earlier_files_are_kept(void **state)
{
    (void)state;
    struct faults faults CLEANUP(faults_free) = {0};
    struct builtin builtin = builtin_at(0);
    faults_add(&faults, "something earlier");
    struct definition *definition = definition_load(builtin.text, builtin.vendor, &faults);
    assert_non_null(definition);
    definition_free(definition);
    assert_null(definition_load(SPAN("[]"), "w.json", &faults));
    check_faults("both", &faults, "something earlier; w.json:1: must be an object");
    definition_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_built_in_ones_load),
        cmocka_unit_test(mistakes_at_the_root_are_named),
        cmocka_unit_test(mistakes_in_the_scheme_are_named),
        cmocka_unit_test(mistakes_in_the_mapping_are_named),
        cmocka_unit_test(mistakes_in_fields_are_named),
        cmocka_unit_test(mistakes_in_the_confirmation_are_named),
        cmocka_unit_test(a_mapping_has_at_most_256_operations),
        cmocka_unit_test(objects_count_twice),
        cmocka_unit_test(faults_of_earlier_files_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
