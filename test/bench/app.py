"""The same work as most would write it: verify, and commit each webhook to SQLite, synced, before the answer. For `make bench`."""

import hashlib
import hmac
import os
import sqlite3
import threading

from flask import Flask, abort, request

SECRET = os.environ["BENCH_SECRET"].encode()
app = Flask(__name__)
local = threading.local()


def database():
    """Open this thread's own connection."""
    if not hasattr(local, "db"):
        local.db = sqlite3.connect(os.environ["BENCH_DATABASE"], timeout=60, isolation_level=None)
        local.db.execute("PRAGMA journal_mode = WAL")
        local.db.execute("PRAGMA synchronous = FULL")
        local.db.execute("CREATE TABLE IF NOT EXISTS webhooks (id BLOB PRIMARY KEY, body BLOB NOT NULL)")
    return local.db


@app.post("/webhooks/ehr/dentrix")
def take():
    """Keep a webhook once."""
    body = request.get_data()
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, request.headers.get("X-Dentrix-Signature", "")):
        abort(401)
    database().execute("INSERT OR IGNORE INTO webhooks VALUES (?, ?)", (hashlib.sha256(body).digest(), body))
    return {"success": True}
