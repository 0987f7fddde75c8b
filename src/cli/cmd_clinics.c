/* pickupd clinics: puts the clinics of a file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "flow/clinics.h"
#include "flow/control.h"
#include "model/clinic.h"
#include "sys/lock.h"

#define IMPORT_MAX (16 << 20) /* bytes of a file */

/* Where clinics are put: into the file, or by the server that has it. */
struct import {
    struct store *store; /* NULL: by the server */
    char *control;
    struct span org;
    size_t number; /* of the clinic, from 1 */
    bool failed;
};

static void print_result(void *arg, const char *id, const char *result, const struct faults *faults)
{
    struct import *import = arg;
    printf("%zu %s %s", import->number, id, result);
    for (size_t i = 0; faults != NULL && i < faults->count; i++)
        printf("%s%s", i > 0 ? ", " : ": ", faults->texts[i]);
    putchar('\n');
    import->failed |= strcmp(result, "added") != 0 && strcmp(result, "replaced") != 0;
}

static void put_here(struct import *import, const struct clinic_row *row)
{
    struct clinic_putting putting;
    char *id CLEANUP(mem_drop) = mem_copy(row->id);
    clinic_putting_begin(&putting, row);
    store_write(import->store, &putting.job);
    print_result(import, id, clinic_putting_result(&putting), NULL);
}

/* Ids that would not stay on their line are not printed. */
static bool is_plain(struct span id)
{
    for (size_t i = 0; i < id.len; i++)
        if ((unsigned char)id.at[i] < ' ' || id.at[i] == '\x7f')
            return false;
    return id.len > 0 && json_is_utf8(id);
}

static void put_one(struct import *import, const struct json *json)
{
    struct clinic clinic;
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf document CLEANUP(buf_free) = {0};
    struct span id = json_str(json_get(json, "clinicId"));
    char *shown CLEANUP(mem_drop) = mem_copy(is_plain(id) ? id : SPAN("-"));
    import->number++;
    json_put(&document, json);
    if (document.len > CLINIC_MAX)
        faults_add(&faults, "longer than %d bytes", CLINIC_MAX);
    else
        clinic_read(json, &clinic, &faults);
    struct clinic_row row = {import->org, id, buf_span(&document), time_now()};
    if (faults.count > 0)
        print_result(import, shown, "rejected", &faults);
    else if (import->store != NULL)
        put_here(import, &row);
    else if (control_put_clinic(import->control, &row, print_result, import) != ERR_OK)
        print_result(import, shown, "not now", NULL);
}

static int put_all(struct import *import, const struct json *json)
{
    if (json_kind(json) == JSON_ARR)
        for (size_t i = 0; i < json_count(json); i++)
            put_one(import, json_at(json, i));
    else
        put_one(import, json);
    return import->failed ? EXIT_FAILED : EXIT_GOOD;
}

/* Without a server this process writes the file itself. */
static int put_alone(struct setup *setup, struct import *import, const struct json *json)
{
    struct buf why CLEANUP(buf_free) = {0};
    const struct server_config *server = &setup->config.server;
    struct store_limits limits = {server->quarantine_rows, server->quarantine_bytes, server->disk_reserve,
                                  STORE_LOG_PAGES};
    import->store = store_open(server->database, &limits, &why);
    if (import->store == NULL) {
        fprintf(stderr, "%s\n", buf_text(&why));
        return EXIT_FAILED;
    }
    int code = put_all(import, json);
    store_close(import->store);
    return code;
}

static int put(struct setup *setup, struct import *import, const struct json *json)
{
    char *lock_path CLEANUP(mem_drop) = setup_beside(setup, ".lock");
    char *control_path CLEANUP(mem_drop) = setup_beside(setup, ".control");
    int lock = lock_take(lock_path);
    if (lock >= 0) {
        int code = put_alone(setup, import, json);
        lock_release(lock);
        return code;
    }
    if (errno != EWOULDBLOCK) {
        fprintf(stderr, "%s: %s\n", lock_path, strerror(errno));
        return EXIT_FAILED;
    }
    import->control = control_path;
    return put_all(import, json);
}

static int import_file(struct setup *setup, const struct args *args)
{
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf text CLEANUP(buf_free) = {0};
    struct json_fault fault;
    struct import import = {.org = span_of(args->org != NULL ? args->org : "default")};
    if (!setup_read_file(args->words[1], IMPORT_MAX, &text, &faults))
        return print_faults(&faults);
    struct json *json = json_parse(buf_span(&text), &fault);
    if (json == NULL) {
        fprintf(stderr, "%s:%d: %s\n", args->words[1], fault.line, fault.what);
        return EXIT_FAILED;
    }
    int code = put(setup, &import, json);
    json_free(json);
    return code;
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
