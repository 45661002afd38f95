"""What the connections together show of the server's demands."""

from dataclasses import dataclass

from mtls_lab.clients.probe.conversation import Conversation
from mtls_lab.handshake import VERSIONS, Version
from mtls_lab.handshake.wire.distinguished_names import NotAName, distinguished_name

REFUSING = (400, 401, 403, 495, 496)
"""HTTP statuses by which servers refuse a client certificate after TLS; nginx: 400 (495 and 496 in its log)."""


@dataclass(frozen=True, kw_only=True)
class Demands:
    """The server's side of the bargain, as far as a client can see it."""

    bare: tuple[Conversation, ...]
    """The connections without a client certificate."""
    shown: tuple[Conversation, ...]
    """Those with one."""

    @property
    def _all(self) -> tuple[Conversation, ...]:
        return (*self.bare, *self.shown)

    @property
    def versions(self) -> tuple[Version, ...]:
        """The TLS versions it agreed to."""
        agreed = {one.handshake.version for one in self._all if one.handshake.server_chain is not None}
        return tuple(version for version in VERSIONS if version in agreed)

    @property
    def asks(self) -> bool | None:
        """It sends a CertificateRequest; None where no handshake came that far, or encryption hides it."""
        seen = [one.handshake.asked for one in self._all if one.handshake.server_chain is not None]
        return True if True in seen else False if False in seen else None

    @property
    def authorities(self) -> tuple[bytes, ...]:
        """The names (DER) of the authorities it says it accepts; () when it names none."""
        return next((one.handshake.acceptable_authorities for one in self._all if one.handshake.asked), ())

    def keeps_out(self, talk: Conversation) -> bool:
        """This connection was refused: in TLS, by an HTTP status, or by silence where the other kind got an answer."""
        if talk.ended == "cannot load" or talk.refused:
            return True
        if not talk.handshake.asked:
            return False
        others = self.shown if any(one is talk for one in self.bare) else self.bare
        if talk.left:
            return any(one.let_in for one in others)
        # 401 and 403 have many reasons: they count where the other kind of connection gets something else.
        return talk.status == 400 or (
            talk.status in REFUSING and any(one.status not in (None, talk.status) for one in others)
        )

    @property
    def insists(self) -> bool | None:
        """Without a certificate nobody gets in; None where it did not say."""
        if not self.asks:
            return self.asks
        if any(self.keeps_out(one) for one in self.bare):
            return True
        return False if any(one.let_in for one in self.bare) else None

    @property
    def accepts(self) -> bool | None:
        """It let this client in with its certificate; None where none was shown, or it did not say."""
        if any(self.keeps_out(one) for one in self.shown):
            return False
        # A server that tells those without a certificate so, and this one nothing, has let it in.
        told = any(one.alerted for one in self.bare)
        return True if any(one.let_in or (told and one.completed) for one in self.shown) else None


def name_text(der: bytes) -> str:
    """A distinguished name (DER) as RFC 4514 text; in hex where it is none."""
    try:
        return distinguished_name(der)
    except NotAName:
        return f"#{der[:32].hex()}"
