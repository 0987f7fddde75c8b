"""Banned words: calls that overrun, block or hide, and compares that leak a secret through their timing."""

import re
from pathlib import Path
from typing import Iterator

from ctext import Finding, blank, c_files, calls, code_only, line_at

# Each row: the names, the files where they are allowed all the same, and what to do instead.
BANNED = (
    ("strcpy strcat stpcpy sprintf vsprintf gets", (), "it does not know where its buffer ends"),
    ("atoi atol atoll atof", (), "it has no way to report an error; parse with base/num.h"),
    ("strtol strtoul strtoll strtoull strtoimax strtoumax strtod strtof strtold", ("src/base/num.c",),
     "parse with base/num.h"),
    ("scanf sscanf fscanf vscanf vsscanf vfscanf", (), "parse with base/num.h"),
    ("strtok", (), "it keeps hidden state"),
    ("system popen", (), "no shell is ever started"),
    ("alloca", (), "the stack has no room check"),
    ("sleep usleep", (), "wait in the loop, not in the thread"),
    ("malloc calloc realloc reallocarray aligned_alloc posix_memalign strdup strndup asprintf vasprintf",
     ("src/base/mem.c",), "allocate with base/mem.h, which aborts when memory runs out"),
    ("CRYPTO_memcmp", ("src/base/hmac.c",), "compare with base/hmac.h: there is one constant-time compare"),
)
# These are words of their own too, so they count only when they are called.
ONLY_AS_CALL = {"gets", "system", "sleep"}

ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)")
COMPARES = "memcmp|bcmp|strcmp|strncmp|strcasecmp|strncasecmp"
SECRET = re.compile(r".*(secret|digest|token|signature).*|.*(sig|mac|key)s?\d*")
# What such a name says about a secret is public: `sig_header` is the name of a header.
PUBLIC_END = re.compile(r".*_(header|name|env|path|len|length|size|count)")


def words(root: Path) -> Iterator[Finding]:
    """No banned function is called or has its address taken."""
    for file, text in c_files(root, "src", "include"):
        code = ATTRIBUTE.sub(lambda attribute: blank(attribute[0]), code_only(text))
        for names, homes, why in BANNED:
            for name in names.split():
                end = r"\s*\(" if name in ONLY_AS_CALL else r"\b"
                for match in re.finditer(rf"(?<!->)(?<![\w.]){name}{end}", code):
                    if file not in homes:
                        yield Finding(file, line_at(code, match.start()), f"{name} is banned: {why}")


def sounds_secret(argument: str) -> bool:
    """Tells by its names whether an expression may hold a secret."""
    names = [name.lower() for name in re.findall(r"[A-Za-z_]\w*", code_only(argument))]
    return any(SECRET.fullmatch(part) for name in names if not PUBLIC_END.fullmatch(name) for part in name.split("_"))


def compares(root: Path) -> Iterator[Finding]:
    """No secret is compared by a function that stops at the first difference; a literal on one side is public."""
    for file, text in c_files(root, "src", "include"):
        for line, name, arguments in calls(text, COMPARES):
            sides = arguments[:2]
            if any(map(sounds_secret, sides)) and not any(side.startswith('"') for side in sides):
                yield Finding(file, line, f"{name} on what sounds like a secret: compare with base/hmac.h")


def volatiles(root: Path) -> Iterator[Finding]:
    """Nothing is volatile but a sig_atomic_t: between threads it promises nothing."""
    for file, text in c_files(root, "src", "include"):
        code = code_only(text)
        for match in re.finditer(r"(?<!sig_atomic_t )\b(__volatile__|volatile)\b(?!\s+sig_atomic_t\b)", code):
            yield Finding(file, line_at(code, match.start()), "volatile is banned: use stdatomic.h")


CHECKS = (words, compares, volatiles)
