"""The atlas: what a message can mean, whoever wraps it in whatever, and never more certainty than was measured."""

import pytest

import mtls_lab.clients.atlas
from mtls_lab.clients.atlas import Atlas, Meaning
from mtls_lab.clients.rosetta import STARTING, recorded
from mtls_lab.clients.rosetta.elsewhere import ELSEWHERE
from mtls_lab.handshake.causes import REFUSALS
from mtls_lab.handshake.exhibits import EXHIBITS
from mtls_lab.handshake.successes import SUCCESSES

ROWS = recorded()
look_up = Atlas(ROWS).look_up


def programs(meanings: tuple[Meaning, ...]) -> str:
    return ", ".join(program for one in meanings for program in one.programs)


def slugs(meanings: tuple[Meaning, ...], program: str, said_by: str = "client") -> dict[tuple[str, str], float]:
    """The causes for that program, with their shares."""
    return {
        (cause.slug, cause.side): cause.share
        for one in meanings
        if one.said_by == said_by and any(name.lower().startswith(program) for name in one.programs)
        for cause in one.causes
    }


WRAPPED = {
    "curl": (
        "curl: (60) SSL certificate problem: unable to get local issuer certificate\n"
        "More details here: https://curl.se/docs/sslcerts.html\n\ncurl failed to verify the legitimacy of the server"
    ),
    "requests": (
        "requests.exceptions.SSLError: HTTPSConnectionPool(host='shop.corp', port=8443): Max retries exceeded with "
        "url: /v1 (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate "
        "verify failed: unable to get local issuer certificate (_ssl.c:1006)')))"
    ),
    "go": (
        'Get "https://shop.corp:8443/v1": tls: failed to verify certificate: '
        "x509: certificate signed by unknown authority"
    ),
    "java": (
        'Exception in thread "main" javax.net.ssl.SSLHandshakeException: PKIX path building failed: '
        "sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to "
        "requested target\n\tat java.base/sun.security.ssl.Alert.createSSLException(Alert.java:131)"
    ),
    "node": "Error: unable to verify the first certificate\n  code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'\n}",
    "chromium": "This site can't be reached\nnet::ERR_CERT_AUTHORITY_INVALID",
    "wget": (
        "ERROR: The certificate of ‘shop.corp’ is not trusted.\n"
        "ERROR: The certificate of ‘shop.corp’ doesn't have a known issuer."
    ),
}


@pytest.mark.parametrize("program", WRAPPED)
def test_the_words_are_found_in_whatever_a_program_wraps_around_them(program: str) -> None:
    found = slugs(look_up(WRAPPED[program]), program)

    assert {("untrusted-root", "server"), ("incomplete-chain", "server")} <= set(found)


@pytest.mark.parametrize("program", ["curl", "requests", "java"])
def test_a_program_that_gives_itself_away_is_the_only_one_listed(program: str) -> None:
    found = look_up(WRAPPED[program])

    assert all(name.lower().startswith(program) for one in found for name in one.programs)


@pytest.mark.parametrize(
    ("message", "slug", "side"),
    [
        ("sslv3 alert certificate expired", "expired", "client"),
        ("ssl/tls alert certificate expired", "expired", "client"),  # OpenSSL 3.2 and later
        ("SSL certificate problem: self signed certificate", "self-signed", "server"),  # OpenSSL 1.1.1
        ("x509: certificate is valid for shop.corp, www.shop.corp, not api.corp", "wrong-host", "server"),
        ("hostname mismatch, certificate is not valid for 'api.corp'.", "wrong-host", "server"),
        (
            "12:00:00 http: TLS handshake error from 10.1.2.3:55123: local error: tls: bad record MAC",
            "expired",
            "server",
        ),
        ("[info] 7#7: *1 client SSL certificate verify error: (10:certificate has expired) while", "expired", "client"),
        ("400 No required SSL certificate was sent", "absent", "client"),
        ("CERTIFICATE HAS EXPIRED", "expired", "server"),
        ("remote error: tls: certificate required", "absent", "client"),
        ("Missing Authority Key Identifier", "missing-aki", "server"),  # only from elsewhere
    ],
)
def test_a_message_of_another_machine_or_version_is_understood(message: str, slug: str, side: str) -> None:
    found = {(cause.slug, cause.side) for one in look_up(message) for cause in one.causes}

    assert (slug, side) in found


def test_shares_add_up_and_the_largest_comes_first() -> None:
    for message in (*WRAPPED.values(), "unknown ca", "bad certificate", "certificate verify failed"):
        for one in look_up(message):
            shares = [cause.share for cause in one.causes]
            assert sum(shares) == pytest.approx(1)
            assert shares == sorted(shares, reverse=True)


def test_who_said_it_and_who_refuses_are_told_apart() -> None:
    found = look_up("tlsv1 alert unknown ca")
    by_role = {one.said_by: {(cause.side, cause.refused_by) for cause in one.causes} for one in found}

    # A client that hears this alert was refused; a server that hears it was, too.
    assert by_role["client"] == {("client", "server")}
    assert by_role["server"] == {("server", "client")}


def test_the_notes_log_line_means_many_things_and_a_missing_name_is_not_one_of_them_for_curl() -> None:
    found = slugs(
        look_up("http: TLS handshake error from 127.0.0.1:5: local error: tls: bad record MAC"), "go", "server"
    )

    assert len(found) >= 8
    assert max(found.values()) < 0.5


OWN_FILE = "curl: (58) could not load PEM client certificate from my.crt, OpenSSL error"
GUESSES = ", (no key found, wrong pass phrase, or wrong file format?)"


@pytest.mark.parametrize(
    ("message", "program", "faults"),
    [
        ("ERR_BAD_SSL_CLIENT_AUTH_CERT", "chromium", {"absent", "untrusted-root"}),
        ("This site can't be reached\nnet::ERR_BAD_SSL_CLIENT_AUTH_CERT", "chromium", {"absent", "untrusted-root"}),
        (
            "curl: (58) could not load PEM client certificate",
            "curl",
            {"weak-hash", "weak-key", "not-a-certificate", "files-swapped", "empty-file"},
        ),
        (
            f"{OWN_FILE} error:0480006C:PEM routines::no start line{GUESSES}",
            "curl",
            {"files-swapped", "empty-file"},
        ),
        (
            f"{OWN_FILE} error:0A00018F:SSL routines::ee key too small{GUESSES}",
            "curl",
            {"weak-key"},
        ),
    ],
)
def test_what_a_client_says_of_its_own_certificate_is_known(message: str, program: str, faults: set[str]) -> None:
    assert {slug for slug, _ in slugs(look_up(message), program)} == faults


def test_a_message_that_breaks_off_means_all_that_goes_on_from_there() -> None:
    found = slugs(look_up("could not load private key file"), "psql")

    assert {("key-mismatch", "client"), ("encrypted-key", "client")} <= set(found)


def test_what_a_program_puts_before_its_words_says_nothing_by_itself() -> None:
    assert look_up("curl: (58)") == look_up("curl: (58) ") == ()


def test_part_of_the_words_is_enough() -> None:
    assert "java" in programs(look_up("unable to find valid certification path")).lower()


@pytest.mark.parametrize(
    "message", ["", " ", "?", "x", "hello world, this is no TLS error at all", "\0" * 50, "(" * 5000]
)
def test_what_nobody_says_means_nothing_and_nothing_is_raised(message: str) -> None:
    assert look_up(message) == ()


def test_the_recording_is_what_is_searched_when_nothing_else_is_given() -> None:
    assert mtls_lab.clients.atlas.look_up(WRAPPED["curl"]) == look_up(WRAPPED["curl"])


def test_a_message_that_is_no_text_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="message=b'x'"):
        look_up(b"x")  # type: ignore[arg-type]


def test_every_recorded_refusal_is_found_by_its_own_words() -> None:
    """Whoever pastes what a program of the recording printed finds the fault that was behind it."""
    cells = {
        (words, row.fault, row.side)
        for row in ROWS
        if not row.accepted and row.client.name != STARTING
        for words in (row.client_words, row.server_words)
        if words and not words.startswith("(")
    }
    found = {words: {(c.slug, c.side) for one in look_up(words) for c in one.causes} for words, _, _ in cells}

    lost = sorted((words, fault) for words, fault, side in cells if (fault, side) not in found[words])
    assert lost == []


def test_every_slug_of_the_atlas_is_a_cause_that_the_lab_knows() -> None:
    named = {fault for one in ELSEWHERE for fault in one.faults}

    assert named <= {*EXHIBITS, *REFUSALS, *SUCCESSES}


def test_what_was_measured_elsewhere_says_so() -> None:
    found = look_up("The certificate issuer is not a CA")

    assert [one.source for one in found if "gnutls-cli" in one.programs] == ["measured elsewhere, 2026-11-23"]


def test_a_meaning_reads_as_who_says_it_for_what_and_what_decides() -> None:
    text = str(look_up(WRAPPED["curl"])[0])

    assert text.startswith("curl ")
    assert "untrusted-root, at the server" in text
    assert "the client refuses" in text
    assert "decides: " in text
