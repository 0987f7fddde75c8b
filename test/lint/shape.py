"""The shape of the tree: sizes, white space, leftovers, and what stands at the top."""

import re
from pathlib import Path
from typing import Iterator

from ctext import Finding, c_files, code_only, files, line_at, read

TOP = {"Makefile", "README.md", "LICENSE", "src", "include", "test", "fixtures", "contrib"}
MADE = {"build", "var"}  # `make` puts these beside the source.
SHIPPED = ("src", "include", "contrib", "README.md", "Makefile")
FUNCTION_LINES = 60
FILE_LINES = 600
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MACHINE = re.compile(r"(?<![\w.~}-])/(home|root|work)/")


def white_space(root: Path) -> Iterator[Finding]:
    """C source has no tabs, no white space at the end of a line, and a line end at its end."""
    for name, text in c_files(root, "src", "include", "test"):
        for number, line in enumerate(text.split("\n"), 1):
            if "\t" in line:
                yield Finding(name, number, "has a tab")
            if line != line.rstrip():
                yield Finding(name, number, "has white space at its end")
        if text and not text.endswith("\n"):
            yield Finding(name, text.count("\n") + 1, "the last line has no end")


def leftovers(root: Path) -> Iterator[Finding]:
    """Nothing is left marked as to be done."""
    texts = {**dict(c_files(root, "test")), **{name: read(path) for name, path in files(root, *SHIPPED)}}
    for name, text in texts.items():
        for match in LEFTOVER.finditer(text):
            yield Finding(name, line_at(text, match.start()), f"{match[0]}: do it, or open an issue")


def machine_paths(root: Path) -> Iterator[Finding]:
    """Nothing that is shipped names a path of a developer's machine."""
    for name, path in files(root, *SHIPPED):
        text = read(path)
        for match in MACHINE.finditer(text):
            yield Finding(name, line_at(text, match.start()), f"{match[0]}… is a path of somebody's machine")


def function_sizes(root: Path) -> Iterator[Finding]:
    """A function is a paragraph. The format puts its braces, and no others, alone in the first column."""
    for name, text in c_files(root, "src", "include", "test"):
        start = 0
        for number, line in enumerate(code_only(text).splitlines(), 1):
            if line.rstrip() == "{":
                start = number - 1
            elif line.rstrip() == "}" and start:
                if (size := number - start + 1) > FUNCTION_LINES:
                    yield Finding(name, start, f"the function has {size} lines, more than {FUNCTION_LINES}")
                start = 0


def file_sizes(root: Path) -> Iterator[Finding]:
    """A file is a noun: one that grows beyond the limit probably holds two."""
    for name, path in files(root, "src"):
        lines = read(path).count("\n")
        if lines > FILE_LINES:
            yield Finding(name, FILE_LINES + 1, f"the file has {lines} lines, more than {FILE_LINES}")


def top_level(root: Path) -> Iterator[Finding]:
    """At the top stand only the agreed names, dot-files, and what make makes."""
    for path in sorted(root.iterdir()):
        if path.name not in TOP | MADE and not path.name.startswith("."):
            yield Finding(path.name, 1, "does not belong at the top level")


CHECKS = (white_space, leftovers, machine_paths, function_sizes, file_sizes, top_level)
