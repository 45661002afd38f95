"""The values that go in (Endpoint, Scenario) and the record that comes out (Handshake, told by two Sides)."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal, get_args

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.handshake.messages import VERSIONS, Message, Role, Version, Wire
from mtls_lab.handshake.wire import decode, negotiated_version, read_authority_names, to_pcapng

ClientLevel = Literal["none", "chain", "chain and name"]
ServerLevel = Literal["none", "optional", "required"]

Moment = Literal["loading", "handshake", "after the handshake"]
Protocol = Literal["TLS", "HTTP"]

CLIENT_LEVELS: tuple[ClientLevel, ...] = get_args(ClientLevel)
SERVER_LEVELS: tuple[ServerLevel, ...] = get_args(ServerLevel)
UNKNOWN: Literal["unknown"] = "unknown"
"""In place of a level: the settings of an end that nobody could ask."""


def _is_name(text: str) -> bool:
    """What Python's `ssl` takes for a server name: it encodes to IDNA and does not begin with a dot."""
    try:
        return bool(text.encode("idna")) and not text.startswith(".") and "\0" not in text
    except UnicodeError:
        return False


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One end's settings: what it presents, what it trusts, how it verifies.

    A client's level is `none`, `chain` (libpq calls it verify-ca) or `chain and name` (verify-full);
    a server's is `none`, `optional` or `required`. There is no default: a scenario says who verifies.
    The fields below `verifies` are for the lessons that need them; left alone, they change nothing.
    """

    presents: Credential | None = None
    """The credential shown to the peer; None shows nothing (a server needs one)."""
    trusts: tuple[Certificate, ...] = ()
    """The trust anchors (RFC 5280 section 6.1); empty trusts nobody."""
    verifies: ClientLevel | ServerLevel | Literal["unknown"]
    """How this end verifies its peer; `unknown` for an end whose settings nobody here knows."""
    crls: tuple[bytes, ...] | None = None
    """Revocation lists (DER) by which the peer's leaf is judged; None looks at none, () demands one and has none."""
    strict: bool = False
    """Hold the peer's chain to all of RFC 5280 (OpenSSL's X509_STRICT, Python's default from 3.13 on)."""
    versions: tuple[Version, ...] | None = None
    """The TLS versions this end allows; None: the scenario's."""
    ciphers: str | None = None
    """OpenSSL's cipher string, for TLS 1.2 and the security level (`DEFAULT:@SECLEVEL=0`); None: its default."""
    group: str | None = None
    """The one group for the key exchange, by OpenSSL's name (`prime256v1`); None: its default."""
    acceptable_authorities: tuple[Certificate, ...] = ()
    """Authorities that a server names in its CertificateRequest (RFC 8446 section 4.2.4); () names none."""
    withholds: bool = False
    """As a client, keep the certificate back when its issuer is not among the authorities that the server names:
    the clients of Go, Java and GnuTLS do; OpenSSL's send it all the same."""
    speaks: Protocol = "TLS"
    """What this end speaks on the port: an end that speaks HTTP has not been told about TLS."""

    def __post_init__(self) -> None:
        if self.verifies not in (*CLIENT_LEVELS, *SERVER_LEVELS, UNKNOWN):
            raise ValueError(
                f"verifies={self.verifies!r} is no level: a client's is one of {', '.join(CLIENT_LEVELS)}; "
                f"a server's is one of {', '.join(SERVER_LEVELS)}"
            )
        if not isinstance(self.trusts, tuple) or not all(isinstance(one, Certificate) for one in self.trusts):
            raise TypeError(f"trusts={self.trusts!r} must be a tuple of certificates: trusts=(root.certificate,)")
        if self.presents is not None and not isinstance(self.presents, Credential):
            raise TypeError(f"presents={self.presents!r} must be a Credential (authority.issue(...)) or None")
        self._check_the_rest()

    def _check_the_rest(self) -> None:
        if self.crls is not None and not all(isinstance(one, bytes) for one in self.crls):
            raise TypeError("crls must be a tuple of revocation lists in DER: crls=(revocation_list,)")
        if self.versions is not None:
            _check_versions(self.versions)
        if self.speaks not in get_args(Protocol):
            raise ValueError(f"speaks={self.speaks!r} must be 'TLS' or 'HTTP'")

    @property
    def known(self) -> bool:
        """Somebody here knows these settings."""
        return self.verifies != UNKNOWN


def _check_versions(versions: tuple[Version, ...]) -> None:
    if not versions or any(one not in VERSIONS for one in versions):
        raise ValueError(f"versions={versions!r} must be one or both of {VERSIONS!r}")


STRANGER = Endpoint(verifies=UNKNOWN)
"""An end about which nothing is known."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A client, a server, the name the client asks for, and the TLS versions allowed."""

    client: Endpoint
    """The client's settings."""
    server: Endpoint
    """The server's settings; it must present something."""
    server_name: str = "localhost"
    """The reference identifier (RFC 9525): a DNS name or an IP literal."""
    versions: tuple[Version, ...] = VERSIONS
    """The TLS versions both ends allow."""

    def __post_init__(self) -> None:
        if self.client.verifies not in (*CLIENT_LEVELS, UNKNOWN):
            raise ValueError(
                f"client.verifies={self.client.verifies!r} is a server's level: "
                f"a client verifies {', '.join(map(repr, CLIENT_LEVELS))}"
            )
        if self.server.verifies not in (*SERVER_LEVELS, UNKNOWN):
            raise ValueError(
                f"server.verifies={self.server.verifies!r} is a client's level: "
                f"a server verifies {', '.join(map(repr, SERVER_LEVELS))}"
            )
        if self.server.presents is None and self.server.known and self.server.speaks == "TLS":
            raise ValueError("server.presents=None: a TLS server must present a credential: presents=root.issue(...)")
        if not _is_name(self.server_name):
            raise ValueError(
                f"server_name={self.server_name!r} is neither a DNS name nor an IP literal: "
                "give the name the client asks for, such as 'localhost' or '127.0.0.1'"
            )
        _check_versions(self.versions)

    def end(self, role: Role) -> Endpoint:
        """The settings of that end."""
        return self.client if role == "client" else self.server


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What made one side give up, in its own words and in numbers."""

    during: Moment
    """`loading` its own credential, inside its `handshake` call, or `after the handshake` (at the first read)."""
    reason: str
    """The symbol of the stack or program: OpenSSL's reason, or `exit 60` for curl."""
    text: str
    """The message verbatim, stripped only of what varies by run; evidence, never decided on."""
    verify_code: int | None = None
    """OpenSSL's X509_V_ERR number when this side refused the peer's certificate."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one end saw."""

    role: Role
    """Which end this is."""
    completed: bool
    """This side's handshake call returned. In TLS 1.3 a client completes before its certificate is judged."""
    failure: Failure | None
    """None when this side has nothing to complain about."""
    version: Version | None
    """The version agreed on, None if it came to none."""
    cipher: str | None
    """The cipher suite agreed on, None if it came to none."""


@dataclass(frozen=True, kw_only=True)
class Handshake:
    """What happened, told by two sides; a side nobody could ask is None."""

    scenario: Scenario
    """The settings it was run with."""
    client: Side | None
    """What the client saw."""
    server: Side | None
    """What the server saw."""
    at: datetime
    """When it began (aware, UTC): the time the certificates were judged by."""
    client_port: int | None = None
    """The client's TCP port, None in memory."""
    wire: Wire = field(default=(), repr=False)
    """The bytes as they passed, each with its sender; cut off some time after the handshake."""
    secrets: str = field(default="", repr=False)
    """The key log of this connection (NSS format): opens `wire`, and only that."""

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """Every message in canonical order: by flight, so that it is the same on every run."""
        return decode(self.wire, self.secrets)

    @property
    def accepted(self) -> bool:
        """Neither side refused the other, as far as those who could be asked say."""
        sides = [side for side in (self.client, self.server) if side is not None]
        return all(side.completed and side.failure is None for side in sides)

    @property
    def version(self) -> Version | None:
        """The version agreed on, None if it came to none."""
        return negotiated_version(self.messages)

    @property
    def asked(self) -> bool | None:
        """The server sent a CertificateRequest; None where encryption hides whether it did."""
        from_server = {message.name for message in self.messages if message.sender == "server"}
        if "CertificateRequest" in from_server:
            return True
        hidden = "EncryptedRecord" in from_server and not from_server & {"Certificate", "EncryptedExtensions"}
        return None if hidden else False

    @cached_property
    def client_chain(self) -> tuple[Certificate, ...] | None:
        """The certificates the client sent, leaf first; () for an empty message, None for no message at all."""
        return self._chain("client")

    @cached_property
    def server_chain(self) -> tuple[Certificate, ...] | None:
        """The certificates the server sent, leaf first; None for no message at all."""
        return self._chain("server")

    @property
    def resumed(self) -> bool:
        """An earlier session went on (RFC 8446 section 2.2): nobody sent or judged a certificate this time."""
        hello = next((one for one in self.messages if one.name == "ServerHello"), None)
        if hello is None:
            return False
        if self.version == "TLSv1.3":
            return ("pre_shared_key", "accepted") in hello.details
        from_server = {message.name for message in self.messages if message.sender == "server"}
        return "ChangeCipherSpec" in from_server and "Certificate" not in from_server

    @cached_property
    def acceptable_authorities(self) -> tuple[bytes, ...]:
        """Whose certificates the server says it wants: names (DER) from its CertificateRequest; () for anybody's."""
        asked = next((one.body for one in self.messages if one.name == "CertificateRequest"), None)
        return () if asked is None else read_authority_names(asked, is_tls13=self.version == "TLSv1.3")

    @property
    def server_name(self) -> str | None:
        """The name in the ClientHello (RFC 6066 section 3); None without one: a client dials an address, or is old."""
        hello = next((one for one in self.messages if one.name == "ClientHello"), None)
        return dict(hello.details).get("server_name") if hello is not None else None

    def settings(self, role: Role) -> Endpoint:
        """That end's settings as far as they are known: a stranger's where nobody could ask the end."""
        side = self.client if role == "client" else self.server
        return STRANGER if side is None else self.scenario.end(role)

    def overheard(self) -> "Handshake":
        """The same handshake as an eavesdropper knows it: the bytes, and none of the secrets."""
        dialled = self.server_name or "localhost"
        strangers = replace(self.scenario, client=STRANGER, server=STRANGER, server_name=dialled)
        return replace(self, client=None, server=None, secrets="", scenario=strangers)

    def seen_by(self, role: Role) -> "Handshake":
        """The same handshake as that end alone knows it: without what the other end saw and how it was set up."""
        scenario = self.scenario
        if role == "client":
            return replace(self, server=None, scenario=replace(scenario, server=STRANGER))
        # A server knows no more of the name that was dialled than the client says.
        dialled = self.server_name or "localhost"
        return replace(self, client=None, scenario=replace(scenario, client=STRANGER, server_name=dialled))

    def fatal_alerts(self) -> Iterator[Message]:
        """The alerts that ended the connection, in order."""
        return (message for message in self.messages if message.fatal)

    def told_by(self, client: Side, *, scenario: Scenario) -> "Handshake":
        """The same handshake with the client's side of the story added."""
        joined = replace(self, client=client, scenario=scenario)
        # Same bytes, same secrets: what is read from them need not be read again (a cached_property lives in there).
        joined.__dict__["messages"] = self.messages
        return joined

    def pcapng(self) -> bytes:
        """This handshake as a capture file with its secrets inside: Wireshark and tshark open it decrypted.

        Addresses, ports and pauses in it are made up. Its secrets open this one connection and no other.
        """
        return to_pcapng(self.wire, self.secrets, at=self.at)

    def _chain(self, role: Role) -> tuple[Certificate, ...] | None:
        for message in self.messages:
            if message.sender == role and message.certificates is not None:
                return tuple(Certificate(der=der) for der in message.certificates)
        return None
