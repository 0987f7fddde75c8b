/* Lists of what is wrong with an input. */
#include "base/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer texts are cut: names in them come from files and table rows, which are bounded far below. */
#define FAULT_MAX 512

static void append(struct faults *faults, struct span text)
{
    size_t size = (faults->count + 1) * sizeof *faults->texts;
    if (faults->arena != NULL) {
        char **grown = arena_alloc(faults->arena, size);
        if (faults->count > 0)
            memcpy(grown, faults->texts, faults->count * sizeof *grown);
        faults->texts = grown;
        faults->texts[faults->count++] = arena_copy(faults->arena, text);
    } else {
        faults->texts = mem_resize(faults->texts, size);
        faults->texts[faults->count++] = mem_copy(text);
    }
}

/* Takes the last character away, if it is of several bytes: some of them may be cut off. */
static void mend_end(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
        len--;
    if (len > 0 && ((unsigned char)text[len - 1] & 0x80) != 0)
        len--;
    text[len] = '\0';
}

void faults_add(struct faults *faults, const char *format, ...)
{
    char text[FAULT_MAX];
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) >= FAULT_MAX)
        mend_end(text);
    va_end(args);
    for (size_t i = 0; i < faults->count; i++)
        if (strcmp(faults->texts[i], text) == 0)
            return;
    append(faults, span_of(text));
}

void faults_free(struct faults *faults)
{
    if (faults->arena == NULL) {
        for (size_t i = 0; i < faults->count; i++)
            free(faults->texts[i]);
        free(faults->texts);
    }
    *faults = (struct faults){.arena = faults->arena};
}
