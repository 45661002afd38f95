"""Exercises of notebook 13: untouched, solved, and the likeliest wrong answers, each with a hint of its own."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.certificates.crl import crl, crl_to_pem
from mtls_lab.certificates.drafts import authority_draft, sign
from mtls_lab.certificates.keys import generate_key
from mtls_lab.exercises import check

SLUGS = ("13-renew", "13-rotate", "13-take-back", "13-mend")
YEAR = timedelta(days=365)


# 13-renew


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority.create("Old Root CA")


def below_the_late_one(root: Authority) -> Credential:
    late = root.intermediate("Late Issuing CA", lifetime=timedelta(days=90))
    return late.issue("localhost", purpose="serverAuth")


def in_time(root: Authority) -> Credential:
    return root.intermediate("Next Issuing CA").issue("localhost", purpose="serverAuth")


def without_its_chain(root: Authority) -> Credential:
    made = in_time(root)
    return replace(made, chain=made.chain[:1])


def from_a_new_root(_: Authority) -> Credential:
    return in_time(Authority.create("New Root CA"))


def for_a_short_time(root: Authority) -> Credential:
    issuing = root.intermediate("Next Issuing CA")
    return issuing.issue("localhost", purpose="serverAuth", lifetime=timedelta(days=90))


def test_a_leaf_below_a_new_intermediate_lasts(root: Authority) -> None:
    assert check("13-renew", in_time(root), root.certificate).state == "right"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (below_the_late_one, "The leaf is new, but Late Issuing CA above it ends before"),
        (for_a_short_time, "In 300 days the leaf is over"),
        (without_its_chain, "It is refused today"),
        (from_a_new_root, "It is refused today: The client does not trust New Root CA"),
    ],
)
def test_a_renewal_that_does_not_last_is_told_why(
    root: Authority, make: Callable[[Authority], Credential], words: str
) -> None:
    outcome = check("13-renew", make(root), root.certificate)

    assert outcome.state == "wrong"
    assert words in outcome.message


# 13-rotate


@pytest.mark.live
@pytest.mark.parametrize("order", ["ecadbf", "cedabf", "eacdbf"])
def test_trust_both_then_issue_then_drop_loses_no_call(order: str) -> None:
    outcome = check("13-rotate", list(order))

    assert outcome.state == "right"
    assert outcome.message.startswith("0 failed calls.")


@pytest.mark.live
@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("decabf", "Step d: alice: 0 of 10 calls answered: the client refuses"),
        ("adecbf", "Step a: alice: 0 of 10 calls answered: the server refuses"),
        ("ecdbaf", "Step b: alice: 0 of 10 calls answered: the server refuses"),
        ("ecafdb", "Step f: alice: 0 of 10 calls answered: the client refuses"),
        ("ecad", "No call failed, but step b is missing"),
    ],
)
def test_a_hasty_order_is_told_whose_calls_fail_first(order: str, words: str) -> None:
    outcome = check("13-rotate", list(order))

    assert outcome.state == "wrong"
    assert words in outcome.message


@pytest.mark.parametrize(("order", "words"), [("x", "There is no step 'x'"), ("ee", "A step comes twice")])
def test_an_order_that_is_none_is_told_so(order: str, words: str) -> None:
    assert words in check("13-rotate", order).message


# 13-take-back


@dataclass(frozen=True, kw_only=True)
class Servers:
    """What a learner's function works with."""

    folder: Path
    """Where the files are."""
    alice: Credential
    """Revoked."""
    bob: Credential
    """Not revoked."""

    def context(self) -> ssl.SSLContext:
        """A server's, with tickets."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "localhost.pem", self.folder / "localhost-key.pem")
        context.load_verify_locations(self.folder / "root.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def without_tickets(self) -> ssl.SSLContext:
        """The same, and no tickets in either version."""
        context = self.context()
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET
        return context

    def judge(self, answer: object, begin: Callable[[], ssl.SSLContext] | None = None) -> Any:
        """What the check says."""
        list_path = self.folder / "list.pem"
        return check("13-take-back", answer, begin or self.context, self.alice, self.bob, list_path)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Servers:
    folder = tmp_path_factory.mktemp("servers")
    root = Authority.create("Lab Root CA")
    issuing = root.intermediate("Lab Issuing CA")
    alice, bob = (issuing.issue(name, purpose="clientAuth") for name in ("alice", "bob"))
    root.write(folder)
    issuing.issue("localhost", purpose="serverAuth").write(folder)
    (folder / "list.pem").write_bytes(crl_to_pem(crl(issuing, (alice.leaf,))))
    (folder / "everybody.pem").write_bytes(crl_to_pem(crl(issuing, (alice.leaf, bob.leaf))))
    return Servers(folder=folder, alice=alice, bob=bob)


def looking(context: ssl.SSLContext, list_path: object) -> ssl.SSLContext:
    context.load_verify_locations(list_path)  # type: ignore[arg-type]
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


def unlisted(context: ssl.SSLContext) -> ssl.SSLContext:
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


def loaded_only(context: ssl.SSLContext, list_path: object) -> ssl.SSLContext:
    context.load_verify_locations(list_path)  # type: ignore[arg-type]
    return context


def test_a_fresh_context_keeps_her_out_for_real(servers: Servers) -> None:
    assert servers.judge(lambda _, list_path: looking(servers.context(), list_path)).state == "right"


def test_the_list_in_the_running_context_lets_her_session_in(servers: Servers) -> None:
    outcome = servers.judge(looking)

    assert outcome.state == "wrong"
    assert "with yesterday's session she is in (TLSv1.2)" in outcome.message


def test_a_server_without_tickets_resumes_from_its_memory_in_tls_1_2(servers: Servers) -> None:
    """OpenSSL keeps sessions by identifier (RFC 5246 section 7.3), and Python has no switch against it."""
    outcome = servers.judge(looking, servers.without_tickets)

    assert outcome.state == "wrong"
    assert "with yesterday's session she is in (TLSv1.2)" in outcome.message


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda servers: lambda _, __: servers.context(), "She walks in by a full handshake"),
        (lambda servers: lambda _, path: loaded_only(servers.context(), path), "She walks in by a full handshake"),
        (lambda servers: lambda _, __: unlisted(servers.context()), "It refuses everybody"),
        (
            lambda servers: lambda _, path: looking(servers.context(), path.parent / "everybody.pem"),
            "It keeps out somebody who is not on the list",
        ),
        (lambda _: lambda _, __: None, "It gave back None"),
    ],
)
def test_half_a_measure_is_told_what_it_leaves_open(
    servers: Servers, make: Callable[[Servers], object], words: str
) -> None:
    outcome = servers.judge(make(servers))

    assert outcome.state == "wrong"
    assert words in outcome.message


def test_the_stub_is_untouched(servers: Servers) -> None:
    assert servers.judge(lambda _, __: ...).state == "untouched"


# 13-mend


@pytest.fixture(scope="module")
def home() -> Authority:
    key = generate_key("EC P-256")
    loose = x509.BasicConstraints(ca=True, path_length=None)
    draft = replace(
        authority_draft("Home CA", lifetime=YEAR),
        extra=(x509.Extension(loose.oid, critical=False, value=loose),),
        left_out=(x509.KeyUsage.oid, x509.SubjectKeyIdentifier.oid),
    )
    return Authority(certificate=sign(draft, public_key=key.public_key(), issuer=None, key=key), key=key)


def again(home: Authority, name: str = "Home CA") -> Certificate:
    assert home.key is not None
    draft = authority_draft(name, lifetime=YEAR)
    return sign(draft, public_key=home.key.public_key(), issuer=None, key=home.key)


def test_a_sound_root_with_the_old_key_keeps_the_leaves_good(home: Authority) -> None:
    assert check("13-mend", again(home), home.issue("localhost", purpose="serverAuth")).state == "right"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda home: home.certificate, "does not like what it finds"),
        (lambda _: Authority.create("Home CA").certificate, "the key is another one"),
        (lambda home: again(home, "New Home CA"), "keep that name"),
        (lambda home: home, "hand in the certificate"),
    ],
)
def test_a_root_that_does_not_fit_is_told_why(home: Authority, make: Callable[[Authority], object], words: str) -> None:
    outcome = check("13-mend", make(home), home.issue("localhost", purpose="serverAuth"))

    assert outcome.state == "wrong"
    assert words in outcome.message
