"""Runs a command under the system call filter of a systemd unit. A call that the unit forbids ends the process, where systemd would
only refuse it: so nothing that is needed can hide.

Usage: confined.py UNIT COMMAND...
"""
import ctypes
import errno
import os
import re
import socket
import subprocess
import sys

KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000
EQUAL, MASKED = 4, 7  # Ways of libseccomp to compare an argument.
WRITE, EXECUTE = 2, 4  # PROT_WRITE, PROT_EXEC.
AS_ROOT = {"fchown"}  # SQLite keeps the owner of its files, where it may; the unit's user may not, and then it does not try.


def refusal(code):
    """The action that refuses with an error."""
    return 0x00050000 | code


class Compare(ctypes.Structure):
    """One condition on an argument."""

    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def settings(unit, key):
    """The values of a key, in their order."""
    return re.findall(rf"^{key}=(.*)$", open(unit, encoding="utf-8").read(), re.M)


def expand(name):
    """The system calls of a set, and of the sets in it."""
    if not name.startswith("@"):
        return {name}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    return set().union(*(expand(line.strip()) for line in listed if line.strip() and not line.strip().startswith("#")))


def allowed(unit):
    """The system calls that the unit leaves."""
    calls = set()
    for value in settings(unit, "SystemCallFilter"):
        named = set().union(*map(expand, value.removeprefix("~").split()))
        calls = calls - named if value.startswith("~") else calls | named
    return calls | AS_ROOT if os.geteuid() == 0 else calls


def confine(unit):
    """Load the filter; it stays over exec."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(Compare)]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    rules = ctypes.c_void_p(library.seccomp_init(KILL_PROCESS))

    def add(action, call, *conditions):
        number = library.seccomp_syscall_resolve_name(call.encode())
        array = (Compare * max(len(conditions), 1))(*conditions)
        if number >= 0 and library.seccomp_rule_add_array(rules, action, number, len(conditions), array) != 0:
            sys.exit(f"no rule for {call}")

    families = {getattr(socket, name) for value in settings(unit, "RestrictAddressFamilies") for name in value.split()}
    own_rules = {"socket"} if families else set()
    if settings(unit, "MemoryDenyWriteExecute") == ["yes"]:
        own_rules |= {"mmap", "mprotect", "pkey_mprotect"}
        add(ALLOW, "mmap", Compare(2, MASKED, WRITE | EXECUTE, 0))
        add(ALLOW, "mmap", Compare(2, MASKED, WRITE | EXECUTE, WRITE))
        add(ALLOW, "mmap", Compare(2, MASKED, WRITE | EXECUTE, EXECUTE))
        add(ALLOW, "mprotect", Compare(2, MASKED, EXECUTE, 0))
    for family in families:
        add(ALLOW, "socket", Compare(0, EQUAL, family, 0))
    if families:  # libc and libcurl look whether there is another kind, and take no for an answer; so systemd's filter says it.
        for family in set(range(1, 46)) - families:
            add(refusal(errno.EAFNOSUPPORT), "socket", Compare(0, EQUAL, family, 0))
    for call in allowed(unit) - own_rules:
        add(ALLOW, call)
    if library.seccomp_load(rules) != 0:
        sys.exit("this kernel loads no filter")


if __name__ == "__main__":
    confine(sys.argv[1])
    os.execv(sys.argv[2], sys.argv[2:])
