"""The man pages and the completion: without fault, and with everything in them that the program itself tells of."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PAGES = TOP / "build/pages"
NAMES = ("pickupd.1", "pickupd.conf.5", "pickupd-definition.5")


def output(*words, **more):
    """What a command prints."""
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True, timeout=60, **more).stdout


def pickupd(*words):
    """What pickupd prints."""
    return output(TOP / "build/pickupd", *words)


def shown(name):
    """A page as one reads it, in one line."""
    text = output("mandoc", "-Tascii", "-Owidth=1000", PAGES / name)
    return " ".join(re.sub(r".\x08", "", text).split())


def test_own_characters():
    """What roff would take for its own is escaped, also where only a line's end brings it to the front."""
    sys.path.insert(0, str(TOP / "contrib"))
    import pages  # pylint: disable=import-outside-toplevel # no package
    assert pages.inline(r"`a\b` it's - \u0000 \u2026") == r"\fBa\eb\fR it\(aqs \- \eu0000 \eu2026"
    assert pages.inline("\u2026") == r"\[u2026]"
    assert pages.filled("word " * 15 + ".dot")[-1] == r"\&.dot"


def commands():
    """The commands that --help lists, with the forms that each one's own --help lists."""
    names = re.findall(r"^  (\w+) ", pickupd("--help"), re.M)
    return {name: re.findall(r"^(?:usage:)? +(pickupd .*)$", pickupd(name, "--help"), re.M) for name in names}


@pytest.mark.parametrize("name", NAMES)
def test_well_formed(name):
    """Neither mandoc nor groff has anything to say of a page."""
    assert subprocess.run(["mandoc", "-Tlint", PAGES / name], capture_output=True, text=True, check=False).stdout == ""
    told = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-Tutf8", "-Z", "-l", PAGES / name], capture_output=True, text=True, check=True,
                          env={**os.environ, "MANROFFSEQ": "", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
    assert told.stderr == ""


def test_commands():
    """pickupd(1) has every command, every form, and every line of help and example."""
    page, found = shown("pickupd.1"), commands()
    assert len(found) > 10
    for name, forms in found.items():
        assert forms
        told = pickupd(name, "--help").split("\n\n", 1)[1].split("\nexample: ")
        for text in (*forms, *told):
            assert " ".join(text.split()) in page, (name, text)


def test_keys():
    """pickupd.conf(5) has every config key that `check --keys` lists, under its section."""
    page, section, count = shown("pickupd.conf.5"), "", 0
    for line in pickupd("check", "--keys").splitlines():
        if heading := re.match(r"\[(\w+)", line):
            section = page[page.index(f" [{heading[1]}", page.index(" DESCRIPTION ") + 1):]
        elif key := re.match(r"\s*;?\s*([a-z_]+)\s", line):
            assert f" {key[1]} " in section, line
            count += 1
    assert count > 50


def names(value):
    """The names of all members of a definition, but for those that are the author's own."""
    if isinstance(value, list):
        return set().union(*map(names, value))
    if not isinstance(value, dict):
        return set()
    own = ("when", "detail", "fields", "confirmation", "headers", "body", "answer", "expect")
    return set(value).union(*(names(member) for name, member in value.items() if name not in own))


def test_definition():
    """pickupd-definition(5) has every key of the definition that uses all there are, and every word of templates and confirmations."""
    page = shown("pickupd-definition.5")
    keys = names(json.loads((TOP / "contrib/vendors/template.json").read_text()))
    words = [word for table in ("term", "var") for word in re.findall(r'"(\w+)"\)', (TOP / f"include/tbl/{table}.h").read_text())]
    assert len(keys) > 25 and len(words) > 10
    assert [key for key in keys if not re.search(rf"\b{key}\b", page)] == []
    assert [word for word in words if f"{{{word}}}" not in page] == []


COMPLETE = """source "$1"; shift
for line; do
    read -ra COMP_WORDS <<< "$line"
    [[ $line == *' ' ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _pickupd
    echo "${COMPREPLY[*]}"
done"""


def complete(*lines, **more):
    """What bash would offer behind each of these lines."""
    told = output("bash", "-uc", COMPLETE, "bash", PAGES / "pickupd.bash", *lines, **more)
    return [set(line.split()) for line in told.split("\n")[:-1]]


def test_completion_of_words():
    """It offers the commands, and behind each all that its --help has; nothing of another one."""
    found = commands()
    [first, start, within] = complete("pickupd ", "pickupd ser", "pickupd quarantine re")
    assert first == {*found, "--help", "--version"} and start == {"serve"} and within == {"retry"}
    for name, forms in found.items():
        for form in forms:
            words = form.split()[2:]
            sub = words[0] if words and re.fullmatch("[a-z]+", words[0]) else ""
            [offered] = complete(f"pickupd {name} {sub} -" if sub else f"pickupd {name} -")
            options = set(re.findall(r"--?[a-z][a-z-]*", form.replace("pickupd ", "")))
            assert options <= offered, (form, offered)
            if sub:
                assert sub in complete(f"pickupd {name} ")[0]
    assert "--show-phi" not in complete("pickupd quarantine list -")[0]


def test_completion_of_values(tmp_path):
    """It offers files, directories and the sources of the configuration where they are asked for."""
    (tmp_path / "own.ini").write_text("[server]\n[source mill]\n[source dentrix]\n[secret dentrix next]\n")
    (tmp_path / "own.json").write_text("{}")
    (tmp_path / "copies").mkdir()
    offered = complete("pickupd serve -c ow", "pickupd check own.j", "pickupd -c own.ini sign ", "pickupd events list -c own.ini --source m",
                       "pickupd events list --limit ", "pickupd backup co", cwd=tmp_path)
    assert offered == [{"own.ini", "own.json"}, {"own.json"}, {"mill", "dentrix"}, {"mill"}, set(), {"copies"}]
