"""The certificate of a proxy from an ACME server (RFC 8555), by certbot's `acme` library.

The server asks for a token at `http://DOMAIN/.well-known/acme-challenge/...` (http-01, section 8.3), which the port of
`--redirect-http` answers: DOMAIN's port 80 must lead there. Account and certificate are kept; a new certificate is
ordered when a third of the old one's life is left, and what follows its file does the rest.
"""

from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mtls_lab.certificates import Authority, Certificate
from mtls_lab.certificates.files import PRIVATE, NewFile, write_files
from mtls_lab.certificates.keys import generate_key, key_from_pem, key_to_pem

if TYPE_CHECKING:
    from acme.client import ClientV2
    from acme.messages import ChallengeBody, OrderResource
    from josepy.jwk import JWKEC

PATIENCE = timedelta(seconds=60)
"""How long an order may take."""
RETRY = timedelta(hours=1)
"""When to try again after a renewal that failed: servers limit how often they are asked."""
NEEDED = "--domain needs certbot's ACME library: pip install 'mtls-lab[acme]'"

_STAND_IN = "mtls-lab proxy, before its first order"


class OrderFailed(Exception):
    """No certificate; the message says why."""


@dataclass(frozen=True, kw_only=True)
class ByAcme:
    """Where the certificate comes from, and where it is kept."""

    folder: Path
    """Its own folder."""
    domains: tuple[str, ...]
    """The names of the certificate."""
    directory: str
    """The ACME server's directory (section 7.1.1)."""
    trusts: Path | None
    """The authorities that the ACME server is verified by; None: those of `requests`."""
    email: str | None
    """Whom the ACME server may write to."""

    @property
    def chain(self) -> Path:
        """The certificate with its intermediates."""
        return self.folder / "acme.pem"

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.folder / "acme-key.pem"

    @property
    def account(self) -> Path:
        """The account's private key."""
        return self.folder / "acme-account-key.pem"

    def prepare(self) -> None:
        """See that there is something to present: a stand-in, until the first order."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.chain.exists() and self.key.exists():
            (leaf, *_) = Certificate.from_pem(self.chain.read_bytes())
            if set(leaf.names) == {f"DNS:{domain}" for domain in self.domains}:
                return
        stand_in = Authority.create(_STAND_IN)
        made = stand_in.issue(
            self.domains[0][:64], purpose="serverAuth", names=self.domains, lifetime=timedelta(days=1)
        )
        self._write(made.chain_pem, made.key_pem)

    def is_due(self, *, at: datetime | None = None) -> bool:
        """A third of its life is left, or less; or it is the stand-in."""
        leaf = Certificate.from_pem(self.chain.read_bytes())[0]
        begin, end = leaf.not_before, leaf.not_after
        short = begin is None or end is None or end - (at or datetime.now(UTC)) < (end - begin) / 3
        return short or self.is_stand_in

    @property
    def is_stand_in(self) -> bool:
        """What is presented is of our own making: there was no order yet."""
        return Certificate.from_pem(self.chain.read_bytes())[0].issuer_common_name == _STAND_IN

    def order(self, answers: MutableMapping[bytes, bytes]) -> None:
        """Get a certificate and write it. `answers` are what plain HTTP is answered. Raises OrderFailed."""
        try:
            from acme.crypto_util import make_csr
            from acme.errors import Error
        except ImportError:
            raise OrderFailed(NEEDED) from None
        key_pem = key_to_pem(generate_key("EC P-256"))
        try:
            client, account_key = self._client()
            order = client.new_order(make_csr(key_pem, list(self.domains)))
            with _answering(answers, order, account_key, client):
                deadline = (datetime.now(UTC) + PATIENCE).astimezone().replace(tzinfo=None)  # as the library has it
                order = client.poll_and_finalize(order, deadline)
        except (Error, OSError) as error:  # what `requests` raises is an OSError, too
            raise OrderFailed(f"the ACME server {self.directory} gave no certificate: {_reason(error)}") from None
        if not order.fullchain_pem:
            raise OrderFailed(f"the ACME server {self.directory} finished the order without a certificate")
        self._write(order.fullchain_pem.encode(), key_pem)

    def _write(self, chain_pem: bytes, key_pem: bytes) -> None:
        files = [NewFile(path=self.chain, content=chain_pem), NewFile(path=self.key, content=key_pem, mode=PRIVATE)]
        write_files(files, overwrite=True, durable=True)

    def _client(self) -> "tuple[ClientV2, JWKEC]":
        """The server, with our account there."""
        from acme import errors, messages
        from acme.client import ClientNetwork, ClientV2
        from josepy.jwa import ES256
        from josepy.jwk import JWKEC
        from josepy.util import ComparableECKey

        key = JWKEC(key=ComparableECKey(key_from_pem(self._account_key_pem())))  # type: ignore[arg-type]  # an EC key
        verify = True if self.trusts is None else str(self.trusts)
        net = ClientNetwork(key, alg=ES256, verify_ssl=verify, user_agent="mtls-lab proxy")  # type: ignore[arg-type]  # requests takes a path, too
        client = ClientV2(ClientV2.get_directory(self.directory, net), net)
        wanted = messages.NewRegistration.from_data(email=self.email, terms_of_service_agreed=True)
        try:
            client.new_account(wanted)
        except errors.ConflictError as known:
            there = messages.RegistrationResource(uri=known.location, body=messages.Registration())
            net.account = client.query_registration(there)
        return client, key

    def _account_key_pem(self) -> bytes:
        if not self.account.exists():
            fresh = NewFile(path=self.account, content=key_to_pem(generate_key("EC P-256")), mode=PRIVATE)
            write_files([fresh], overwrite=False, durable=True)
        return self.account.read_bytes()


@contextmanager
def _answering(
    answers: MutableMapping[bytes, bytes], order: "OrderResource", key: "JWKEC", client: "ClientV2"
) -> Iterator[None]:
    """Every challenge's token is there to be asked for, and the server is told so."""
    paths = []
    try:
        for challenge in _challenges(order):
            response, validation = challenge.response_and_validation(key)
            paths.append(challenge.path.encode())
            answers[paths[-1]] = validation.encode()
            client.answer_challenge(challenge, response)
        yield
    finally:
        for path in paths:
            del answers[path]


def _challenges(order: "OrderResource") -> "Iterator[ChallengeBody]":
    from acme.challenges import HTTP01
    from acme.messages import STATUS_PENDING

    for authorization in order.authorizations:
        if authorization.body.status != STATUS_PENDING:
            continue  # it still counts from an earlier order
        fitting = [one for one in authorization.body.challenges if isinstance(one.chall, HTTP01)]
        if not fitting:
            name = authorization.body.identifier.value
            raise OSError(f"it offers no http-01 challenge for {name}")
        yield fitting[0]


def _reason(error: Exception) -> str:
    failed: Sequence[object] = getattr(error, "failed_authzrs", ())
    details = [
        str(challenge.error.detail)
        for authorization in failed
        for challenge in authorization.body.challenges  # type: ignore[attr-defined]  # an AuthorizationResource
        if challenge.error is not None
    ]
    return "; ".join(details) or str(error) or type(error).__name__
