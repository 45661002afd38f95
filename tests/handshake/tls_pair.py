"""Two real OpenSSL ends in memory, for the decoder's tests: what passed, the key log, and OpenSSL's own account.

Run as a program it prints one pair as JSON: in its own process the cipher suite of TLS 1.3 can be chosen, through
OpenSSL's configuration file (Python's ssl has no call for it before 3.15).
"""

import base64
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mtls_lab.handshake.messages import Role, Version, Wire

CASES = ("mutual", "one-way", "no client certificate", "untrusted client", "client refuses server")

ROLES: tuple[Role, ...] = ("client", "server")
_HANDSHAKE, _ALERT = 22, 21
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One connection."""

    wire: Wire
    """What passed."""
    secrets: str
    """The key log."""
    told: dict[str, list[bytes]]
    """The handshake messages and alerts that each end says it wrote (`SSLContext._msg_callback`)."""


@dataclass
class Setting:
    """What to run; fields of the same name as OpenSSL's words."""

    case: str = "mutual"
    version: Version = "TLSv1.3"
    ciphers: str | None = None
    """Of TLS 1.2."""
    server_curve: str | None = None
    """The only group that the server takes."""
    rsa_key: bool = False
    """The server has an RSA key."""
    tickets: int = 0
    lines: tuple[tuple[Role, bytes], ...] = (("client", b"hello"), ("server", b"welcome"))
    """Application data, in turns."""
    alpn: tuple[str, ...] = ()
    client_log: bool = True
    """The client logs its secrets, too."""


class Identities:
    """A root, a stranger's root, and files with what they issued."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = self._issue("Lab Root CA", None)
        self._stranger = self._issue("Lab Root CA of a Stranger, Inc.", None)
        self._issue("localhost", self._root)
        self._issue("alice", self._root)
        self._issue("mallory", self._stranger)
        self._issue("rsa", self._root, key=rsa.generate_private_key(65537, 2048))

    def path(self, name: str) -> Path:
        """Certificate and key in one file."""
        return self.folder / f"{name}.pem"

    def new_log(self) -> Path:
        """Where a pair may log its secrets."""
        return Path(tempfile.mkdtemp(dir=self.folder)) / "secrets"

    def _issue(
        self, name: str, issuer: tuple[x509.Certificate, _Key] | None, *, key: _Key | None = None
    ) -> tuple[x509.Certificate, _Key]:
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE"),
                x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, 'Läb, "quoted"'),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
            ]
        )
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer[0].subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(issuer[1] if issuer else key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.path(name.partition(",")[0]).write_bytes(pem)
        return certificate, key


def has_oracle() -> bool:
    """OpenSSL's own account of its messages is there: a private property of CPython's SSLContext."""
    return hasattr(ssl.SSLContext, "_msg_callback")


def contexts(setting: Setting, identities: Identities) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The client's and the server's."""
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    number = ssl.TLSVersion.TLSv1_3 if setting.version == "TLSv1.3" else ssl.TLSVersion.TLSv1_2
    for context in (client, server):
        context.minimum_version = context.maximum_version = number
        if setting.ciphers:
            context.set_ciphers(setting.ciphers)
        if setting.alpn:
            context.set_alpn_protocols(list(setting.alpn))
        if not setting.tickets:
            context.options |= ssl.OP_NO_TICKET
    server.num_tickets = setting.tickets
    if setting.server_curve:
        server.set_ecdh_curve(setting.server_curve)
    server.load_cert_chain(identities.path("rsa" if setting.rsa_key else "localhost"))
    refused = setting.case == "client refuses server"
    client.load_verify_locations(identities.path("Lab Root CA of a Stranger" if refused else "Lab Root CA"))
    if setting.case != "one-way":
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(identities.path("Lab Root CA"))
    if setting.case != "no client certificate":
        client.load_cert_chain(identities.path("mallory" if setting.case == "untrusted client" else "alice"))
    return client, server


def listen(context: ssl.SSLContext, role: Role, told: dict[str, list[bytes]]) -> None:
    """Collect what this end writes."""

    def note(
        _conn: object, direction: str, _version: object, content_type: int, _message_type: object, data: bytes
    ) -> None:
        if direction == "write" and int(content_type) in (_HANDSHAKE, _ALERT):
            told[role].append(bytes(data))

    context._msg_callback = note  # type: ignore[attr-defined]


class Ends:
    """Two SSLObjects and the wire between them."""

    def __init__(
        self,
        client: ssl.SSLContext,
        server: ssl.SSLContext,
        log: Path,
        *,
        session: ssl.SSLSession | None = None,
        client_log: bool = True,
    ) -> None:
        self.told: dict[str, list[bytes]] = {"client": [], "server": []}
        self.wire: list[tuple[Role, bytes]] = []
        self._listen("client", client, log if client_log else None)
        self._listen("server", server, log)
        self._log = log
        self._to = {"client": ssl.MemoryBIO(), "server": ssl.MemoryBIO()}
        self._from = {"client": ssl.MemoryBIO(), "server": ssl.MemoryBIO()}
        self.ends = {
            "client": client.wrap_bio(
                self._to["client"], self._from["client"], server_hostname="localhost", session=session
            ),
            "server": server.wrap_bio(self._to["server"], self._from["server"], server_side=True),
        }
        self.over = False

    def _listen(self, role: Role, context: ssl.SSLContext, log: Path | None) -> None:
        if log is not None and context.keylog_filename != str(log):
            context.keylog_filename = str(log)
        if has_oracle():
            listen(context, role, self.told)

    def move(self) -> None:
        """Carry what is waiting, both ways."""
        for sender, receiver in zip(ROLES, reversed(ROLES), strict=True):
            data = self._from[sender].read()
            if data:
                self.wire.append((sender, data))
                self._to[receiver].write(data)

    def step(self, role: Role, act: Callable[[], object]) -> None:
        """One call into OpenSSL; what it leaves to send is sent, whatever happens."""
        try:
            act()
        except ssl.SSLWantReadError:
            pass  # it waits for the other end
        except ssl.SSLError:
            self.over = True
        self.move()

    def handshake(self) -> None:
        """Until both have finished, or one gives up."""
        done: set[str] = set()

        def shake(role: Role) -> None:
            self.ends[role].do_handshake()
            done.add(role)

        for _ in range(6):
            for role in ROLES:
                if role not in done and not self.over:
                    self.step(role, partial(shake, role))

    def say(self, sender: Role, data: bytes) -> None:
        """Application data, and the other end reads it."""
        receiver: Role = "server" if sender == "client" else "client"
        self.step(sender, lambda: self.ends[sender].write(data))
        self.step(receiver, lambda: self.ends[receiver].read(1024))

    def goodbye(self) -> None:
        """close_notify both ways."""
        for role in ROLES:
            self.step(role, self.ends[role].unwrap)

    def pair(self) -> Pair:
        """The record."""
        secrets = self._log.read_text() if self._log.exists() else ""
        return Pair(wire=tuple(self.wire), secrets=secrets, told=self.told)


def converse(setting: Setting, identities: Identities) -> Pair:
    """Handshake, application data in turns, goodbye; or as far as it goes."""
    ends = Ends(*contexts(setting, identities), identities.new_log(), client_log=setting.client_log)
    ends.handshake()
    for sender, data in setting.lines:
        if not ends.over:
            ends.say(sender, data)
    if not ends.over:
        ends.goodbye()
    return ends.pair()


def converse_with_suite(setting: Setting, identities: Identities, suite: str) -> Pair:
    """The same in a process whose OpenSSL allows this one TLS 1.3 cipher suite."""
    configuration = identities.folder / "openssl.cnf"
    configuration.write_text(
        "openssl_conf = top\n[top]\nssl_conf = ssl\n[ssl]\nsystem_default = one\n[one]\nCiphersuites = " + suite + "\n"
    )
    ran = subprocess.run(
        [
            sys.executable,
            __file__,
            json.dumps(asdict(setting), default=lambda one: one.decode()),
            str(identities.folder),
        ],
        env={**os.environ, "OPENSSL_CONF": str(configuration), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    said = json.loads(ran.stdout)
    return Pair(
        wire=tuple((sender, base64.b64decode(data)) for sender, data in said["wire"]),
        secrets=said["secrets"],
        told={role: [base64.b64decode(one) for one in told] for role, told in said["told"].items()},
    )


def _main(arguments: Sequence[str]) -> None:
    words = json.loads(arguments[0])
    words["lines"] = tuple((sender, data.encode()) for sender, data in words["lines"])
    identities = Identities.__new__(Identities)
    identities.folder = Path(arguments[1])
    pair = converse(Setting(**words), identities)
    text = {
        "wire": [(sender, base64.b64encode(data).decode()) for sender, data in pair.wire],
        "secrets": pair.secrets,
        "told": {role: [base64.b64encode(one).decode() for one in told] for role, told in pair.told.items()},
    }
    print(json.dumps(text))


if __name__ == "__main__":
    _main(sys.argv[1:])
