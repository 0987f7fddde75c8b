"""What the binary and its process are hardened with, seen from outside: flags, rights, memory, modes of files."""
import contextlib
import os
import pwd
import random
import re
import secrets
import signal
import subprocess

import pytest

import disk
import dispatcher
import harness
import ledger
import oracle
import sealed
import tls

PLAIN = harness.BINARY.endswith("/build/pickupd")
BUILDS = [name for name in ("build/pickupd", "build/clang/pickupd") if os.access(harness.ROOT / name, os.X_OK)]
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="Only root can become another user, or give a file away.")
ENDBR64 = b"\xf3\x0f\x1e\xfa"
UNLOCKED = "secrets may be swapped out: memory can't be locked, see LimitMEMLOCK"


@pytest.mark.skipif(not PLAIN, reason="Looked at once, with the builds that are shipped.")
@pytest.mark.parametrize("build", BUILDS)
def test_flags(build):
    """Both compilers' binaries have what Debian hardens with: no fixed address, nothing both written and run, all resolved at start, checked copies and stacks."""
    elf = subprocess.run(["readelf", "-W", "-h", "-l", "-d", "--dyn-syms", harness.ROOT / build], check=True, capture_output=True, text=True).stdout
    assert re.search(r"Type:\s+DYN \(Position-Independent Executable", elf) and re.search(r"\bPIE\b", elf)
    assert "GNU_RELRO" in elf and "BIND_NOW" in elf
    assert re.search(r"GNU_STACK\s.* RW \s", elf) and not re.search(r"LOAD\s.* RWE ", elf)
    assert "__stack_chk_fail" in elf and len(set(re.findall(r"__\w+_chk\b", elf)) - {"__stack_chk_fail"}) >= 3
    if "X86-64" in elf:
        assert (harness.ROOT / build).read_bytes().count(ENDBR64) > 300


@pytest.mark.skipif(not PLAIN, reason="Looked at once, with the build that is shipped.")
def test_libraries_of_the_image():
    """The image gets every library that the binary is linked with, by the package that has it here."""
    elf = subprocess.run(["readelf", "-d", harness.BINARY], check=True, capture_output=True, text=True).stdout
    owners = subprocess.run(["dpkg", "-S", *(f"*/{name}" for name in re.findall(r"NEEDED.*\[(.+)\]", elf))], check=True, capture_output=True, text=True).stdout
    wanted = set(re.findall(r"^([^:,]+)", owners, re.M)) - {"libc6"}
    assert len(wanted) > 5 and wanted <= set((harness.ROOT / "contrib/Dockerfile").read_text().split())


def status(server):
    """What the kernel says of the process."""
    return dict(line.split(":\t", 1) for line in open(f"/proc/{server.process.pid}/status", encoding="ascii").read().splitlines())


def good():
    """A body unlike any other."""
    return ledger.encode(oracle.minimal(oracle.DENTRIX, id=harness.fresh()))


@contextlib.contextmanager
def looking_inside():
    """Skip the test where the kernel shows nobody a process that is never dumped, as to other users than root, and in many a container."""
    try:
        yield
    except PermissionError as refused:
        pytest.skip(f"This user may not look: {refused}")


def places(server, needle):
    """Where in a process's own memory some bytes stand: the flags of each mapping, as its smaps has them."""
    found, mapping = [], None
    with open(f"/proc/{server.process.pid}/smaps", encoding="utf-8") as smaps, open(f"/proc/{server.process.pid}/mem", "rb", buffering=0) as memory:
        for line in smaps:
            if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line):
                mapping = [int(end, 16) for end in head.groups()]
            elif re.match(r"[0-9a-f]+-", line):
                mapping = None
            elif line.startswith("VmFlags:") and mapping:
                memory.seek(mapping[0])
                try:
                    found += [line.split()[1:]] * memory.read(mapping[1] - mapping[0]).count(needle)
                except OSError:
                    pass  # Not there to be read, such as [vvar].
    return found


def test_secrets_in_memory():
    """A secret stands in memory that is locked and never dumped, and nowhere else: not in the environment, nor in what was read from its file."""
    from_file = "file-secret-" + secrets.token_hex(24)
    ledger.SECRETS.add(from_file)
    server = harness.Server(more="[secret dentrix next]\nfile = {}\n")
    path = server.directory / "next"
    path.write_text(from_file + "\n")
    server.more = server.more.format(path)
    with server, looking_inside():
        unlocked = server.log.find(UNLOCKED)  # As in many a container, where nobody may lock as much.
        body = good()
        assert server.post("dentrix", body).status == 200
        assert server.post("dentrix", good()).status == 200
        from_variable = server.sources["dentrix"].secret
        environment = open(f"/proc/{server.process.pid}/environ", "rb").read()
        assert b"DENTRIX_WEBHOOK_SECRET=\0" in environment  # Its place is left.
        for secret in (from_variable, server.token):
            assert secret.encode() not in environment
        if PLAIN:  # A sanitizer keeps what was freed.
            flags = places(server, from_variable.encode())  # Needed again at a reload.
            wanted = {"dd"} if unlocked else {"lo", "dd"}
            assert flags and all(wanted <= set(found) for found in flags), flags
            assert not places(server, from_file.encode())  # Only what was hashed of it is needed.
        assert unlocked or int(status(server)["VmLck"].split()[0]) >= 4096
        server.process.send_signal(signal.SIGHUP)  # What left the environment is still known.
        server.log.wait_for("configuration reloaded")
        assert server.post("dentrix", good()).status == 200


def test_memory_that_cannot_be_locked():
    """Where memory can't be locked, one warning says so, and it serves."""
    server = harness.Server()
    server.launcher = ["prlimit", "--memlock=65536:65536", "setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock"]
    with server:
        assert server.log.find(UNLOCKED)
        assert server.post("dentrix", good()).status == 200


@pytest.mark.skipif(not PLAIN, reason="A sanitizer does not let all memory be locked.")
def test_memory_without_a_limit():
    """Where memory may be locked without a limit, all of it is."""
    server = harness.Server()
    server.launcher = ["prlimit", "--memlock=unlimited"]
    if subprocess.run([*server.launcher, "true"], capture_output=True).returncode != 0:
        pytest.skip("This user may not lift the limit.")
    with server:
        assert server.post("dentrix", good()).status == 200
        assert int(status(server)["VmLck"].split()[0]) > int(status(server)["VmData"].split()[0])


def test_rights():
    """Whoever serves can gain no rights and leaves no core dump; root is told that it had better not."""
    with harness.Server() as server:
        assert status(server)["NoNewPrivs"] == "1"
        assert re.search(r"Max core file size +0 +0 ", open(f"/proc/{server.process.pid}/limits", encoding="ascii").read())
        assert bool(server.log.find("serving as root: set user in [server]")) == (os.geteuid() == 0)
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in server.directory.glob("pickupd.db*")}
        assert modes == dict.fromkeys(modes, oct(0o600))
        assert modes.keys() >= {"pickupd.db", "pickupd.db-wal", "pickupd.db-shm", "pickupd.db.lock", "pickupd.db.control", "pickupd.db.reserve"}


def give(server, user):
    """Let the directory belong to another user, and the keys that seal, which he reads himself."""
    for path in (server.directory, *server.directory.glob("keys")):
        os.chown(path, user.pw_uid, user.pw_gid)


@ROOT
def test_user():
    """Started as root, it opens a low port and reads root's secrets, and is then another user for good, to whom all files belong."""
    nobody = pwd.getpwnam("nobody")
    server = harness.Server(settings={"listen": f"127.0.0.{random.randrange(2, 250)}:{random.randrange(700, 1000)}", "user": "nobody",
                                      "api_listen": "unix:API"})
    server.settings["api_listen"] = f"unix:{server.directory}/api"
    ledger.SUITE.chmod(0o711)
    give(server, nobody)
    with server:
        now = status(server)
        assert now["Uid"].split() == [str(nobody.pw_uid)] * 4 and now["Gid"].split() == [str(nobody.pw_gid)] * 4
        assert now["Groups"].split() == [str(nobody.pw_gid)] and now["NoNewPrivs"] == "1"
        assert {now[name].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {""}
        assert not server.log.find("serving as root: set user in [server]")
        assert server.post("dentrix", good()).status == 200
        assert {path.stat().st_uid for path in [*server.directory.glob("pickupd.db*"), server.directory / "api"]} == {nobody.pw_uid}
        server.process.send_signal(signal.SIGHUP)  # The config is root's alone.
        assert "Permission denied" in server.log.wait_for("configuration not reloaded")["reason"]
        assert server.post("dentrix", good()).status == 200
    assert not (server.directory / "api").exists()


@pytest.mark.parametrize("user, why", [("no-such-user", "there is no user no-such-user"), ("daemon", "Permission denied")])
def test_user_in_vain(user, why):
    """A user who does not exist, or to whom the database's directory does not belong, serves nothing."""
    server = harness.Server(settings={"user": user})
    result, checked = server.cli("serve"), server.cli("check")
    assert result.code == 1 and (why in result.err or "only root can become" in result.err)
    assert ("there is no user" in result.err) == (checked.code == 1 and "there is no user" in checked.err), checked


STRANGER = 54321  # A user without a name.


class Owned(harness.Server):
    """A server whose configuration names a file of every kind, each in a directory of its own."""

    def __init__(self, **settings):
        super().__init__(settings=settings)
        self.files = {"config": self.config}
        authority = tls.Authority(self.directory)
        cert, key = authority.issue("server")
        own = (harness.ROOT / "contrib/vendors/github.json").read_text().replace('"vendor": "github"', '"vendor": "mine"')
        self.settings["vendor_dir"] = self.keep("mine.json", own).parent
        self.settings["seal_key_file"] = self.keep("seal-keys", f"k9 {sealed.new_key()}\n")
        self.settings |= {"tls_cert": self.keep("cert", cert.read_text()), "tls_key": self.keep("key", key.read_text()),
                          "tls_client_ca": self.keep("ca", authority.cert.read_text()), "notify_ca_file": self.keep("vouchers", authority.cert.read_text()),
                          "notify_url": "https://localhost:9/", "notify_secret_file": self.keep("notify", dispatcher.SECRET)}
        self.settings |= {name: self.keep(name, secrets.token_hex(20)) for name in ("api_token_file", "audit_key_file")}
        self.more = (f"[source own]\nvendor = mine\nsecret_file = {self.keep('secret', secrets.token_hex(20))}\n"
                     f"[secret own next]\nfile = {self.keep('next', secrets.token_hex(20))}\n"
                     f"[token bench]\nrole = work\nfile = {self.keep('token', secrets.token_hex(20))}\n")
        self.write_config()

    def keep(self, name, text):
        """Write one file."""
        path = self.files[name] = self.directory / name / name
        path.parent.mkdir()
        path.touch(0o600)
        path.write_text(text)
        return path

    def refuses(self, path, owner, whom):
        """Whether both commands name the file and its owner, and do nothing."""
        said = [self.cli(command) for command in ("check", "serve")]
        return all(each.code == 1 and f"{path}: belongs to {owner}, neither to root nor to {whom}: chown root {path}" in each.err + each.out for each in said)


@ROOT
def test_owners():
    """A file that is another user's is refused, whatever its mode, and so is its directory; nothing is read of what such a configuration names."""
    server = Owned()
    assert server.cli("check").code == 0, server.cli("check")
    for path in [*server.files.values(), *{path.parent for path in server.files.values()}]:
        os.chown(path, STRANGER, -1)
        assert server.refuses(path, f"uid {STRANGER}", "user in [server]"), path
        os.chown(path, 0, -1)
    os.chown(server.config, STRANGER, -1)
    os.chown(server.files["secret"], STRANGER, -1)
    for text in (server.config.read_text(), "[nonsense"):
        server.config.write_text(text)
        for command in ("check", "status"):
            assert server.cli(command).err == f"{server.config}: belongs to uid {STRANGER}, neither to root nor to user in [server]: chown root {server.config}\n"
    server.write_config()
    os.chown(server.config, 0, -1)
    os.chown(server.files["secret"], 0, -1)
    assert server.cli("check").code == 0


@ROOT
def test_owner_of_the_database():
    """Where the database is its user's, and so the audit's key beside it, root's commands write and audit all the same."""
    with harness.Server() as server:
        server.stop()
        for path in server.directory.glob("pickupd.db*"):
            os.chown(path, STRANGER, STRANGER)
        clinic = server.directory / "clinic.json"
        clinic.write_text('{"clinicId": "C-1", "name": "Invented Dental", "timezone": "America/New_York"}')
        done, verified = server.cli("clinics", "import", clinic), server.cli("audit", "verify")
        assert (done.code, done.out, verified.code) == (0, "1 C-1 added\n", 0), (done, verified)
        key = server.database.with_name("pickupd.db.audit-key")
        assert key.stat().st_uid == STRANGER
        key.chmod(0o604)
        assert "everybody may read it" in server.cli("audit", "verify").err


@ROOT
@pytest.mark.parametrize("command", ["restore", "clinics"])
def test_owner_of_what_root_makes(command):
    """On a new machine all that root's commands make belongs to whom the directory does, who can serve it; what was there stays whose it was."""
    nobody = pwd.getpwnam("nobody")
    with harness.Server() as server:
        assert server.post("dentrix", good()).status == 200
        assert server.cli("backup", server.directory / "copy.db").code == 0
    ledger.SUITE.chmod(0o711)
    other = harness.Server(settings={"user": "nobody"})
    if server.keys:
        other.made = server.made
        other.seal(*server.keys)
        other.write_config()
    give(other, nobody)
    roots = other.directory / "root's"
    roots.touch(0o600)
    lock = other.database.with_name("pickupd.db.lock")
    lock.hardlink_to(roots)
    clinic = other.directory / "clinic.json"
    clinic.write_text('{"clinicId": "C-1", "name": "Invented Dental", "timezone": "America/New_York"}')
    words = {"restore": ("restore", server.directory / "copy.db"), "clinics": ("clinics", "import", clinic)}[command]
    assert other.cli(*words).code == 0
    assert roots.stat().st_uid == 0
    for path in (roots, *other.directory.glob("pickupd.db*")):
        path.unlink()
    assert other.cli(*words).code == 0
    made = {path.name: path.stat().st_uid for path in other.directory.glob("pickupd.db*")}
    assert made.keys() >= {"pickupd.db", "pickupd.db.lock", "pickupd.db.reserve", "pickupd.db.audit-key"} and set(made.values()) == {nobody.pw_uid}, made
    with other:
        assert other.post("dentrix", good()).status == 200


@ROOT
def test_owner_is_the_user():
    """Root takes the files of the user whom it is to become, and nobody else's; a reload as root knows nobody new."""
    nobody = pwd.getpwnam("nobody")
    server = Owned(user="nobody")
    for path in [server.directory, *server.files.values(), *{path.parent for path in server.files.values()}]:
        os.chown(path, nobody.pw_uid, -1)
    assert server.cli("check").code == 0, server.cli("check")
    del server.settings["user"]
    server.write_config()
    assert server.refuses(server.config, f"uid {nobody.pw_uid} (nobody)", "user in [server]")
    os.chown(server.directory, 0, -1)
    for path in [*server.files.values(), *{path.parent for path in server.files.values()}]:
        os.chown(path, 0, -1)
    with harness.Server() as plain:
        plain.settings["user"] = "nobody"
        plain.write_config()
        os.chown(plain.config, nobody.pw_uid, -1)
        assert plain.cli("check").code == 0
        plain.process.send_signal(signal.SIGHUP)
        assert f"{plain.config}: belongs to uid {nobody.pw_uid} (nobody)" in plain.log.wait_for("configuration not reloaded")["reason"]


@ROOT
def test_owner_without_root():
    """Whoever serves as another user takes root's files and his own; another's are refused, at a reload as well."""
    nobody = pwd.getpwnam("nobody")
    server = harness.Server()
    secret = server.directory / "secret"
    secret.write_text("not-real-but-long-enough-for-a-secret")
    os.chown(secret, nobody.pw_uid, nobody.pw_gid)
    server.more = f"[source own]\nvendor = dentrix\nid_prefix = own\nsecret_file = {secret}\n"
    server.launcher = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--bounding-set=-all"]
    ledger.SUITE.chmod(0o711)
    give(server, nobody)
    os.chown(server.config, 0, nobody.pw_gid)
    server.config.chmod(0o640)
    with server:
        assert server.post("dentrix", good()).status == 200
        os.chown(secret, STRANGER, nobody.pw_gid)
        secret.chmod(0o640)
        server.process.send_signal(signal.SIGHUP)
        assert f"{secret}: belongs to uid {STRANGER}, neither to root nor to us" in server.log.wait_for("configuration not reloaded")["reason"]
        assert server.post("dentrix", good()).status == 200


def test_directories_of_others():
    """Where everybody may put files lies neither the configuration nor anything that it names; where nobody can remove another's, as in /tmp, it may."""
    server = Owned()
    for directory in {path.parent for path in server.files.values()} - {server.directory}:
        directory.chmod(0o777)
        for command in ("check", "serve"):
            result = server.cli(command)
            assert result.code == 1 and f"{directory}: everybody may write there: chmod o-w {directory}" in result.err + result.out
        directory.chmod(0o1777)
        assert server.cli("check").code == 0
        directory.chmod(0o700)
    server.directory.chmod(0o777)
    assert f"{server.directory}: everybody may write there: chmod o-w {server.directory}" in server.cli("check").err


def test_a_directory_that_can_only_be_read():
    """Where nothing can be written everybody may write, as in a volume that Kubernetes makes of a ConfigMap."""
    server = Owned()
    with disk.small(server.directory / "volume", 1) as volume:
        config = volume / "pickupd.ini"
        config.write_text(server.config.read_text())
        volume.chmod(0o777)
        assert f"{volume}: everybody may write there" in server.cli("check", "-c", config).err
        subprocess.run(["mount", "-o", "remount,ro", volume], check=True)
        assert server.cli("check", "-c", config).code == 0


@ROOT
def test_a_directory_that_others_can_write():
    """What a sandbox lets pickupd alone only read, as ProtectSystem= does with all of the tree, everybody may write."""
    server = Owned()
    directory = server.files["secret"].parent
    directory.chmod(0o777)
    words = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && ! touch "$0/new" && exec "$@"'
    checked = subprocess.run(["unshare", "--mount", "sh", "-c", words, directory, harness.BINARY, "check", "-c", server.config],
                             env=server.environment(), capture_output=True, text=True, check=False)
    if "unshare:" in checked.stderr or "mount:" in checked.stderr:
        pytest.skip(f"This user may not mount: {checked.stderr.strip()}")
    assert checked.returncode == 1 and f"{directory}: everybody may write there" in checked.stderr, checked


def test_files_of_others():
    """What others may read or change is refused, with the command that mends it: a secret, the config, a definition, a directory; a database is closed."""
    server = harness.Server()
    server.write_config()
    vendors, secret, key = (server.directory / name for name in ("vendors", "secret", "key"))
    vendors.mkdir()
    definition = vendors / "mine.json"
    definition.write_text((harness.ROOT / "contrib/vendors/github.json").read_text().replace('"vendor": "github"', '"vendor": "mine"'))
    secret.write_text("not-real-but-long-enough-for-a-secret")
    server.settings["vendor_dir"], server.settings["audit_key_file"] = vendors, key
    key.write_text("not-real-but-long-enough-for-the-audit")
    server.more = f"[source own]\nvendor = mine\nsecret_file = {secret}\n"
    server.write_config()
    assert server.cli("check").code == 0
    for path, mode, what in ((secret, 0o604, "everybody may read it, and it holds a secret: chmod 600"),
                             (key, 0o604, "everybody may read it, and it holds a secret: chmod 600"), (server.config, 0o602, "everybody may write it: chmod o-w"),
                             (definition, 0o666, "everybody may write it: chmod o-w")):
        path.chmod(mode)
        for command in ("check", "serve"):
            result = server.cli(command)
            assert result.code == 1 and f"{path}: {what} {path}" in result.err + result.out
        path.chmod(0o600)
    store = server.directory / "store"
    store.mkdir()
    server.database = server.settings["database"] = store / "pickupd.db"
    server.write_config()
    store.chmod(0o777)
    assert f"{store}/: everybody may write there: chmod 700" in server.cli("serve").err
    store.chmod(0o755)
    with server:
        server.stop()
        server.database.chmod(0o644)
        server.start()
        assert server.log.find("others could use a file: closed to them", file=str(server.database))
        assert server.database.stat().st_mode & 0o777 == 0o600
