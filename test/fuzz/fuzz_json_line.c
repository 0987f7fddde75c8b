/* A line with a path, '/' between its steps, and a text that may be JSON: on which line what stands. */
#include "fuzz.h"

/* A document written with every member and element on a line of its own; then again, when that text is known.
 */
struct visit {
    struct arena *arena;
    struct buf text;
    int line;
    const struct span *known;
};

static void visit(struct visit *at, const struct json *value, struct span path, bool has_path);

/* A name may hold what stands between steps, and the empty path is the document: these have no path. */
static void visit_below(struct visit *at, const struct json *value, struct span path, const char *name,
                        bool has_path)
{
    struct buf below = {.arena = at->arena};
    buf_printf(&below, "%.*s%s%s", (int)path.len, path.at, path.len > 0 ? "\n" : "", name);
    has_path = has_path && strchr(name, '\n') == NULL && below.len > 0;
    HOLDS(at->known == NULL || !has_path || json_line(*at->known, buf_span(&below)) == at->line);
    visit(at, value, buf_span(&below), has_path);
}

static void visit_members(struct visit *at, const struct json *object, struct span path, bool has_path)
{
    void *next = NULL;
    const char *name;
    const struct json *value;
    while (json_next(object, &next, &name, &value)) {
        struct buf key = {.arena = at->arena};
        json_put_str(&key, span_of(name));
        buf_printf(&at->text, "%s\n%s :", at->text.at[at->text.len - 1] == '{' ? "" : " ,", buf_text(&key));
        at->line++;
        visit_below(at, value, path, name, has_path);
    }
}

static void visit(struct visit *at, const struct json *value, struct span path, bool has_path)
{
    struct buf leaf = {.arena = at->arena};
    bool is_object = json_kind(value) == JSON_OBJ;
    if (!is_object && json_kind(value) != JSON_ARR) {
        json_put(&leaf, value);
        buf_add(&at->text, buf_span(&leaf));
        return;
    }
    buf_add_char(&at->text, is_object ? '{' : '[');
    if (is_object)
        visit_members(at, value, path, has_path);
    for (size_t i = 0; !is_object && i < json_count(value); i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        buf_add(&at->text, i > 0 ? SPAN(",\n") : SPAN("\n"));
        at->line++;
        visit_below(at, json_at(value, i), path, number, has_path);
    }
    buf_add_char(&at->text, is_object ? '}' : ']');
}

static void check_lines(struct arena *arena, const struct json *json)
{
    struct visit first = {.arena = arena, .text = {.arena = arena}, .line = 1};
    visit(&first, json, SPAN(""), true);
    struct span text = buf_span(&first.text);
    struct visit second = {.arena = arena, .text = {.arena = arena}, .line = 1, .known = &text};
    visit(&second, json, SPAN(""), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct json_fault fault;
    int lines = 1;
    struct span text = fuzz_span(data, size);
    struct span path = span_cut(&text, '\n');
    char *steps = arena_copy(&arena, path);
    for (size_t i = 0; i < path.len; i++)
        steps[i] = steps[i] == '/' ? '\n' : steps[i];
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    int line = json_line(text, (struct span){steps, path.len});
    HOLDS(line >= 1 && line <= lines);
    struct json *json = json_parse(text, &fault);
    if (json != NULL)
        check_lines(&arena, json);
    json_free(json);
    return 0;
}
