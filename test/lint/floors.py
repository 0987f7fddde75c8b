"""The floors: includes go down only, and each library stays behind its door."""

import re
from pathlib import Path, PurePosixPath
from typing import Iterator

from ctext import Finding, c_files, files, line_at, without_comments

# Top to bottom. Floors on one level do not know each other.
LEVELS = (("cli",), ("web",), ("flow",), ("out", "feed"), ("store",), ("model", "sys"), ("base",))
MAY_INCLUDE = {
    floor: {floor, "tbl"}.union(*LEVELS[depth + 1 :]) for depth, level in enumerate(LEVELS) for floor in level
}

SYS = ("src/sys/", "include/sys/")
BASE = ("src/base/", "include/base/")
LIBRARIES = (
    (r"event2/|event\.h|ev(http|util|dns|rpc)\.h", SYS),
    (r"sqlite3(ext)?\.h|openssl/ssl\.h|pthread\.h|curl/", SYS),
    (r"openssl/err\.h", BASE + SYS),
    (r"openssl/(?!(ssl|err)\.h)", BASE),
    (r"jansson", ("src/base/json_read.c",)),
    (r"ini\.h", ("src/base/ini.c",)),
    (r"libical/|ical\.h", ("src/base/zone.c", "src/base/recur.c")),
)

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"(?P<own>[^"\n]+)"|<(?P<system>[^>\n]+)>|(?P<macro>\S+))', re.M)
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"}


def includes(text: str) -> list[tuple[int, re.Match]]:
    """Lists (line, match) of a file's includes."""
    text = without_comments(text)
    return [(line_at(text, match.start()), match) for match in INCLUDE.finditer(text)]


def hides_system_header(door: str) -> bool:
    """Tells whether the system has a header of this name, such as <sys/socket.h>, which -Iinclude would then hide."""
    return any(Path("/usr/include").glob(door)) or any(Path("/usr/include").glob(f"*-linux-*/{door}"))


def places(root: Path) -> Iterator[Finding]:
    """Every C file stands on a known floor, under a name that says something and hides no system header."""
    for name, _ in c_files(root, "src", "include"):
        top, *folders, file = name.split("/")
        if folders not in [[floor] for floor in MAY_INCLUDE] and (top, folders) != ("include", ["tbl"]):
            yield Finding(name, 1, f"belongs in {top}/<floor>/; the floors are {', '.join(MAY_INCLUDE)}")
        elif top == "include" and hides_system_header(f"{folders[0]}/{file}"):
            yield Finding(name, 1, f"hides the system header <{folders[0]}/{file}>")
    for name, _ in files(root, "src", "include", "test"):
        if EMPTY_NAMES & set(re.split(r"[_.-]", PurePosixPath(name).name.lower())):
            yield Finding(name, 1, "the name says nothing: call a file after its noun")


def complaint(root: Path, name: str, floor: str, include: re.Match) -> str | None:
    """Says what is wrong with one include of a file on a floor, or nothing."""
    own, system = include["own"], include["system"]
    if floor == "tbl":
        return "a table includes nothing"
    if include["macro"]:
        return f"#include {include['macro']} hides which floor it leads to"
    if system:
        return f'write "{system}": it is ours' if (root / "include" / system).is_file() else None
    if "/" not in own:
        private = name.startswith("src/") and (root / name).with_name(own).is_file()
        return None if private else f'"{own}" is no private header of src/{floor}; a door is written "<floor>/<noun>.h"'
    target = own.split("/")[0]
    if target in MAY_INCLUDE and target not in MAY_INCLUDE[floor]:
        return f'{floor} may not know {target}: "{own}"'
    return None if ".." not in own and (root / "include" / own).is_file() else f"there is no door include/{own}"


def directions(root: Path) -> Iterator[Finding]:
    """A file includes doors of its own floor and of those below, and private headers of its own folder."""
    for name, text in c_files(root, "src", "include"):
        floor = name.split("/")[1]
        for line, include in includes(text):
            if floor in (*MAY_INCLUDE, "tbl") and (message := complaint(root, name, floor, include)):
                yield Finding(name, line, message)


def libraries(root: Path) -> Iterator[Finding]:
    """A library's headers are included only where the library is wrapped."""
    for name, text in c_files(root, "src", "include"):
        for line, include in includes(text):
            header = include["own"] or include["system"] or ""
            for pattern, homes in LIBRARIES:
                if re.match(pattern, header) and not name.startswith(homes):
                    yield Finding(name, line, f"<{header}> may be included only in {' and '.join(homes)}")


def own_door_first(root: Path) -> Iterator[Finding]:
    """A room includes its own door before anything else, so that the door proves it needs nothing."""
    for name, text in c_files(root, "src"):
        door = name.removeprefix("src/").removesuffix(".c") + ".h"
        if name.endswith(".c") and (root / "include" / door).is_file():
            line, first = next(iter(includes(text)), (1, None))
            if not first or first["own"] != door:
                yield Finding(name, line, f'the first include must be "{door}"')


CHECKS = (places, directions, libraries, own_door_first)
