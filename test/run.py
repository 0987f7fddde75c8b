"""Everything `make test` runs, one step after the other, with one count of all tests at the end.

A step that fails does not keep the others from running. The last line is `N passed, N failed`.
"""

import os
import re
import subprocess
import sys
import time

JOBS = f"-j{os.cpu_count()}"
PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"]


def pytest_counts(output):
    """The numbers of pytest's closing line; an error counts as a failure."""
    counts = {"passed": 0, "failed": 0, "error": 0, "errors": 0}
    for line in reversed(output.splitlines()):
        found = re.findall(r"(\d+) (passed|failed|errors?)", line)
        if found:
            for number, word in found:
                counts[word] = int(number)
            break
    return counts["passed"], counts["failed"] + counts["error"] + counts["errors"]


def cmocka_counts(output):
    """The sums over all test programs."""
    passed = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", output)))
    failed = sum(map(int, re.findall(r"\[  FAILED  \] (?:.*: )?(\d+) test", output)))
    return passed, failed


def lint_counts(output):
    """Each check is a test; findings are failures."""
    found = re.search(r"lint: (\d+) checks, (\d+) findings?", output)
    return (int(found[1]) - min(int(found[2]), int(found[1])), int(found[2])) if found else (0, 1)


def build_counts(_output):
    """A build that succeeded is one test."""
    return 1, 0


STEPS = [
    ("build, gcc", ["make", JOBS, "CC=gcc", "all"], build_counts),
    ("build, clang", ["make", JOBS, "CC=clang", "OUT=build/clang", "all"], build_counts),
    ("lint", ["make", "lint"], lint_counts),
    ("tests of the lint", PYTEST + ["test/lint"], pytest_counts),
    ("unit", ["make", JOBS, "unit"], cmocka_counts),
    ("end to end", ["make", "e2e"], pytest_counts),
    ("build, ASan + UBSan", ["make", JOBS, "SAN=1", "all"], build_counts),
    ("unit, ASan + UBSan", ["make", JOBS, "SAN=1", "unit"], cmocka_counts),
    ("end to end, ASan + UBSan", ["make", "SAN=1", "e2e"], pytest_counts),
    ("demo", ["make", "demo"], build_counts),
]


def run(name, command, count):
    """Runs one step, shows its output as it comes, and returns its counts."""
    print(f"=== {name}", flush=True)
    began = time.monotonic()
    lines = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as step:
        for line in step.stdout:
            lines.append(line)
            print(line, end="", flush=True)
    passed, failed = count("".join(lines))
    if step.returncode != 0 and failed == 0:
        failed = 1
    print(f"=== {name}: {passed} passed, {failed} failed, {time.monotonic() - began:.0f} s\n", flush=True)
    return passed, failed


def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    os.environ.pop("MAKEFLAGS", None)
    results = [(name, *run(name, command, count)) for name, command, count in STEPS]
    for name, passed, failed in results:
        print(f"{name:<26} {passed:>5} passed {failed:>3} failed")
    passed = sum(result[1] for result in results)
    failed = sum(result[2] for result in results)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
