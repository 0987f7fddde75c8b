"""One log of all that any process of the suite wrote, and all the words that must not be in it."""
import hashlib
import hmac
import json
import re
import tempfile
import threading
from pathlib import Path

SUITE = Path(tempfile.mkdtemp(prefix="pickupd-e2e-"))  # Every server's directory is below this one.
LOG = SUITE / "suite.log"
SANITIZER = re.compile(r"ERROR: AddressSanitizer|runtime error:|LeakSanitizer|ThreadSanitizer|^==\d+== ", re.M)  # The last is valgrind.
SECRETS, SIGNATURES, WORDS = set(), set(), set()
PRIVATE_KEYS = {"patientName", "PatName", "notes", "Note", "comments", "contactName", "ContactName", "contactPhone", "ContactPhone",
                "name", "phone"}
SHORTEST = 4  # A shorter word would be found in any log by accident.
_lock = threading.Lock()


def write(text):
    """Append to the log of the whole suite."""
    with _lock, LOG.open("a", encoding="utf-8", errors="replace") as log:
        log.write(text if text.endswith("\n") or not text else text + "\n")


def check_sanitizers(text):
    """Fail if a sanitizer or valgrind has spoken."""
    assert not SANITIZER.search(text), text


def sign(secret, body):
    """Sign a body as the three built-in vendors do."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    SECRETS.add(secret)
    SIGNATURES.add(signature)
    return signature


def encode(payload):
    """Write a payload as UTF-8 JSON, or take bytes as they are, and remember the patient's words in it."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
    try:
        _remember(json.loads(body))
    except (ValueError, RecursionError):
        found = re.findall(r'"(\w+)"\s*:\s*"([^"\\]+)"', body.decode("utf-8", "replace"))
        WORDS.update(word for key, word in found if key in PRIVATE_KEYS and len(word) >= SHORTEST)
    return body


def _remember(value):
    """Remember every private string below a JSON value."""
    if isinstance(value, dict):
        WORDS.update(word for key, word in value.items() if key in PRIVATE_KEYS and isinstance(word, str) and len(word) >= SHORTEST)
        value = list(value.values())
    if isinstance(value, list):
        for below in value:
            _remember(below)


PREFIXES = {"whsec_"}  # A test's secret, but also what the manual calls the front of one.


def leaks():
    """Return the private words, secrets and signatures that the log holds."""
    log = LOG.read_text(encoding="utf-8").lower()
    found = set()
    for word in (WORDS | SECRETS) - PREFIXES:
        if any(form.lower() in log for form in {word, json.dumps(word)[1:-1]}):
            found.add(word)
    stems = {signature[:16]: signature for signature in SIGNATURES}
    for digits in re.findall(r"[0-9a-f]{16,}", log):
        found.update(stems[digits[i:i + 16]] for i in range(len(digits) - 15) if digits[i:i + 16] in stems)
    return found
