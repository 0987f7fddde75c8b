"""Authorities, certificates and connections for servers that speak TLS."""
import ssl
import subprocess
from contextlib import closing
from pathlib import Path

import lab
import wire

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]


def openssl(*command, text=b"", good=True):
    """Run openssl; return all it writes."""
    done = subprocess.run(["openssl", *map(str, command)], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=wire.TIMEOUT)
    assert done.returncode == 0 or not good, done.stdout
    return done.stdout.decode("utf-8", "replace")


class Authority:
    """Issues certificates; the files stand in a directory."""

    def __init__(self, directory, name="authority"):
        self.directory, self.name = Path(directory), name
        self.cert, self.key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        openssl("req", "-x509", *CURVE, "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.cert)

    def issue(self, name):
        """A certificate for this machine and its key, as two files."""
        cert, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        openssl("req", *CURVE, "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert.with_suffix(".csr"))
        openssl("x509", "-req", "-in", cert.with_suffix(".csr"), "-copy_extensions", "copyall", "-CA", self.cert, "-CAkey", self.key,
                "-CAcreateserial", "-days", "30", "-out", cert)
        key.chmod(0o600)
        return cert, key


def trust(authority, pair=None):
    """What a client needs that trusts an authority, and has a certificate of its own or none."""
    context = ssl.create_default_context(cafile=authority.cert)
    if pair:
        context.load_cert_chain(*pair)
    return context


class Connection(wire.Connection):
    """A keep-alive connection over TLS."""

    def __init__(self, address, context):
        super().__init__(address)
        self.context = context

    def connect(self):
        """Open the socket, and shake hands."""
        self.sock = self.context.wrap_socket(wire.dial(self.address), server_hostname="localhost")


class Server(lab.Server):
    """A server with TLS on both faces; the private one asks clients for certificates of the same authority."""

    def __init__(self, directory, **settings):
        self.authority = Authority(directory)
        self.pair = self.authority.issue("server")
        self.clients = self.authority.issue("client")
        cert, key = self.pair
        super().__init__(settings={"tls_cert": cert, "tls_key": key, "api_tls_cert": cert, "api_tls_key": key,
                                   "api_tls_client_ca": self.authority.cert, **settings})
        self.contexts = {"public": trust(self.authority), "private": trust(self.authority, self.clients)}

    def connect(self, face="public"):
        """Open a keep-alive connection to one of the listeners."""
        return Connection(getattr(self, face), self.contexts[face])

    def dial(self, face="public", context=None):
        """A bare connection over TLS."""
        context = context or self.contexts[face]
        return context.wrap_socket(wire.dial(getattr(self, face)), server_hostname="localhost")

    def certificate(self):
        """What the public face presents to a new connection."""
        with closing(self.dial()) as sock:
            return sock.getpeercert(binary_form=True)
