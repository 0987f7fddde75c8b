"""Sealed values, opened by another implementation than pickupd's own: Python's cryptography."""
import base64
import re
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ID_BYTES, NONCE_BYTES, MORE = 16, 12, 45
ROW = re.compile(r'^SEALED\((\w+), (\w+), "([^"]*)"', re.MULTILINE)


def new_key():
    """Make a key as it stands in a file of keys."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def columns(root):
    """Every sealed column as (table, column, what names its row)."""
    return ROW.findall((root / "include/tbl/sealed.h").read_text())


def key_id(value):
    """The id of the key that a value was sealed with, or None for what is in clear."""
    if not isinstance(value, bytes) or len(value) < MORE or value[0] not in (1, 2):
        return None
    name = value[1:1 + ID_BYTES].rstrip(b"\0")
    return name.decode() if re.fullmatch(rb"[\w.-]+", name) else None


def unseal(keys, column, row, value):
    """Open a value that stands in a column of the row that is named by these parts; what is in clear stays as it is."""
    name = key_id(value)
    if name not in keys:
        return value
    place = value[:1 + ID_BYTES]
    for part in (column, *row):
        part = part.to_bytes(8, "big", signed=True) if isinstance(part, int) else part.encode() if isinstance(part, str) else part
        place += len(part).to_bytes(8, "big") + part
    nonce, rest = value[1 + ID_BYTES:1 + ID_BYTES + NONCE_BYTES], value[1 + ID_BYTES + NONCE_BYTES:]
    plain = AESGCM(base64.b64decode(keys[name])).decrypt(nonce, rest, place)
    return plain.decode() if value[0] == 1 else plain


def show(db, keys, root):
    """Let a connection read every table as if nothing of it was sealed."""
    db.create_function("unsealed", -1, lambda column, *rest: unseal(keys, column, rest[:-1], rest[-1]))
    of = {}
    for table, column, row in columns(root):
        of.setdefault(table, {})[column] = f"unsealed('{table}.{column}', {row}, {column}) AS {column}"
    for table, sealed in of.items():
        names = [row[1] for row in db.execute(f"PRAGMA main.table_info({table})")]
        db.execute(f"CREATE TEMP VIEW {table} AS SELECT {', '.join(sealed.get(name, name) for name in names)} FROM main.{table}")
