"""The manual's definitions are what pickupd takes: each JSON block of its section 6 is loaded, and their examples are run."""
import json
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

import harness
import ledger
import wire

MANUAL = harness.ROOT / "contrib/manual.md"
SECTION = re.compile(r"^## 6\. Definitions\n(.*?)^## ", re.M | re.S)
BLOCK = re.compile(r"^```json\n(.*?)^```$", re.M | re.S)
SMALL = {"vendor": "small", "scheme": {"kind": "hmac", "hash": "sha256", "signed": "{body}",
                                       "signature": {"header": "X-Small-Signature", "encoding": "hex"}},
         "event": {"source": "ehr.small", "type": "SomethingHappened", "detail": {"id": {"from": "id", "type": "id"}}}}


def blocks():
    """The text of each block, in the order of the manual."""
    return BLOCK.findall(SECTION.search(MANUAL.read_text())[1])


def whole(text):
    """The block as a definition: it is one itself, or a scheme, or some keys of one."""
    block = json.loads(text)
    if "vendor" in block:
        return text
    return json.dumps({**SMALL, "scheme": block} if "kind" in block else {**SMALL, **block})


def check(text):
    """Run check on a definition alone."""
    path = Path(tempfile.mkdtemp(dir=ledger.SUITE)) / f"{json.loads(text)['vendor']}.json"
    path.write_text(text)
    return subprocess.run([harness.BINARY, "check", path], capture_output=True, text=True, timeout=wire.TIMEOUT)


@pytest.mark.parametrize("text", blocks(), ids=lambda text: text[:40])
def test_a_block_loads(text):
    """Whoever copies a block gets no mistake."""
    result = check(whole(text))
    assert (result.returncode, result.stderr) == (0, "")


def test_the_first_block_is_whole():
    """The example to copy comes first, and becomes what it says."""
    text = blocks()[0]
    count = len(json.loads(text)["examples"])
    assert count > 0 and f"{count} examples become what they should" in check(text).stdout


@pytest.mark.parametrize("path", sorted((harness.ROOT / "contrib/vendors").glob("*.json")), ids=lambda path: path.stem)
def test_a_shipped_definition_is_listed(path):
    """Each shipped definition has its line in the manual, and its examples become what they should."""
    assert f"| `{path.stem}` |" in MANUAL.read_text()
    result = check(path.read_text())
    assert result.returncode == 0 and "examples become what they should" in result.stdout
