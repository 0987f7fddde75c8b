/* Reading forms. */
#include "form.h"

#include "base/hex.h"

static bool decode(struct span text, struct arena *arena, struct span *out)
{
    char *at = arena_alloc(arena, text.len + 1);
    *out = (struct span){at, 0};
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.at[i];
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%') {
            if (text.len - i < 3 || !hex_read((struct span){text.at + i + 1, 2}, &byte, 1))
                return false;
            i += 2;
        }
        at[out->len++] = (char)byte;
    }
    return true;
}

int form_read(struct span text, struct arena *arena, struct form_field **fields)
{
    int count = 0;
    int room = 1;
    for (size_t i = 0; i < text.len; i++)
        room += text.at[i] == '&';
    if (room > FORM_FIELDS_MAX)
        return -1;
    *fields = arena_alloc(arena, (size_t)room * sizeof **fields);
    while (text.len > 0) {
        struct span value = span_cut(&text, '&');
        struct span name = span_cut(&value, '=');
        struct form_field *field = &(*fields)[count++];
        if (!decode(name, arena, &field->name) || !decode(value, arena, &field->value))
            return -1;
    }
    return count;
}

struct json *form_json(struct span text, struct arena *arena, struct faults *faults)
{
    struct form_field *fields;
    struct json_fault fault;
    struct buf out = {.arena = arena};
    int count = form_read(text, arena, &fields);
    bool good = count >= 0;
    json_open(&out, '{');
    for (int i = 0; i < count && good; i++) {
        good = json_is_utf8(fields[i].name) && json_is_utf8(fields[i].value);
        if (!good)
            break;
        json_key(&out, fields[i].name);
        json_put_str(&out, fields[i].value);
    }
    json_close(&out, '}');
    struct json *form = good ? json_parse(buf_span(&out), &fault) : NULL; /* refuses names twice, and NUL */
    if (form == NULL)
        faults_add(faults, "Malformed form");
    return form;
}
