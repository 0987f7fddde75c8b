"""make install: everything in its place, under another prefix as well, and gone again with make uninstall."""
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
WANTED = {"bin/pickupd": 0o755, "lib/systemd/system/pickupd.service": 0o644, "lib/systemd/system/pickupd.socket": 0o644,
          "lib/sysusers.d/pickupd.conf": 0o644, "lib/tmpfiles.d/pickupd.conf": 0o644, "share/man/man1/pickupd.1": 0o644,
          "share/man/man5/pickupd.conf.5": 0o644, "share/man/man5/pickupd-definition.5": 0o644,
          "share/bash-completion/completions/pickupd": 0o644, "share/doc/pickupd/manual.md": 0o644,
          "share/doc/pickupd/examples/pickupd.ini": 0o644, "share/doc/pickupd/examples/worker.py": 0o755}


def make(target, directory):
    """Run make for a prefix with a blank nowhere in it."""
    subprocess.run(["make", "-s", target, f"DESTDIR={directory}", "PREFIX=/opt/lab"], cwd=TOP, check=True, timeout=600)


def installed(directory):
    """The files below the prefix, with their modes."""
    top = directory / "opt/lab"
    return {str(path.relative_to(top)): path.stat().st_mode & 0o777 for path in top.rglob("*") if path.is_file()}


def said(*command):
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_install(tmp_path):
    """The files, their modes, the unit's command, every definition; and none of them afterwards."""
    make("install", tmp_path)
    found = installed(tmp_path)
    assert WANTED.items() <= found.items()
    assert {f"share/pickupd/vendors/{path.name}" for path in (TOP / "contrib/vendors").glob("*.json")} <= set(found)
    unit = (tmp_path / "opt/lab/lib/systemd/system/pickupd.service").read_text()
    assert re.search(r"^ExecStart=/opt/lab/bin/pickupd serve -c /etc/pickupd/pickupd\.ini$", unit, re.M)
    assert unit.startswith("[Unit]\n") and "/usr/local" not in unit
    assert "pickupd " in subprocess.run([tmp_path / "opt/lab/bin/pickupd", "version"], capture_output=True, text=True, check=True).stdout
    make("uninstall", tmp_path)
    assert installed(tmp_path) == {}


def test_image_has_the_libraries():
    """contrib/Dockerfile installs the package of every library that the program names; libc6 is there anyway."""
    named = re.findall(r"\(NEEDED\).*\[(\S+)\]", said("readelf", "-d", TOP / "build/pickupd"))
    places = dict(re.findall(r"(\S+) => (\S+)", said("ldd", TOP / "build/pickupd")))
    owners = {said("dpkg", "-S", f"*/{Path(places[name]).resolve().name}").split(":")[0] for name in named} - {"libc6"}
    assert len(owners) > 8 and owners <= set((TOP / "contrib/Dockerfile").read_text().split()), owners
