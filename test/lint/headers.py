"""Headers: each one compiles alone."""

import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ctext import Finding, files

FLAGS = "-std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only".split()
PACKAGES = "libevent_core libcrypto sqlite3 jansson inih libical".split()
ERROR = re.compile(r"^(?:\./)?(?P<file>[^:\n]+):(?P<line>\d+):(?:\d+:)? (?:fatal )?error: (?P<message>.*)", re.M)


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess:
    """Runs a command with English messages and keeps what it says."""
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, errors="replace")


def library_flags(root: Path) -> list[str]:
    """Asks pkg-config where the libraries' headers are; those it does not know add nothing."""
    try:
        answers = [run("pkg-config", "--cflags", package, cwd=root) for package in PACKAGES]
    except FileNotFoundError:
        return []
    return [flag for answer in answers if answer.returncode == 0 for flag in shlex.split(answer.stdout)]


def compile_alone(root: Path, header: str, flags: list[str]) -> list[Finding]:
    """Compiles an empty file that includes the one header, and turns the first error into a finding."""
    folders = ["-Iinclude"] if header.startswith("include/") else ["-Iinclude", f"-I{Path(header).parent}"]
    command = [*shlex.split(os.environ.get("CC") or "cc"), *FLAGS, *folders, *flags]
    try:
        # The header is no main file here: there, compilers warn of its unused inline functions and `#pragma once`.
        result = run(*command, "-include", header, "-x", "c", "/dev/null", cwd=root)
    except FileNotFoundError:
        return [Finding(header, 1, f"no compiler: {command[0]}")]
    if result.returncode == 0:
        return []
    error = ERROR.search(result.stderr)
    if error and error["file"] == header:
        return [Finding(header, int(error["line"]), f"does not compile alone: {error['message']}")]
    return [Finding(header, 1, f"does not compile alone: {error[0] if error else result.stderr.strip()[-200:]}")]


def alone(root: Path) -> list[Finding]:
    """Every door and every private header compiles alone; the tables in include/tbl are rows, not headers."""
    names = [name for name, _ in files(root, "include", "src", suffixes=(".h",))]
    headers = [name for name in names if not name.startswith("include/tbl/")]
    flags = library_flags(root)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(lambda header: compile_alone(root, header, flags), headers), [])


CHECKS = (alone,)
