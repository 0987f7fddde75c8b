/* Embeds the definition files as they are. */
#include "model/builtin.h"

#define EMBED(name)                                                                                          \
    __asm__(".section .rodata\n"                                                                             \
            "builtin_" #name ":\n"                                                                           \
            ".incbin \"src/model/vendors/" #name ".json\"\n"                                                 \
            "builtin_" #name "_end:\n"                                                                       \
            ".byte 0\n"                                                                                      \
            ".previous\n");                                                                                  \
    extern const char builtin_##name[];                                                                      \
    extern const char builtin_##name##_end[]

EMBED(dentrix);
EMBED(opendental);
EMBED(eaglesoft);

static const struct {
    const char *vendor;
    const char *secret_env;
    const char *start;
    const char *end;
} rows[] = {
    {"dentrix", "DENTRIX_WEBHOOK_SECRET", builtin_dentrix, builtin_dentrix_end},
    {"opendental", "OPENDENTAL_WEBHOOK_SECRET", builtin_opendental, builtin_opendental_end},
    {"eaglesoft", "EAGLESOFT_WEBHOOK_SECRET", builtin_eaglesoft, builtin_eaglesoft_end},
};

_Static_assert(sizeof rows / sizeof rows[0] == BUILTIN_COUNT, "one row a built-in definition");

struct builtin builtin_at(size_t index)
{
    return (struct builtin){
        rows[index].vendor,
        rows[index].secret_env,
        {rows[index].start, (size_t)(rows[index].end - rows[index].start)},
    };
}
