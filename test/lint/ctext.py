"""C source as text, for the checks: comments and literals blanked out, with every character still in its place."""

import re
from pathlib import Path
from typing import Iterator, NamedTuple

TOKEN = re.compile(
    r"(?P<comment>//(?:\\\n|[^\n])*|/\*.*?(?:\*/|\Z))"
    r"|(?P<literal>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')",
    re.DOTALL,
)


class Finding(NamedTuple):
    """One thing that is wrong, at a line of a file named from the root of the repository."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def files(root: Path, *places: str, suffixes: tuple[str, ...] = ()) -> Iterator[tuple[str, Path]]:
    """Yields (name from the root, path) of every file at or under the places; no suffixes means any."""
    for place in places:
        top = root / place
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and (not suffixes or path.suffix in suffixes):
                yield path.relative_to(root).as_posix(), path


def c_files(root: Path, *places: str) -> Iterator[tuple[str, str]]:
    """Yields (name from the root, text) of every C source and header under the places."""
    for name, path in files(root, *places, suffixes=(".c", ".h")):
        yield name, read(path)


def read(path: Path) -> str:
    """Reads a file; bytes that are not UTF-8 become replacement characters, for no check depends on them."""
    return path.read_text(encoding="utf-8", errors="replace")


def blank(text: str) -> str:
    """Turns everything but line ends into spaces."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text: str) -> str:
    """Blanks comments and keeps literals."""
    return TOKEN.sub(lambda token: blank(token[0]) if token["comment"] else token[0], text)


def code_only(text: str) -> str:
    """Blanks comments and the inside of literals; the quotes stay."""
    return TOKEN.sub(lambda t: blank(t[0]) if t["comment"] else t[0][0] + blank(t[0][1:-1]) + t[0][-1], text)


def line_at(text: str, offset: int) -> int:
    """Gives the line, from 1, on which a character stands."""
    return text.count("\n", 0, offset) + 1


def calls(text: str, names: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yields (line, name, arguments) of each call, or table row, whose name matches the pattern; a #define is none."""
    code, kept = code_only(text), without_comments(text)
    for match in re.finditer(rf"(?<!define )(?<!->)(?<![\w.])({names})\s*\(", code):
        arguments, start, depth = [], match.end(), 1
        for at in range(match.end(), len(code)):
            depth += (code[at] in "([{") - (code[at] in ")]}")
            if depth == 0 or (depth == 1 and code[at] == ","):
                arguments.append(kept[start:at].strip())
                start = at + 1
            if depth == 0:
                break
        yield line_at(code, match.start()), match[1], arguments
