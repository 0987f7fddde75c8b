"""Tests of the lint itself: a clean tree passes every check, and one violation of each kind is found where it is."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import banned
import floors
import headers
import manual
import run
import sealed
import shape
import style
from ctext import calls, code_only

REPOSITORY = Path(__file__).parents[2]

# One text holds the clean tree: a line `== name` starts each file.
CLEAN_TEXT = r"""
== Makefile
all:
== README.md
# A tree
== include/base/num.h
#ifndef BASE_NUM_H
#define BASE_NUM_H

int num_parse(const char *text);

#endif
== include/sys/db.h
#ifndef SYS_DB_H
#define SYS_DB_H

int db_open(void);

#endif
== include/tbl/config.h
KEY(server, listen, ADDRESS, "where to listen, (and how)")
KEY(source, lab, TEXT, "")
#undef KEY
== include/tbl/route.h
ROUTE(WEBHOOK, POST, "/webhooks/ehr/")
ROUTE(HEALTH, GET, "/webhooks/health")
#undef ROUTE
== include/tbl/api.h
API(look, GET, "/v1/things/{name}", READERS, LOOK, none)
API(put, PUT, "/v1/things/{name}", ADMINS, CHANGE, thing)
#undef API
== include/tbl/command.h
COMMAND(serve, "serve webhooks")
COMMAND(events_list, "list events")
#undef COMMAND
== include/tbl/metric.h
METRIC(webhooks_total, COUNTER, "webhooks")
#undef METRIC
== include/tbl/sealed.h
SEALED(notes, text, "id", "typeof(text) = 'text'")
SEALED(notes, body, "id", "sealed = 0")
#undef SEALED
== include/tbl/sql_read.h
SQL(NOTE, "SELECT id, unseal('notes.text', id, text), iif(sealed, unseal('notes.body', id, body), body),"
          " length(body) FROM notes WHERE id = ?1")
SQL(OTHER, "SELECT text FROM others")
#undef SQL
== include/tbl/sql_write.h
SQL(NOTE_ADD, "INSERT INTO notes (id, text) VALUES (?1, seal('notes.text', ?1, ?2))"
              " ON CONFLICT (id) DO UPDATE SET text = excluded.text")
SQL(NOTE_GIVE, "UPDATE notes SET text = ifnull(seal('notes.text', id, ?2), text), body = NULL"
               " WHERE text IS NULL")
#undef SQL
== src/base/num.c
#include "base/num.h"

#include <stdlib.h>

int num_parse(const char *text)
{
    return (int)strtol(text, NULL, 10);
}
== src/sys/priv.h
#ifndef SYS_PRIV_H
#define SYS_PRIV_H

static inline int priv(void)
{
    return 1;
}

#endif
== src/sys/db.c
#include "sys/db.h"

#include "base/num.h"
#include "priv.h"
#include <signal.h>
#include <sqlite3.h>

static volatile sig_atomic_t stop;

int db_open(void)
{
    /* never strcpy() */
    const char *text = "no malloc(1), no // comment"; // nor system("x")
    return num_parse(text) + priv() + stop;
}
== contrib/post.sh
#!/bin/bash
echo posted
== contrib/manual.md
# Manual

`[server]` has `listen = HOST:PORT`, `[source NAME]` has `lab`.

```ini
[server]
listen = :80 ; all
[source dentrix]
; note = none
lab = L1
```

`POST /webhooks/ehr/{source}` and `GET /webhooks/health` are answered.
`PUT /v1/things/{name}` puts, `GET /v1/things/{name}?a=1` looks.
`pickupd serve` counts `webhooks_total{a="b"}`, `events list --json` prints.
"""
CLEAN = dict(part.split("\n", 1) for part in CLEAN_TEXT.split("\n== ")[1:])
CLEAN = {name: text.removesuffix("\n") + "\n" for name, text in CLEAN.items()}
CLEAN[".clang-format"] = (REPOSITORY / ".clang-format").read_text()


def grow(root: Path, changes: dict[str, str | None]) -> Path:
    """Writes the clean tree with some files changed, added, or, with None, left out."""
    for name, text in {**CLEAN, **changes}.items():
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    return root


def function(lines: int) -> str:
    """Gives a C function of so many lines."""
    return "int f(void)\n{\n" + "    ;\n" * (lines - 3) + "}\n"


class Case(NamedTuple):
    """A change to the clean tree, and the one finding that the check must report for it."""

    check: object
    file: str
    text: str | None
    line: int
    message: str
    reported: str | None = None  # the file of the finding, when it is not the changed one


C = "src/store/log.c"
# Written out once more, so that a row dropped from the check's own table is noticed.
BANNED = """strcpy strcat stpcpy sprintf vsprintf gets atoi atol atoll atof strtol strtoul strtoll strtoull strtoimax strtoumax
            strtod strtof strtold scanf sscanf fscanf vscanf vsscanf vfscanf strtok system popen alloca sleep usleep malloc
            calloc realloc reallocarray aligned_alloc posix_memalign strdup strndup asprintf vasprintf CRYPTO_memcmp"""
MANUAL = CLEAN["contrib/manual.md"]
READ, WRITE = "include/tbl/sql_read.h", "include/tbl/sql_write.h"
CASES = [
    Case(floors.places, "src/attic/log.c", "int x;\n", 1, "belongs in src/<floor>/"),
    Case(floors.places, "src/log.c", "int x;\n", 1, "belongs in src/<floor>/"),
    Case(floors.places, "src/tbl/log.c", "int x;\n", 1, "belongs in src/<floor>/"),
    Case(floors.places, "include/sys/socket.h", "int x;\n", 1, "hides the system header <sys/socket.h>"),
    Case(floors.places, "src/base/time_util.c", "int x;\n", 1, "the name says nothing"),
    Case(floors.places, "include/base/common.h", "int x;\n", 1, "the name says nothing"),
    Case(floors.directions, "src/base/up.c", '\n#include "sys/db.h"\n', 2, "base may not know sys"),
    Case(floors.directions, "src/model/side.c", '#include "sys/db.h"\n', 1, "model may not know sys"),
    Case(floors.directions, "src/out/side.c", '#include "feed/line.h"\n', 1, "out may not know feed"),
    Case(floors.directions, "include/base/up.h", '#  include "web/page.h"\n', 1, "base may not know web"),
    Case(floors.directions, C, '#include "base/nothing.h"\n', 1, "there is no door include/base/nothing.h"),
    Case(floors.directions, C, '#include "../sys/priv.h"\n', 1, "there is no door"),
    Case(floors.directions, C, '#include "priv.h"\n', 1, "is no private header of src/store"),
    Case(floors.directions, "include/sys/pool.h", '#include "db.h"\n', 1, "is no private header"),
    Case(floors.directions, C, "#include <base/num.h>\n", 1, 'write "base/num.h"'),
    Case(floors.directions, C, "#include WHERE\n", 1, "hides which floor"),
    Case(floors.directions, "include/tbl/metric.h",
         '#include "base/num.h"\nMETRIC(webhooks_total)\n', 1, "a table includes nothing"),
    *(Case(floors.libraries, C, f"#include <{header}>\n", 1, f"<{header}> may be included only in src/sys/")
      for header in ("event2/event.h", "sqlite3.h", "openssl/ssl.h", "pthread.h", "curl/curl.h")),
    *(Case(floors.libraries, "src/sys/tls.c", f"#include <{header}>\n", 1, f"<{header}> may be included only in {home}")
      for header, home in {"openssl/evp.h": "src/base/", "jansson.h": "src/base/json_read.c", "ini.h": "src/base/ini.c",
                           "libical/ical.h": "src/base/zone.c"}.items()),
    Case(floors.own_door_first, "src/base/num.c", '#include <stdlib.h>\n#include "base/num.h"\n', 1, 'must be "base/num.h"'),
    Case(floors.own_door_first, "src/base/num.c", "int x;\n", 1, 'must be "base/num.h"'),
    *(Case(banned.words, C, f"/* a\n */\nint x = {name}(a);\n", 3, f"{name} is banned")
      for name in BANNED.split()),
    Case(banned.words, C, "void *(*get)(size_t) = malloc;\n", 1, "malloc is banned"),
    Case(banned.words, C, "int x = '\"'; int y = atoi(\"1\");\n", 1, "atoi is banned"),
    Case(banned.words, C, "// a \\\n  comment\nint x = atoi(a);\n", 3, "atoi is banned"),
    Case(banned.compares, C, "int x = memcmp(given->sig, wanted, 32);\n", 1, "memcmp on what sounds like a secret"),
    Case(banned.compares, C, "int x = strcmp(\n    line(1, 2), hmac_hex);\n", 1, "strcmp on what sounds like a secret"),
    Case(banned.compares, C, "int x = strncmp(api_key, a, n);\n", 1, "strncmp on what sounds like a secret"),
    Case(banned.compares, C, "int x = strcasecmp(a, source->client_secrets[1]);\n", 1, "strcasecmp on what sounds"),
    Case(banned.volatiles, C, "static volatile bool running;\n", 1, "volatile is banned"),
    Case(headers.alone, "include/base/size.h", "\nsize_t size(void);\n", 2, "does not compile alone: unknown type name"),
    Case(headers.alone, "src/sys/size.h", '#include "gone.h"\n', 1, "gone.h"),
    *(Case(sealed.bare_columns, READ, f'\nSQL(N, "SELECT {what} FROM notes")\n', 2, "the sealed column notes.text stands bare")
      for what in ("text", "notes.text", "upper(text)", "id || text", "id, unseal('notes.text', id, text), text")),
    Case(sealed.bare_columns, READ, 'SQL(N, "SELECT id FROM notes"\n " WHERE text = ?1")\n', 1, "notes.text stands bare"),
    Case(sealed.bare_columns, READ, 'SQL(N, "SELECT iif(id, body, id) FROM notes")\n', 1, "notes.body stands bare"),
    Case(sealed.bare_columns, WRITE, 'SQL(N, "UPDATE notes SET text = ?1")\n', 1, "notes.text stands bare"),
    Case(sealed.bare_columns, WRITE, 'SQL(N, "UPDATE notes SET text = ifnull(?1, text)")\n', 1, "notes.text stands bare"),
    Case(sealed.sealed_inserts, WRITE, 'SQL(N, "INSERT INTO notes (id, text) VALUES (?1, ?2)")\n', 1, "notes.text without seal"),
    Case(sealed.known_names, READ, 'SQL(N, "SELECT unseal(\'notes.word\', id, word) FROM notes")\n', 1, "notes.word is not in"),
    Case(sealed.known_names, WRITE, 'SQL(N, "INSERT INTO notes (id) VALUES (seal(\'others.text\', ?1))")\n', 1, "others.text is not in"),
    Case(manual.tables, "include/tbl/config.h", None, 1, "the table is missing"),
    Case(manual.tables, "include/tbl/route.h", None, 1, "the table is missing"),
    Case(manual.tables, "include/tbl/command.h", "/* COMMAND(serve) */\n", 1, "the table has no COMMAND(…) row"),
    Case(manual.keys, "contrib/manual.md",
         MANUAL.replace("`lab`", "lab"), 2, "config key `lab`", "include/tbl/config.h"),
    Case(manual.keys, "contrib/manual.md",
         MANUAL.replace("`lab`", "lab") + "~~~\n`lab`\n~~~\n", 2, "config key `lab`", "include/tbl/config.h"),
    Case(manual.keys, "contrib/manual.md",
         MANUAL.replace("`lab`", "`a_lab`"), 2, "config key `lab`", "include/tbl/config.h"),
    Case(manual.keys, "contrib/manual.md",
         MANUAL.replace("`[source NAME]`", "A source"), 2, "section `[source]`", "include/tbl/config.h"),
    Case(manual.routes, "contrib/manual.md",
         MANUAL.replace("ehr/{", "her/{"), 1, "route `/webhooks/ehr/`", "include/tbl/route.h"),
    Case(manual.routes, "contrib/manual.md",
         MANUAL.replace("health", "healthy"), 2, "route `/webhooks/health`", "include/tbl/route.h"),
    Case(manual.routes, "include/tbl/route.h", "ROUTE(HEALTH, GET)\n", 1, "the route has no path"),
    Case(manual.tables, "include/tbl/api.h", None, 1, "the table is missing"),
    Case(manual.operations, "contrib/manual.md",
         MANUAL.replace("PUT /v1", "PATCH /v1"), 2, "operation `PUT /v1/things/{name}`", "include/tbl/api.h"),
    Case(manual.operations, "contrib/manual.md",
         MANUAL.replace("{name}?", "{name}/more?"), 1, "operation `GET /v1/things/{name}`", "include/tbl/api.h"),
    Case(manual.metrics, "contrib/manual.md",
         MANUAL.replace("webhooks_total", "total"), 1, "metric `webhooks_total`", "include/tbl/metric.h"),
    Case(manual.commands, "contrib/manual.md",
         MANUAL.replace("pickupd serve", "observe"), 1, "subcommand `serve`", "include/tbl/command.h"),
    Case(manual.examples, "contrib/manual.md",
         MANUAL.replace("lab = L1", "lap = L1"), 10, "does not exist: lap in [source]"),
    Case(manual.examples, "contrib/manual.md",
         MANUAL.replace("lab = L1", "listen = L1"), 10, "does not exist: listen in [source]"),
    Case(style.layout, C, "int x;\nint  y;\n", 2, "clang-format would lay it out differently"),
    Case(style.layout, ".clang-format", None, 1, "is missing"),
    Case(style.scripts, "contrib/post.sh", "if true; then\necho\n", 3, "unexpected end of file"),
    Case(style.scripts, ".ci/run", "#!/bin/sh\n)\n", 2, "unexpected token"),
    Case(shape.white_space, C, "int x;\n\tint y;\n", 2, "has a tab"),
    Case(shape.white_space, "test/unit/a.c", "int x; \n", 1, "has white space at its end"),
    Case(shape.white_space, C, "int x;", 1, "the last line has no end"),
    *(Case(shape.leftovers, C, f"\n/* {word}: later */\n", 2, f"{word}: do it")
      for word in ("TODO", "FIXME", "XXX", "HACK")),
    *(Case(shape.machine_paths, "Makefile", f"all:\n\t{path}/bin/cc\n", 2, f"{path[:5]}")
      for path in ("/home/me", "/root", "/work")),
    Case(shape.function_sizes, C, "\n" + function(61), 2, "the function has 61 lines"),
    Case(shape.file_sizes, C, "\n" * 601, 601, "the file has 601 lines"),
    Case(shape.top_level, "notes.txt", "", 1, "does not belong at the top level"),
]


@pytest.mark.parametrize("check", run.CHECKS, ids=lambda check: f"{check.__module__}-{check.__name__}")
def test_a_clean_tree_has_no_findings(tmp_path, check):
    assert list(check(grow(tmp_path, {}))) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check.__module__}-{case.check.__name__}-{case.message}")
def test_a_violation_is_found_where_it_is(tmp_path, case):
    findings = list(case.check(grow(tmp_path, {case.file: case.text})))
    assert [(finding.file, finding.line) for finding in findings] == [(case.reported or case.file, case.line)]
    assert case.message in findings[0].message


def test_every_check_has_a_violation():
    assert {case.check for case in CASES} == set(run.CHECKS)


@pytest.mark.parametrize("text", [
    'const char *name = "strcpy(a)"; // strcpy(a)\n', "int x = loop->malloc(1) + row.strdup(a);\n", "int system, gets;\n",
    "void *get(size_t n) __attribute__((malloc(put, 1), alloc_size(1)));\n", "int x = mem_strdup(a);\n",
    "// a \\\n strcpy(a)\n", "/* a\n strcpy(a) */\n", 'int x = strcmp(secret, "");\n',
    "int x = strcasecmp(a, scheme->sig_header);\n", "int x = memcmp(a, b, DIGEST_LEN);\n",
    "int x = strcmp(design, machine);\n", "volatile sig_atomic_t stop;\n", '#error "don\'t"\nint x;\n',
])
def test_what_only_looks_banned_is_not(tmp_path, text):
    root = grow(tmp_path, {C: text})
    assert [finding for check in banned.CHECKS for finding in check(root)] == []


@pytest.mark.parametrize("file, text", [
    ("src/base/mem.c", "void *x = malloc(1);\n"), ("src/base/hmac.c", "int x = CRYPTO_memcmp(sig, b, 32);\n"),
    ("src/base/json_read.c", "#include <jansson.h>\n"), ("src/base/hash.c", "#include <openssl/evp.h>\n"),
    ("src/cli/main.c", '#include "sys/db.h"\n#include "tbl/config.h"\n#include <stdatomic.h>\n#include <sys/stat.h>\n'),
    (C, function(60)), (C, "\n" * 600), ("contrib/unit.service", "# https://example.org/home/ /srv/work/\n"),
    (".gitignore", "build\n"), ("build/x.o", ""), ("include/tbl/metric.h", None),
])
def test_what_is_allowed_in_its_place_is_not_found(tmp_path, file, text):
    root = grow(tmp_path, {file: text})
    checks = (*floors.CHECKS, *banned.CHECKS, *manual.CHECKS, *shape.CHECKS)
    assert [finding for check in checks for finding in check(root)] == []


def test_missing_tools_are_findings(tmp_path, monkeypatch):
    root = grow(tmp_path, {})
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-cc -m64")
    assert [finding.message for finding in style.layout(root)] == ["clang-format is not installed"]
    assert {finding.message for finding in headers.alone(root)} == {"no compiler: no-such-cc"}


def test_the_text_tools_keep_every_character_in_its_place():
    text = 'f("a,\\")", g(1, 2) /* , */); // "\n#define f(x) 1\nf(\')\')'
    assert len(code_only(text)) == len(text)
    assert list(calls(text, "f")) == [(1, "f", ['"a,\\")"', "g(1, 2)"]), (3, "f", ["')'"])]


@pytest.mark.parametrize("changes, code, last", [({}, 0, "0 findings"), ({C: "int x = atoi(a);\n"}, 1, "1 finding")])
def test_run_prints_findings_and_counts_them(tmp_path, changes, code, last):
    command = [sys.executable, Path(run.__file__), grow(tmp_path, changes)]
    result = subprocess.run(command, capture_output=True, text=True)
    lines = result.stdout.splitlines()
    assert (result.returncode, lines[-1]) == (code, f"lint: {len(run.CHECKS)} checks, {last}")
    assert all(line.startswith(f"{C}:1: atoi is banned") for line in lines[:-1]) and len(lines) == 1 + len(changes)


def test_run_refuses_what_is_no_folder(tmp_path):
    command = [sys.executable, Path(run.__file__), tmp_path / "gone"]
    assert subprocess.run(command, capture_output=True).returncode == 2
