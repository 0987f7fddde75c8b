"""Clinics: over HTTP, and from a file with a running server or without one."""
import fcntl
import json
import select
import socket
from concurrent.futures import ThreadPoolExecutor

import harness
import pytest
import wire

HUNG_UP = "the running server hung up before it said whether it was put"


def clinic(name, **more):
    """A clinic's document."""
    return {"clinicId": name, "name": "Invented Dental", "timezone": "America/New_York", **more}


def write(server, content):
    """A file to import."""
    path = server.directory / "clinics.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_put_get_delete(server):
    """What is put is what is got; again it is replaced; gone it is gone."""
    name = harness.fresh()
    document = clinic(name, coordinates={"lat": 40.7, "lng": -74}, address="1 Fictional Plaza", phone="555-0100", contactEmail="desk@example.com",
                      operatingHours={"monday": [{"open": "08:00", "close": "12:00"}, {"open": "13:00", "close": "17:00"}], "sunday": None}, beside=[1])
    assert server.api("GET", f"/v1/clinics/{name}").status == 404
    assert server.api("PUT", f"/v1/clinics/{name}", document).status == 201
    assert server.api("PUT", f"/v1/clinics/{name}", document).status == 200
    assert server.api("GET", f"/v1/clinics/{name}").json == document
    assert server.api("DELETE", f"/v1/clinics/{name}").status == 204
    assert server.api("DELETE", f"/v1/clinics/{name}").status == 404


def test_all_faults_at_once(server):
    """Every fault is named, none by its value; the path's id counts."""
    bad = {"clinicId": "CLI-1", "timezone": "Nowhere/Land", "coordinates": {"lat": 91, "lng": 0}, "operatingHours": {"monday": [{"open": "18:00", "close": "09:00"}]}}
    errors = server.api("PUT", "/v1/clinics/CLI-1", bad).problem["errors"]
    assert "Missing name" in errors and "Invalid coordinates.lat" in errors
    answer = server.api("PUT", "/v1/clinics/CLI-2", clinic("CLI-1"))
    assert answer.status == 400 and answer.problem["errors"] == ["Invalid clinicId: the path has another"]
    assert server.api("PUT", "/v1/clinics/CLI-1", clinic("CLI-1", timezone="Nowhere/Land")).problem["errors"] == ["Invalid timezone"]


def test_the_largest(server):
    """A document of 32,768 bytes is kept, a longer one is not."""
    name = harness.fresh()
    room = 32768 - len(json.dumps(clinic(name, beside=""), separators=(",", ":")))
    assert server.api("PUT", f"/v1/clinics/{name}", clinic(name, beside="x" * room)).status == 201
    assert server.api("PUT", f"/v1/clinics/{name}", clinic(name, beside="x" * (room + 1))).status == 400


def test_pages():
    """All clinics come, in the order of their ids, in pages."""
    with harness.Server() as server:
        names = sorted(harness.fresh() for _ in range(5))
        answer = server.api("POST", "/v1/clinics/import", [clinic(name) for name in reversed(names)])
        assert [row["result"] for row in answer.json["results"]] == ["added"] * 5
        seen, cursor = [], ""
        while cursor is not None:
            page = server.api("GET", f"/v1/clinics?limit=2{cursor and '&cursor=' + cursor}").json
            seen += [row["clinicId"] for row in page["clinics"]]
            cursor = page["next"]
        assert seen == names


def test_pages_are_bounded_in_bytes():
    """A page of large rows ends before it has too many of them, and goes on where it ended."""
    with harness.Server() as server:
        names = sorted(harness.fresh() for _ in range(300))
        for part in (names[:150], names[150:]):
            assert server.api("POST", "/v1/clinics/import", [clinic(name, beside="x" * 32000) for name in part]).json["rejected"] == 0
        first = server.api("GET", "/v1/clinics?limit=1000").json
        second = server.api("GET", f"/v1/clinics?limit=1000&cursor={first['next']}").json
        assert 8 << 20 <= 32000 * len(first["clinics"]) + (1 << 20) and len(first["clinics"]) < 300 and second["next"] is None
        assert [row["clinicId"] for row in first["clinics"] + second["clinics"]] == names


def test_import_over_http(server):
    """Each clinic of a list stands or falls alone, and the answer says which."""
    good, bad = harness.fresh(), harness.fresh()
    answer = server.api("POST", "/v1/clinics/import", [clinic(good), {"clinicId": bad}, 7]).json
    assert [row["result"] for row in answer["results"]] == ["added", "rejected", "rejected"] and answer["rejected"] == 2
    assert "Missing name" in answer["results"][1]["errors"]
    assert server.api("GET", f"/v1/clinics/{bad}").status == 404
    assert server.api("POST", "/v1/clinics/import", clinic(good)).status == 400
    assert server.api("POST", "/v1/clinics/import", [clinic(good)] * 1001).status == 400


def test_import_a_file(server):
    """The running server puts them; every line says what became of one, and the exit code whether all are there."""
    good, bad = harness.fresh(), harness.fresh()
    result = server.cli("clinics", "import", write(server, [clinic(good), {"clinicId": bad}]))
    assert (result.code, result.out.splitlines()) == (1, [f"1 {good} added", f"2 {bad} rejected: Missing name, Missing timezone"])
    result = server.cli("clinics", "import", write(server, clinic(good, phone="555-0100")))
    assert (result.code, result.out) == (0, f"1 {good} replaced\n")
    assert server.api("GET", f"/v1/clinics/{good}").json["phone"] == "555-0100"


def ask(server, request):
    """What the control socket answers to a request, as a list of its lines."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(f"{server.database}.control")
        control.sendall(json.dumps(request).encode() + b"\n")
        with control.makefile() as lines:
            return [json.loads(line) for line in lines]


def test_whatever_command_asks(server):
    """The server itself checks what it is asked to keep, as for `PUT`: one that a command of another version lets pass is answered with its faults, and not kept."""
    good, bad = harness.fresh(), harness.fresh()
    assert ask(server, {"command": "clinic-put", "org": "default", "clinic": clinic(good)}) == [{"id": good, "result": "added", "errors": []}, {"failed": 0}]
    for document, errors in (({"clinicId": bad}, ["Missing name", "Missing timezone"]), (clinic(bad, timezone="Nowhere/Land"), ["Invalid timezone"]),
                             (clinic(bad, phone=7), ["Invalid phone"]), (clinic(bad, beside="x" * 32768), ["Invalid clinic: longer than 32768 bytes"]),
                             (clinic(bad, operatingHours={"monday": [{"open": "18:00", "close": "09:00"}]}), ["Invalid operatingHours.monday"])):
        assert ask(server, {"command": "clinic-put", "org": "default", "clinic": document}) == [{"id": bad, "result": "rejected", "errors": errors}, {"failed": 1}]
        if len(errors) < 2:
            assert server.api("PUT", f"/v1/clinics/{bad}", document).problem["errors"] == errors
    for nothing in ({}, {"clinic": None}, {"clinic": 7}, {"clinic": []}, {"clinic": {}}, {"clinic": clinic("")}):
        [row, end] = ask(server, {"command": "clinic-put", "org": "default", **nothing})
        assert (row["id"], row["result"], end) == ("", "rejected", {"failed": 1}) and row["errors"]
    for org in ({}, {"org": ""}, {"org": 7}, {"org": "a\x1b[31m"}, {"org": "a\u009b31m"}, {"org": "a" * 65}):
        assert ask(server, {"command": "clinic-put", "clinic": clinic(bad), **org}) == [{"id": bad, "result": "rejected", "errors": ["Invalid org"]}, {"failed": 1}]
    assert server.api("GET", f"/v1/clinics/{bad}").status == 404
    assert not server.query("SELECT clinic_id FROM clinics WHERE clinic_id IN (?, '')", bad)
    assert not server.query("SELECT what FROM audit WHERE action = 'clinics import' AND what LIKE ?", f"%{bad}%")


def test_import_without_a_server():
    """The command writes the file itself; another org's clinics are apart."""
    with harness.Server() as server:
        server.stop()
        assert server.cli("clinics", "import", write(server, clinic("C-1"))).out == "1 C-1 added\n"
        assert server.cli("clinics", "import", write(server, clinic("C-1")), "--org", "north").out == "1 C-1 added\n"
        server.start()
        assert server.api("GET", "/v1/clinics/C-1").status == 200
        assert [row["org"] for row in server.query("SELECT org FROM clinics ORDER BY org")] == ["default", "north"]


@pytest.mark.parametrize("answer,became", [
    ({"id": "C-1", "result": "replaced", "errors": []}, "replaced"), ({"error": "unknown command"}, "not now: the running server did not do it"),
    (None, f"unknown: {HUNG_UP}")], ids=["all but the end", "an earlier server", "nothing"])
def test_what_a_server_answers(answer, became):
    """What it says of a clinic counts, also if it hangs up before the end; what it did not say is not made up, and the line has the reason."""
    server = harness.Server()
    with open(f"{server.database}.lock", "w", encoding="ascii") as lock, socket.socket(socket.AF_UNIX) as listening:
        fcntl.flock(lock, fcntl.LOCK_EX)
        listening.bind(f"{server.database}.control")
        listening.listen()
        with ThreadPoolExecutor() as pool:
            command = pool.submit(server.cli, "clinics", "import", write(server, clinic("C-1")))
            with listening.accept()[0] as line:
                assert json.loads(line.makefile().readline())["command"] == "clinic-put"
                line.sendall(json.dumps(answer).encode() + b"\n" if answer else b"")
            result = command.result()
    assert (result.code, result.out, result.err) == (0 if became == "replaced" else 1, f"1 C-1 {became}\n", "")


@pytest.mark.parametrize("reads,first", [(True, f"unknown: {HUNG_UP}"), (False, "added")], ids=["read", "not read"])
def test_a_server_that_ends_meanwhile(reads, first):
    """Nobody knows of the clinic that it has read last, and it has not put what it has not read; the command puts these and all others by itself."""
    server = harness.Server()
    with ThreadPoolExecutor() as pool:
        with open(f"{server.database}.lock", "w", encoding="ascii") as lock, socket.socket(socket.AF_UNIX) as listening:
            fcntl.flock(lock, fcntl.LOCK_EX)
            listening.bind(f"{server.database}.control")
            listening.listen()
            command = pool.submit(server.cli, "clinics", "import", write(server, [clinic("C-1"), clinic("C-2")]))
            with listening.accept()[0] as line:
                assert line.makefile().readline() if reads else select.select([line], [], [], wire.TIMEOUT)[0]
        result = command.result()
    assert (result.code, result.out, result.err) == (int(reads), f"1 C-1 {first}\n2 C-2 added\n", "")


@pytest.mark.parametrize("org", ["", "\udcff", "a\x1b[31m", "a\x7f", "a\u009b31m", "a" * 65], ids=ascii)
def test_import_for_no_organization(server, org):
    """What no configuration could call an organization is none, with a running server or without one."""
    result = server.cli("clinics", "import", write(server, clinic(harness.fresh())), "--org", org)
    assert (result.code, result.out) == (2, "") and "--org takes the name of an organization" in result.err
    assert {row["org"] for row in server.query("SELECT org FROM clinics")} <= {"default"}


def test_an_id_that_a_terminal_would_act_upon():
    """Is printed without what it would act upon, also where it may be kept, with a running server or without one."""
    with harness.Server() as server:
        file = write(server, [clinic("a\x1b[31mb"), clinic("c\u009b31md"), {"clinicId": "e\x1bf"}, {}])
        rejected = "3 e?f rejected: Missing name, Missing timezone\n4 - rejected: Missing clinicId, Missing name, Missing timezone\n"
        assert server.cli("clinics", "import", file).out == f"1 a?[31mb added\n2 c?31md added\n{rejected}"
        server.stop()
        assert server.cli("clinics", "import", file).out == f"1 a?[31mb replaced\n2 c?31md replaced\n{rejected}"
        server.start()


def test_import_what_is_no_file(server):
    """A file that can't be read, or is no JSON, is named with its line."""
    result = server.cli("clinics", "import", server.directory / "missing.json")
    assert result.code == 1 and "missing.json" in result.err
    result = server.cli("clinics", "import", write(server, "[\n{]"))
    assert result.code == 1 and "clinics.json:2: Malformed JSON" in result.err
    assert server.cli("clinics", "import").code == 2
