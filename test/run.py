"""Everything `make test` runs, one step after the other, with one count of all tests at the end.

A step that fails or hangs does not keep the others from running. The last line is `N passed, N failed`.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

JOBS = f"-j{os.cpu_count()}"
PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "900"]
STEP_SECONDS = 30 * 60  # The longest takes a third of it.


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


def replay_counts(output):
    """The sums over all corpora; each file is a test."""
    found = re.findall(r"^\S+: (\d+) passed, (\d+) failed$", output, re.M)
    return sum(int(passed) for passed, _ in found), sum(int(failed) for _, failed in found)


def build_counts(_output):
    """A build that succeeded is one test."""
    return 1, 0


# Where threads meet; and what allocates most. `make tsan` and `make memcheck` run all.
THREADS = " ".join(f"test/e2e/test_{name}.py" for name in (
    "answers", "crash", "reload", "stop", "rates", "consumers", "flows", "audit", "sealing", "stream"))
SEALED = "test/e2e/test_flows.py test/e2e/test_duplicates.py"  # With all that is kept sealed; any other test may be run so.
MEMORY = "test/e2e/test_duplicates.py test/e2e/test_reload.py::test_rotation_under_load"

FIRST = [
    ("build, gcc", ["make", JOBS, "CC=gcc", "all"], build_counts),
    ("build, clang", ["make", JOBS, "CC=clang", "OUT=build/clang", "all"], build_counts),
    ("build, ASan + UBSan", ["make", JOBS, "SAN=1", "all"], build_counts),
]
# The tests mostly wait for one another, so those of the slower builds run beside all the others.
BESIDE = [
    ("end to end, ASan + UBSan", ["make", "SAN=1", "e2e"], pytest_counts),
    ("unit, ASan + UBSan", ["make", "SAN=1", "unit"], cmocka_counts),
    ("corpora, ASan + UBSan", ["make", "SAN=1", "replay"], replay_counts),
    ("a part of it, TSan", ["make", JOBS, "TSAN=1", "CRASH_ROUNDS=2", "e2e", f"E2E={THREADS}"], pytest_counts),
]
THEN = [
    ("lint", ["make", "lint"], lint_counts),
    ("tests of the lint", PYTEST + ["test/lint"], pytest_counts),
    ("unit", ["make", JOBS, "unit"], cmocka_counts),
    ("power cuts", ["make", JOBS, "power", "POWER_SEEDS=1"], cmocka_counts),
    ("corpora of the fuzzers", ["make", JOBS, "replay"], replay_counts),
    ("end to end", ["make", "e2e"], pytest_counts),
    ("Debian package", ["make", "deb-test", "PREBUILT=build/pickupd"], pytest_counts),
    ("a part of it, sealed", ["env", "PICKUPD_E2E_SEALED=1", "make", "e2e", f"E2E={SEALED}"], pytest_counts),
    ("a part of it, valgrind", ["make", JOBS, "memcheck", "UNITS=", f"E2E={MEMORY}"], pytest_counts),
    ("demo", ["make", "demo"], build_counts),
]


STEPS = {}  # The names of those that run now.


def kill(step):
    """Ends a step's whole process group, or what it left behind, which would hold the end of the output open."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(step.pid, signal.SIGKILL)


def watch(step):
    """Waits for a step's end, or for its time to be over."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        step.wait(STEP_SECONDS)
    kill(step)


def run(name, command, count, show):
    """Runs one step and returns its name and counts; shows its output as it comes, or all of it at the end."""
    began = time.monotonic()
    lines = []
    if show:
        print(f"=== {name}", flush=True)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True
    ) as step:
        STEPS[step] = name
        threading.Thread(target=watch, args=[step]).start()
        for line in step.stdout:
            lines.append(line)
            if show:
                print(line, end="", flush=True)
        del STEPS[step]
    passed, failed = count("".join(lines))
    if step.returncode != 0 and failed == 0:
        failed = 1
    if step.returncode == -signal.SIGKILL:
        lines.append(f"killed, with all that it had started, as after {STEP_SECONDS} s\n")
        print(lines[-1] if show else "", end="")
    if not show:
        print(f"=== {name}\n" + "".join(lines), end="")
    print(f"=== {name}: {passed} passed, {failed} failed, {time.monotonic() - began:.0f} s\n", flush=True)
    return name, passed, failed


def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    os.environ.pop("MAKEFLAGS", None)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ThreadPoolExecutor(1) as beside:
        try:
            results = [run(*step, show=True) for step in FIRST]
            waiting = [beside.submit(run, *step, show=False) for step in BESIDE]
            results += [run(*step, show=True) for step in THEN]
            results += [step.result() for step in waiting]
        except KeyboardInterrupt:  # No terminal interrupts the steps: each is a session of its own.
            print("=== interrupted:", ", ".join(STEPS.values()), flush=True)
            beside.shutdown(wait=False, cancel_futures=True)
            for step in list(STEPS):
                kill(step)
            raise
    for name, passed, failed in results:
        print(f"{name:<26} {passed:>5} passed {failed:>3} failed")
    passed = sum(result[1] for result in results)
    failed = sum(result[2] for result in results)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
