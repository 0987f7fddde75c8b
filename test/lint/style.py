"""What other tools check: clang-format the layout of C, and bash the syntax of shell scripts."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

from ctext import Finding, c_files, files, read

VIOLATION = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: error: (?P<message>.*)", re.M)
SHELL = re.compile(r"#! ?/(usr/)?bin/(env )?(ba|da)?sh\b")
SCRIPT_PLACES = ("src", "include", "test", "fixtures", "contrib", ".ci")


def layout(root: Path) -> Iterator[Finding]:
    """C source is laid out as .clang-format says; only the first difference of a file is reported."""
    names = [name for name, _ in c_files(root, "src", "include", "test")]
    if not (root / ".clang-format").is_file():
        yield Finding(".clang-format", 1, "is missing")
    elif not shutil.which("clang-format"):
        yield Finding(".clang-format", 1, "clang-format is not installed")
    elif names:
        command = ["clang-format", "--dry-run", "-Werror", "--style=file", *names]
        result = subprocess.run(command, cwd=root, capture_output=True, text=True, errors="replace")
        seen = set()
        for match in VIOLATION.finditer(result.stderr):
            if match["file"] not in seen:
                seen.add(match["file"])
                yield Finding(match["file"], int(match["line"]), "clang-format would lay it out differently")
        if result.returncode and not seen:
            yield Finding(".clang-format", 1, f"clang-format failed: {result.stderr.strip()[-200:]}")


def scripts(root: Path) -> Iterator[Finding]:
    """Every shell script, known by its suffix or its first line, is one that bash can parse."""
    for name, path in files(root, *SCRIPT_PLACES):
        if path.suffix == ".sh" or SHELL.match(read(path)):
            result = subprocess.run(["bash", "-n", name], cwd=root, capture_output=True, text=True, errors="replace")
            if result.returncode:
                error = re.search(r"line (\d+): (.*)", result.stderr)
                yield Finding(name, int(error[1]) if error else 1, error[2] if error else result.stderr.strip())


CHECKS = (layout, scripts)
