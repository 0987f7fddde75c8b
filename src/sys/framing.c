/* What RFC 9112 calls for and libevent lets through. */
#include "framing.h"

static bool is_number(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.len > 0;
}

/* Control characters; a tab is none of them in a value, and a blank is one in a target. */
static const bool ends_value[256] = {[0 ... '\t' - 1] = true, ['\t' + 1 ... ' ' - 1] = true, [0x7f] = true};
static const bool ends_target[256] = {[0 ... ' '] = true, [0x7f] = true};

static bool is_clean(struct span text, const bool ends[256])
{
    return span_run(text, ends) == text.len;
}

/* A path in its own form; a space or a control character in it might end it for others. */
static bool is_target(const struct request *request)
{
    return span_starts(request->path, SPAN("/")) && is_clean(request->path, ends_target) &&
           is_clean(request->query, ends_target);
}

static bool has_odd_header(const struct request *request)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (!request_is_name(request->headers[i].name) || !is_clean(request->headers[i].value, ends_value))
            return true;
    return false;
}

/* Two lengths, two codings, or one of each; and a length or a coding that could be read in another way. */
static bool has_odd_body(const struct request *request, bool old)
{
    /* libevent takes no body behind these, and would read it as the next request. */
    bool bodiless = span_is(request->method, SPAN("HEAD")) || span_is(request->method, SPAN("TRACE"));
    struct span length = SPAN(""), coding = SPAN("");
    size_t lengths = request_header(request, SPAN("Content-Length"), &length);
    size_t codings = request_header(request, SPAN("Transfer-Encoding"), &coding);
    if (lengths + codings > 1)
        return true;
    if (lengths == 1)
        return !is_number(length) || (bodiless && !span_is(length, SPAN("0")));
    return codings == 1 && (old || bodiless || !span_is_nocase(coding, SPAN("chunked")));
}

bool framing_is_doubtful(const struct request *request, int major, int minor)
{
    bool old = major == 1 && minor == 0;
    struct span host;
    size_t hosts = request_header(request, SPAN("Host"), &host);
    if (major != 1 || (minor != 0 && minor != 1) || hosts > 1 || (hosts == 0 && !old))
        return true;
    return !is_target(request) || has_odd_header(request) || has_odd_body(request, old);
}
