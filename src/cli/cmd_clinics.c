/* pickupd clinics: puts the clinics of a file. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "change.h"
#include "cli/command.h"
#include "cli/open.h"
#include "flow/caller.h"
#include "flow/clinics.h"
#include "flow/control.h"
#include "model/clinic.h"
#include "print.h"

#define IMPORT_MAX (16 << 20) /* bytes of a file */

/* Where clinics are put: into the file, or by the server that has it. */
struct import {
    struct store *store; /* NULL: by the server */
    const char *control;
    const struct json *json; /* of the file */
    struct span org;
    size_t number; /* of the clinic, from 1; those before it are done */
    bool said;     /* what became of that one */
    bool failed;
};

static void print_result(void *arg, const char *id, const char *result, const struct faults *faults)
{
    struct import *import = arg;
    printf("%zu ", import->number);
    print_clean(span_of(id));
    printf(" %s", result);
    for (size_t i = 0; faults != NULL && i < faults->count; i++)
        printf("%s%s", i > 0 ? ", " : ": ", faults->texts[i]);
    putchar('\n');
    import->said = true;
    import->failed |= strcmp(result, "added") != 0 && strcmp(result, "replaced") != 0;
}

static void put_here(struct import *import, const struct clinic_row *row)
{
    struct clinic_putting putting;
    struct caller caller;
    struct arena arena CLEANUP(arena_free) = {0};
    char *id CLEANUP(mem_drop) = mem_copy(row->id);
    clinic_putting_begin(&putting, row);
    caller_self(&caller, "clinics import");
    caller.entry.org = row->org;
    caller.entry.what = caller_id(&arena, row->id);
    putting.job.audit = &caller.entry;
    store_write(import->store, &putting.job);
    print_result(import, id, clinic_putting_result(&putting), NULL);
}

/* A server that hangs up may have put it. */
static void print_unanswered(struct import *import, const char *id, enum err err)
{
    struct faults faults CLEANUP(faults_free) = {0};
    bool is_known = err != ERR_BUSY;
    faults_add(&faults, is_known ? "the running server did not do it"
                                 : "the running server hung up before it said whether it was put");
    print_result(import, id, is_known ? "not now" : "unknown", &faults);
}

/* False if nobody was there to put it, and nothing was said of it. */
static bool put_one(struct import *import, const struct json *json)
{
    struct clinic clinic;
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf document CLEANUP(buf_free) = {0};
    struct span id = json_str(json_get(json, "clinicId"));
    char *shown CLEANUP(mem_drop) = mem_copy(id.len > 0 ? id : SPAN("-"));
    json_put(&document, json);
    struct clinic_row row = {import->org, id, buf_span(&document), time_now()};
    if (!clinic_check(json, buf_span(&document), &clinic, &faults)) {
        print_result(import, shown, "rejected", &faults);
        return true;
    }
    if (import->store != NULL) {
        put_here(import, &row);
        return true;
    }
    import->said = false;
    enum err err = control_put_clinic(import->control, &row, print_result, import);
    if (err != ERR_OK && err != ERR_NOT_FOUND && !import->said)
        print_unanswered(import, shown, err);
    return err != ERR_NOT_FOUND;
}

/* Goes on where it was when nobody was there, by whoever is there now. */
static bool put_all(struct import *import)
{
    const struct json *json = import->json;
    bool is_many = json_kind(json) == JSON_ARR;
    size_t count = is_many ? json_count(json) : 1;
    for (; import->number <= count; import->number++)
        if (!put_one(import, is_many ? json_at(json, import->number - 1) : json))
            return false;
    return true;
}

/* Without a server this process writes the file itself. */
static bool put_alone(struct setup *setup, void *arg)
{
    struct import *import = arg;
    struct buf why CLEANUP(buf_free) = {0};
    import->store = open_store(setup, &why);
    if (import->store == NULL) {
        fprintf(stderr, "%s\n", buf_text(&why));
        return false;
    }
    bool good = put_all(import) && !import->failed;
    store_close(import->store);
    return good;
}

/* Each clinic is a request of its own. */
static enum err put_by_server(const char *control, bool *good, void *arg)
{
    struct import *import = arg;
    import->control = control;
    if (!put_all(import))
        return ERR_NOT_FOUND;
    *good = !import->failed;
    return ERR_OK;
}

static int import_file(struct setup *setup, const struct args *args)
{
    static const struct change putting = {put_alone, put_by_server, "not all clinics were put"};
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf text CLEANUP(buf_free) = {0};
    struct json_fault fault;
    struct import import = {.org = span_of(args->org != NULL ? args->org : "default"), .number = 1};
    if (!setup_read_file(args->words[1], IMPORT_MAX, &text, &faults))
        return print_faults(&faults);
    struct json *json = json_parse(buf_span(&text), &fault);
    if (json == NULL) {
        fprintf(stderr, "%s:%d: %s\n", args->words[1], fault.line, fault.what);
        return EXIT_FAILED;
    }
    import.json = json;
    bool good = change_make(setup, &putting, &import);
    json_free(json);
    return good ? EXIT_GOOD : EXIT_FAILED;
}

int cmd_clinics(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, ARGS_ORG, &args))
        return EXIT_USAGE;
    if (args.word_count != 2 || strcmp(args.words[0], "import") != 0)
        return args_refuse(argv[0], "takes `import` and a file");
    int code = setup_load(&setup, args.config, SETUP_NO_SECRETS, &faults) ? import_file(&setup, &args)
                                                                          : print_faults(&faults);
    setup_free(&setup);
    return code;
}
