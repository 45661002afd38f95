"""The wire decoder against OpenSSL's own account of what it wrote, and against bytes that mean nothing."""

import random
import ssl
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.messages import Message, Role, Version, Wire
from mtls_lab.handshake.wire import client_random, decode, negotiated_version
from mtls_lab.handshake.wire.code_points import CIPHER_SUITES
from mtls_lab.handshake.wire.distinguished_names import NotAName, distinguished_name
from mtls_lab.handshake.wire.keys import expand_label
from openssl_peer import OpensslPeer, Relay, start_server, stop
from tls_pair import (
    CASES,
    Ends,
    Identities,
    Pair,
    Setting,
    contexts,
    converse,
    converse_with_suite,
    has_oracle,
)
from tools import program

VERSIONS: tuple[Version, ...] = ("TLSv1.2", "TLSv1.3")
SUITES_12 = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305")
SUITES_13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")

SERVER_FLIGHT_13 = "S:ServerHello S:ChangeCipherSpec S:EncryptedExtensions S:CertificateRequest S:Certificate "
SERVER_FLIGHT_13 += "S:CertificateVerify S:Finished "
CLIENT_FLIGHT_13 = "C:ChangeCipherSpec C:Certificate C:CertificateVerify C:Finished "
SERVER_FLIGHT_12 = "S:ServerHello S:Certificate S:ServerKeyExchange S:CertificateRequest S:ServerHelloDone "
CLIENT_FLIGHT_12 = "C:Certificate C:ClientKeyExchange C:CertificateVerify C:ChangeCipherSpec C:Finished "
DATA = "C:ApplicationData S:ApplicationData C:close_notify S:close_notify"
ORDERS = {
    ("TLSv1.2", "mutual"): SERVER_FLIGHT_12 + CLIENT_FLIGHT_12 + "S:ChangeCipherSpec S:Finished " + DATA,
    ("TLSv1.2", "untrusted client"): SERVER_FLIGHT_12 + CLIENT_FLIGHT_12 + "S:unknown_ca",
    ("TLSv1.2", "client refuses server"): SERVER_FLIGHT_12 + "C:unknown_ca",
    ("TLSv1.3", "mutual"): SERVER_FLIGHT_13 + CLIENT_FLIGHT_13 + DATA,
    ("TLSv1.3", "untrusted client"): SERVER_FLIGHT_13 + CLIENT_FLIGHT_13 + "S:unknown_ca",
    ("TLSv1.3", "client refuses server"): SERVER_FLIGHT_13 + "C:unknown_ca",
}


@pytest.fixture(scope="session")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    return Identities(tmp_path_factory.mktemp("identities"))


@pytest.fixture(scope="session")
def sample(identities: Identities) -> Pair:
    """One accepted TLS 1.3 connection with tickets and a HelloRetryRequest: every kind of message."""
    return converse(Setting(server_curve="secp384r1", tickets=2), identities)


@pytest.fixture(scope="session")
def samples(identities: Identities) -> tuple[Pair, ...]:
    """All cases in both versions, and some longer stories."""
    plain = [converse(Setting(case=case, version=version), identities) for version in VERSIONS for case in CASES]
    early_bird = Setting(case="untrusted client", lines=(("client", b"not yet refused"),))
    extra = [converse(Setting(server_curve="secp384r1", tickets=2), identities), eager(early_bird, identities)]
    return (*plain, *extra, resume("TLSv1.2", identities), resume("TLSv1.3", identities), ask_later(identities))


def eager(setting: Setting, identities: Identities) -> Pair:
    """The client speaks before the server has judged it (TLS 1.3), so that its data passes the server's alert."""
    ends = Ends(*contexts(setting, identities), identities.new_log())
    client, server = ends.ends["client"], ends.ends["server"]
    for act in (client.do_handshake, server.do_handshake):
        with pytest.raises(ssl.SSLWantReadError):
            act()
        ends.move()
    client.do_handshake()
    client.write(setting.lines[0][1])
    ends.move()
    ends.step("server", server.do_handshake)
    return ends.pair()


def resume(version: Version, identities: Identities) -> Pair:
    """The second of two connections: it takes up the first one's session."""
    client, server = contexts(Setting(version=version, tickets=1), identities)
    first = Ends(client, server, log := identities.new_log())
    first.handshake()
    first.say("server", b"so that the client reads the ticket")
    session = first.ends["client"].session
    first.goodbye()
    second = Ends(client, server, log, session=session)
    second.handshake()
    second.say("client", b"hello")
    second.goodbye()
    assert second.ends["client"].session_reused
    return second.pair()


def ask_later(identities: Identities) -> Pair:
    """The server asks for the client's certificate after the handshake (RFC 8446 section 4.6.2)."""
    client, server = contexts(Setting(), identities)
    client.post_handshake_auth = True
    server.verify_mode = ssl.CERT_REQUIRED
    server.post_handshake_auth = True
    ends = Ends(client, server, identities.new_log())
    ends.handshake()
    ends.say("client", b"something secret, please")
    ends.ends["server"].verify_client_post_handshake()
    ends.say("server", b"who are you?")
    ends.say("client", b"it is me")
    ends.say("server", b"welcome")
    ends.goodbye()
    return ends.pair()


def s_client(identities: Identities, *arguments: str) -> list[str]:
    """The command of a client that shows a credential."""
    alice = str(identities.path("alice"))
    roots = ["-CAfile", str(identities.path("Lab Root CA"))]
    return [
        program("openssl"),
        "s_client",
        "-servername",
        "localhost",
        *roots,
        "-cert",
        alice,
        "-key",
        alice,
        *arguments,
    ]


def s_server(identities: Identities, *arguments: str) -> list[str]:
    """The command of a server."""
    localhost = str(identities.path("localhost"))
    return [program("openssl"), "s_server", "-cert", localhost, "-key", localhost, "-tls1_3", *arguments]


def words(messages: tuple[Message, ...]) -> list[str]:
    """`C:ClientHello` and so on; an alert by its own name."""
    return [
        f"{one.sender[0].upper()}:{one.alert.name if isinstance(one.alert, Alert) else one.name}" for one in messages
    ]


def bodies(messages: tuple[Message, ...], sender: Role) -> list[bytes]:
    """What OpenSSL's account holds as well."""
    return [
        one.body for one in messages if one.sender == sender and one.name not in ("ChangeCipherSpec", "ApplicationData")
    ]


def assert_as_told(pair: Pair) -> tuple[Message, ...]:
    """Byte for byte what OpenSSL says it wrote."""
    messages = decode(pair.wire, pair.secrets)
    assert pair.told["client"]
    assert bodies(messages, "client") == pair.told["client"]
    assert bodies(messages, "server") == pair.told["server"]
    return messages


def stream(wire: Wire, sender: Role) -> bytes:
    return b"".join(data for role, data in wire if role == sender)


def record(content_type: int, fragment: bytes) -> bytes:
    return bytes([content_type, 3, 3]) + len(fragment).to_bytes(2, "big") + fragment


# what OpenSSL says


def test_the_oracle_is_there() -> None:
    # Everything below that compares with OpenSSL's account rests on this private property.
    assert has_oracle()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("suite", SUITES_12)
def test_tls_12_reads_as_openssl_wrote_it(suite: str, case: str, identities: Identities) -> None:
    pair = converse(Setting(version="TLSv1.2", ciphers=suite, case=case), identities)

    messages = assert_as_told(pair)

    assert negotiated_version(messages) == "TLSv1.2"
    assert not any(one.name in ("EncryptedRecord", "UnknownRecord") for one in messages)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("suite", SUITES_13)
def test_tls_13_reads_as_openssl_wrote_it(suite: str, case: str, identities: Identities) -> None:
    pair = converse_with_suite(Setting(case=case), identities, suite)

    messages = assert_as_told(pair)

    assert negotiated_version(messages) == "TLSv1.3"
    assert ("cipher_suite", suite) in next(one for one in messages if one.name == "ServerHello").details
    assert not any(one.name in ("EncryptedRecord", "UnknownRecord") for one in messages)


@pytest.mark.parametrize("suite", ["AES128-GCM-SHA256", "AES256-GCM-SHA384"])
def test_tls_12_with_rsa_key_exchange_reads_as_openssl_wrote_it(suite: str, identities: Identities) -> None:
    setting = Setting(version="TLSv1.2", ciphers=suite, rsa_key=True)

    messages = assert_as_told(converse(setting, identities))

    assert not any(one.name in ("ServerKeyExchange", "EncryptedRecord") for one in messages)


def test_a_hello_retry_request_is_told_from_a_server_hello(identities: Identities) -> None:
    messages = assert_as_told(converse(Setting(server_curve="secp384r1"), identities))

    retried = "C:ClientHello S:HelloRetryRequest S:ChangeCipherSpec C:ChangeCipherSpec C:ClientHello S:ServerHello"
    assert words(messages)[:6] == retried.split()
    assert ("group", "secp384r1") in messages[1].details
    assert negotiated_version(messages[:5]) is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_resumed_session_reads_as_openssl_wrote_it(version: Version, identities: Identities) -> None:
    messages = assert_as_told(resume(version, identities))

    assert not any(one.name in ("Certificate", "EncryptedRecord") for one in messages)


def test_a_certificate_asked_for_after_the_handshake_stands_before_the_answer_to_it(identities: Identities) -> None:
    messages = assert_as_told(ask_later(identities))

    later = words(messages)[words(messages).index("C:ApplicationData") :]
    asked = "S:CertificateRequest C:Certificate C:CertificateVerify C:Finished"
    assert asked in " ".join(later)
    assert later.index("C:ApplicationData") < later.index("S:CertificateRequest")


def test_tls_12_with_cbc_stays_closed_after_the_change_of_cipher(identities: Identities) -> None:
    pair = converse(Setting(version="TLSv1.2", ciphers="ECDHE-ECDSA-AES128-SHA256"), identities)

    messages = decode(pair.wire, pair.secrets)

    closed = [one.name for one in messages if one.encrypted]
    assert closed == ["EncryptedRecord"] * 6
    assert [dict(one.details)["content_type"] for one in messages if one.encrypted][:2] == ["handshake"] * 2


# what only the openssl program does


@pytest.mark.live
def test_a_key_update_by_the_client_changes_the_keys_of_both(identities: Identities, tmp_path: Path) -> None:
    _, server = contexts(Setting(), identities)

    with OpensslPeer(server, "server", s_client(identities, "-tls1_3"), tmp_path) as peer:
        peer.handshake()
        peer.update_keys()
        peer.press("old\n")
        peer.read(4)
        peer.write(b"new\n")
        pair = peer.pair()

    messages = assert_as_told(pair)
    assert words(messages)[-4:] == ["C:KeyUpdate", "C:ApplicationData", "S:KeyUpdate", "S:ApplicationData"]
    assert [one.body for one in messages if one.name == "ApplicationData"] == [b"old\n", b"new\n"]


@pytest.mark.live
def test_a_key_update_by_the_server_stands_before_the_clients_answer(identities: Identities, tmp_path: Path) -> None:
    client, _ = contexts(Setting(), identities)

    with OpensslPeer(client, "client", s_server(identities), tmp_path) as peer:
        peer.handshake()
        peer.update_keys()
        peer.press("old\n")
        peer.read(4)
        peer.write(b"new\n")
        pair = peer.pair()

    messages = assert_as_told(pair)
    updates = [
        (word, one.details[0][1]) for word, one in zip(words(messages), messages, strict=True) if "Update" in word
    ]
    assert updates == [("S:KeyUpdate", "update_requested"), ("C:KeyUpdate", "update_not_requested")]
    assert [one.body for one in messages if one.name == "ApplicationData"] == [b"new\n", b"old\n"]


@pytest.mark.live
def test_fragments_and_padding_do_not_show(identities: Identities, tmp_path: Path) -> None:
    _, server = contexts(Setting(), identities)
    command = s_client(identities, "-tls1_3", "-maxfraglen", "512", "-record_padding", "300")

    with OpensslPeer(server, "server", command, tmp_path) as peer:
        peer.handshake()
        pair = peer.pair()

    assert_as_told(pair)
    assert b"\x17\x03\x03\x02\x11" in stream(pair.wire, "server")  # a record full to the limit


@pytest.mark.live
def test_a_request_names_the_authorities_in_rfc_4514_form(identities: Identities, tmp_path: Path) -> None:
    client, _ = contexts(Setting(), identities)
    root = identities.path("Lab Root CA")

    with OpensslPeer(client, "client", s_server(identities, "-Verify", "1", "-CAfile", str(root)), tmp_path) as peer:
        peer.handshake()
        pair = peer.pair()

    request = next(one for one in decode(pair.wire, pair.secrets) if one.name == "CertificateRequest")
    subject = x509.load_pem_x509_certificate(root.read_bytes()).subject.rfc4514_string()
    assert dict(request.details)["certificate_authorities"] == subject


@pytest.mark.live
def test_0_rtt_data_is_read_and_without_its_secret_hides_nothing_else(identities: Identities, tmp_path: Path) -> None:
    log, session, early = tmp_path / "log", tmp_path / "session", tmp_path / "early"
    early.write_bytes(b"early bird")
    server, port = start_server(s_server(identities, "-early_data", "-keylogfile", str(log)))
    try:
        run_s_client(
            port, lambda _: session.exists() and b"-----END" in session.read_bytes(), "-sess_out", str(session)
        )
        again = ("-sess_in", str(session), "-early_data", str(early))
        wire = run_s_client(port, lambda wire: "S:NewSessionTicket" in words(decode(wire, log.read_text())), *again)
    finally:
        stop(server)
    secrets = log.read_text()

    messages = decode(wire, secrets)
    blind = decode(wire, "".join(f"{one}\n" for one in secrets.splitlines() if "CLIENT_EARLY" not in one))

    assert words(messages)[:4] == ["C:ClientHello", "C:ChangeCipherSpec", "C:ApplicationData", "S:ServerHello"]
    assert messages[2].body == b"early bird"
    rest = words(messages)[3:]
    rest.remove("C:EndOfEarlyData")
    assert words(blind)[:4] == ["C:ClientHello", "C:ChangeCipherSpec", "C:EncryptedRecord", "C:EncryptedRecord"]
    assert words(blind)[4:] == rest


def run_s_client(port: int, is_enough: Callable[[Wire], bool], *arguments: str) -> Wire:
    """Let it run until that is true of what passed, then quit."""
    relay = Relay(port)
    command = [program("openssl"), "s_client", "-tls1_3", "-connect", f"127.0.0.1:{relay.port}", *arguments]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 20
    while not is_enough(tuple(relay.wire)):
        assert time.monotonic() < deadline, words(decode(tuple(relay.wire), ""))
        time.sleep(0.01)  # another process is at work, and it does not tell when it is done
    client.communicate(b"Q\n", timeout=20)
    relay.close()
    return tuple(relay.wire)


@pytest.mark.live
def test_cipher_suites_have_the_names_that_openssl_gives_them() -> None:
    command = [program("openssl"), "ciphers", "-V", "-stdname", "ALL:eNULL:@SECLEVEL=0"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)

    named = {}
    for line in ran.stdout.splitlines():
        number, _, name, *_ = line.split()
        high, low = (int(one, 16) for one in number.split(","))
        named[high << 8 | low] = name
    shared = CIPHER_SUITES.keys() & named.keys()
    assert len(shared) > 30
    assert {one: CIPHER_SUITES[one] for one in shared} == {one: named[one] for one in shared}


# whose secrets


def test_the_servers_log_alone_opens_everything_in_tls_13(identities: Identities) -> None:
    for case in CASES:
        assert_as_told(converse(Setting(case=case, client_log=False), identities))


def test_in_tls_12_a_server_that_refuses_never_learns_the_key_of_the_clients_finished(identities: Identities) -> None:
    pair = converse(Setting(version="TLSv1.2", case="untrusted client", client_log=False), identities)

    messages = decode(pair.wire, pair.secrets)

    expected = ORDERS["TLSv1.2", "untrusted client"].replace("C:Finished", "C:EncryptedRecord")
    assert words(messages)[1:] == expected.split()


def test_lines_of_other_connections_and_damaged_ones_do_no_harm(sample: Pair, identities: Identities) -> None:
    other = converse(Setting(), identities)
    random_hex = client_random(sample.wire).hex()  # type: ignore[union-attr]
    noise = f"# comment\n\nCLIENT_TRAFFIC_SECRET_0 {random_hex} zz\nthree words only here\nCLIENT_RANDOM\n"

    messages = decode(sample.wire, other.secrets + noise + sample.secrets)

    assert messages == decode(sample.wire, sample.secrets)


def test_other_connections_secrets_open_nothing(sample: Pair, identities: Identities) -> None:
    other = converse(Setting(), identities)

    assert decode(sample.wire, other.secrets) == decode(sample.wire, "")


def test_an_eavesdropper_reads_the_hellos_and_no_more_in_tls_13(identities: Identities) -> None:
    pair = converse(Setting(lines=(("client", b"a secret"),)), identities)

    messages = decode(pair.wire, "")

    clear = ["ClientHello", "ServerHello", "ChangeCipherSpec", "ChangeCipherSpec"]
    assert [one.name for one in messages if not one.encrypted] == clear
    assert {one.name for one in messages if one.encrypted} == {"EncryptedRecord"}
    assert not any(b"a secret" in one.body for one in messages)


def test_an_eavesdropper_reads_both_certificates_in_tls_12(identities: Identities) -> None:
    pair = converse(Setting(version="TLSv1.2"), identities)

    chains = [(one.sender, one.certificates) for one in decode(pair.wire, "") if one.name == "Certificate"]

    alice = x509.load_pem_x509_certificate(identities.path("alice").read_bytes())
    assert [sender for sender, _ in chains] == ["server", "client"]
    assert x509.load_der_x509_certificate((chains[1][1] or ())[0]) == alice


@pytest.mark.parametrize("missing", ["CLIENT_HANDSHAKE", "SERVER_HANDSHAKE", "CLIENT_TRAFFIC", "SERVER_TRAFFIC"])
def test_a_missing_secret_closes_its_own_epoch_and_no_other(missing: str, identities: Identities) -> None:
    pair = converse(Setting(), identities)
    kept = "".join(f"{one}\n" for one in pair.secrets.splitlines() if missing not in one)

    messages, full = decode(pair.wire, kept), decode(pair.wire, pair.secrets)

    opened = [one for one in messages if one.name != "EncryptedRecord"]
    sender = missing.partition("_")[0].lower()
    lost = [one for one in full if one not in opened]
    assert len(messages) == len(full)
    assert {one.sender for one in lost} == {sender}
    data = {"Alert", "ApplicationData"}
    assert {one.name for one in lost} == data if "TRAFFIC" in missing else not data & {one.name for one in lost}


# order


@pytest.mark.parametrize(("version", "case"), ORDERS)
def test_the_messages_stand_in_the_order_in_which_one_follows_from_the_other(
    version: Version, case: str, identities: Identities
) -> None:
    pair = converse(Setting(version=version, case=case), identities)

    assert words(decode(pair.wire, pair.secrets)) == ["C:ClientHello", *ORDERS[version, case].split()]


def test_data_sent_before_the_refusal_was_known_stands_after_it(identities: Identities) -> None:
    pair = eager(Setting(case="untrusted client", lines=(("client", b"not yet refused"),)), identities)

    messages = assert_as_told(pair)

    assert words(messages)[-3:] == ["C:Finished", "S:unknown_ca", "C:ApplicationData"]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_neither_cuts_nor_interleaving_change_the_outcome(samples: tuple[Pair, ...], data: st.DataObject) -> None:
    pair = data.draw(st.sampled_from(samples))
    dice = random.Random(data.draw(st.integers(0, 2**32)))
    left: dict[Role, bytes] = {"client": stream(pair.wire, "client"), "server": stream(pair.wire, "server")}
    wire: list[tuple[Role, bytes]] = []
    while any(left.values()):
        sender: Role = dice.choice([role for role, rest in left.items() if rest])
        size = dice.choice((1, 2, 5, 100, 2000))
        wire.append((sender, left[sender][:size]))
        left[sender] = left[sender][size:]

    assert decode(tuple(wire), pair.secrets) == decode(pair.wire, pair.secrets)
    assert client_random(tuple(wire)) == client_random(pair.wire)


def test_each_direction_keeps_its_own_order(samples: tuple[Pair, ...]) -> None:
    for pair in samples:
        messages = decode(pair.wire, pair.secrets)
        for sender in ("client", "server"):
            alone = decode(tuple(piece for piece in pair.wire if piece[0] == sender), "")
            clear = [one.body for one in alone if not one.encrypted]
            mine = [one.body for one in messages if one.sender == sender and not one.encrypted]
            assert mine[: len(clear)] == clear[: len(mine)]


# details


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES)
def test_two_runs_tell_the_same_to_the_letter(version: Version, case: str, identities: Identities) -> None:
    def told() -> list[tuple[str, bool, tuple[tuple[str, str], ...]]]:
        pair = converse(Setting(version=version, case=case, tickets=2), identities)
        messages = decode(pair.wire, pair.secrets)
        return [(word, one.encrypted, one.details) for word, one in zip(words(messages), messages, strict=True)]

    assert told() == told()


def test_a_client_hello_says_what_it_offers(identities: Identities) -> None:
    pair = converse(Setting(alpn=("h2", "http/1.1")), identities)

    hello = dict(decode(pair.wire, "")[0].details)

    assert hello["server_name"] == "localhost"
    assert hello["supported_versions"] == "TLSv1.3"
    assert hello["application_layer_protocol_negotiation"] == "h2, http/1.1"
    assert "TLS_AES_128_GCM_SHA256" in hello["cipher_suites"]
    assert "ecdsa_secp256r1_sha256" in hello["signature_algorithms"]
    assert hello["key_share"] in hello["supported_groups"]
    assert "pre_shared_key" not in hello


def test_a_refusal_names_level_and_description(identities: Identities) -> None:
    pair = converse(Setting(case="no client certificate"), identities)

    alert = decode(pair.wire, pair.secrets)[-1]

    assert alert.alert is Alert.certificate_required
    assert alert.fatal
    assert alert.details == (("level", "fatal"), ("description", "certificate_required (116)"))


def test_an_empty_certificate_message_is_not_a_missing_one(identities: Identities) -> None:
    for version in VERSIONS:
        pair = converse(Setting(case="no client certificate", version=version), identities)
        empty = [one for one in decode(pair.wire, pair.secrets) if one.sender == "client" and one.name == "Certificate"]
        assert [one.certificates for one in empty] == [()]


def test_a_request_without_authorities_says_so(identities: Identities) -> None:
    for version in VERSIONS:
        pair = converse(Setting(version=version), identities)
        request = next(one for one in decode(pair.wire, pair.secrets) if one.name == "CertificateRequest")
        assert dict(request.details)["certificate_authorities"] == "none named"
        assert ("certificate_types" in dict(request.details)) == (version == "TLSv1.2")


def test_random_filler_values_show_as_grease_and_not_as_numbers() -> None:
    extensions = bytes.fromhex("dada0000 002b0005047a7a0304 3a3a000100")
    hello = b"\3\3" + bytes(32) + b"\0" + bytes.fromhex("00044a4a1301") + b"\1\0"
    body = hello + len(extensions).to_bytes(2, "big") + extensions
    wire: Wire = (("client", record(22, b"\1" + len(body).to_bytes(3, "big") + body)),)

    details = dict(decode(wire, "")[0].details)

    assert details["cipher_suites"] == "GREASE, TLS_AES_128_GCM_SHA256"
    assert details["supported_versions"] == "GREASE, TLSv1.3"
    assert details["extensions"] == "supported_versions"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME, x509.NameOID.EMAIL_ADDRESS]),
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_name_reads_as_the_x509_library_writes_it(attributes: list[tuple[x509.ObjectIdentifier, str]]) -> None:
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])

    assert distinguished_name(name.public_bytes()) == name.rfc4514_string()


@given(st.binary(max_size=60))
def test_bytes_that_are_no_name_raise_not_a_name_and_nothing_else(data: bytes) -> None:
    for der in (data, b"\x30" + bytes([len(data)]) + data):
        try:
            distinguished_name(der)
        except NotAName:
            continue


# records that no OpenSSL here sends


def seal(secret: bytes, sequence: int, inner: bytes) -> bytes:
    """A protected TLS 1.3 record (AES-256-GCM), written down from RFC 8446 section 5.2."""
    key, iv = expand_label(secret, "key", 32, "sha384"), expand_label(secret, "iv", 12, "sha384")
    nonce = bytes(a ^ b for a, b in zip(iv, sequence.to_bytes(12, "big"), strict=True))
    header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
    return header + AESGCM(key).encrypt(nonce, inner, header)


def refusal_by(pair: Pair, label: str, *, sequence: int, inner: bytes) -> tuple[Message, ...]:
    """The connection whose client, in place of its second flight, sends one protected record."""
    secret = next(line.split()[2] for line in pair.secrets.splitlines() if line.startswith(label))
    flight = [pair.wire[0], *((sender, data) for sender, data in pair.wire[1:] if sender == "server")]
    return decode((*flight, ("client", seal(bytes.fromhex(secret), sequence, inner))), pair.secrets)


def test_an_alert_under_handshake_keys_refuses_the_server(identities: Identities) -> None:
    # OpenSSL 3.5 sends a client's refusal so, older ones in the clear.
    pair = converse(Setting(case="client refuses server"), identities)

    messages = refusal_by(pair, "CLIENT_HANDSHAKE", sequence=0, inner=b"\x02\x30\x15")

    assert words(messages)[-2:] == ["S:Finished", "C:unknown_ca"]
    assert messages[-1].encrypted


def test_padding_is_no_part_of_the_content(identities: Identities) -> None:
    pair = converse(Setting(case="client refuses server"), identities)

    padded = refusal_by(pair, "CLIENT_HANDSHAKE", sequence=0, inner=b"\x02\x30\x15" + bytes(100))
    nothing = refusal_by(pair, "CLIENT_HANDSHAKE", sequence=0, inner=bytes(100))

    assert padded[-1].body == b"\x02\x30"
    assert nothing[-1].name == "UnknownRecord"


def test_one_damaged_record_does_not_hide_those_behind_it(identities: Identities) -> None:
    pair = converse(Setting(lines=(("client", b"one"), ("client", b"two"), ("client", b"three"))), identities)
    damaged = stream(pair.wire, "client")
    at = [index for index in range(len(damaged)) if damaged.startswith(b"\x17\x03\x03\x00\x14", index)][1]
    damaged = damaged[: at + 10] + bytes([damaged[at + 10] ^ 1]) + damaged[at + 11 :]

    messages = decode((("client", damaged), ("server", stream(pair.wire, "server"))), pair.secrets)

    data = [one for one in messages if one.sender == "client" and one.name in ("ApplicationData", "EncryptedRecord")]
    assert [one.name for one in data] == ["ApplicationData", "EncryptedRecord", "ApplicationData"]


@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_hello_in_many_records_is_one_hello(size: int, sample: Pair) -> None:
    message = decode(sample.wire, "")[0].body
    pieces = [record(22, message[at : at + size]) for at in range(0, len(message), size)]
    wire: Wire = (("client", b"".join(pieces)),)

    assert [one.body for one in decode(wire, "")] == [message]
    assert client_random(wire) == client_random(sample.wire)


def test_a_handshake_message_interrupted_by_another_type_is_unknown() -> None:
    wire: Wire = (("client", record(22, b"\x01\x00\x00\x09cut") + record(21, b"\x02\x28")),)

    messages = decode(wire, "")

    assert [one.name for one in messages] == ["UnknownRecord", "Alert"]
    assert messages[0].details == (("problem", "interrupted by another record"),)


# bytes that mean nothing


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "not a TLS record"),
        (bytes.fromhex("0000000804d2162f"), "not a TLS record"),
        (b"\x16\x03\x01\x40", "cut off inside a record"),
        (record(22, b"\x01\x00\x10\x00"), "cut off inside a handshake message"),
        (record(22, b""), "malformed handshake"),
        (record(21, b"\x02"), "malformed alert"),
        (record(22, b"\x63\x00\x00\x00"), "handshake type 99"),
    ],
)
def test_what_cannot_be_read_is_an_unknown_record_with_the_reason(data: bytes, problem: str) -> None:
    (message,) = decode((("client", data),), "")

    assert (message.name, message.details) == ("UnknownRecord", (("problem", problem),))
    assert message.body in data


def test_no_bytes_are_no_messages() -> None:
    assert decode((), "") == ()
    assert client_random(()) is None
    assert negotiated_version(()) is None


def test_every_cut_of_a_connection_decodes(samples: tuple[Pair, ...]) -> None:
    for pair in samples:
        for cut in range(0, 4000, 37):
            short: list[tuple[Role, bytes]] = []
            for sender, data in pair.wire:
                left = cut - sum(len(one) for _, one in short)
                short.append((sender, data[:left]))
            decode(tuple(short), pair.secrets)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_mutation_of_a_connection_raises(samples: tuple[Pair, ...], data: st.DataObject) -> None:
    pair = data.draw(st.sampled_from(samples))
    dice = random.Random(data.draw(st.integers(0, 2**32)))
    wire: list[tuple[Role, bytes]] = []
    for sender, original in pair.wire:
        piece = bytearray(original)
        for _ in range(dice.choice((0, 0, 1, 5))):
            piece[dice.randrange(len(piece))] = dice.randrange(256)
        start = dice.randrange(len(piece)) if dice.random() < 0.05 else 0
        wire.append((sender, bytes(piece[start:])))
    if dice.random() < 0.2:
        dice.shuffle(wire)

    messages = decode(tuple(wire), pair.secrets)

    assert all(one.name and one.body is not None for one in messages)


@settings(max_examples=300, deadline=None)
@given(
    wire=st.lists(st.tuples(st.sampled_from(["client", "server"]), st.binary(max_size=80))),
    secrets=st.text(max_size=100),
)
def test_no_bytes_at_all_raise(wire: list[tuple[Role, bytes]], secrets: str) -> None:
    decode(tuple(wire), secrets)
    client_random(tuple(wire))


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from([1, 2, 4, 11, 12, 13, 15, 20, 22, 24, 25]),
    body=st.binary(max_size=120),
    sender=st.sampled_from(["client", "server"]),
)
def test_no_handshake_message_raises(sample: Pair, kind: int, body: bytes, sender: Role) -> None:
    message = record(22, bytes([kind]) + len(body).to_bytes(3, "big") + body)
    for before in ((), sample.wire[:4]):
        decode((*before, (sender, message)), sample.secrets)


LONG_NAME = b"\x0d\x00\x3e\x89\x00\x00\x00\x3e\x84\x3e\x82\x30\x82\x3e\x7e" + b"\x31\x00" * 7999
HOSTILE = {
    "empty records": record(23, b"") * 10_000,
    "tiny records of one endless message": record(22, b"\x0b\xff\xff\xff") + record(22, b"\0") * 8000,
    "tiny messages": record(22, b"\x00\x00\x00\x00" * 4000) * 3,
    "large closed records": record(23, bytes(16_000)) * 3,
    "one name of very many parts": record(22, LONG_NAME) * 3,
    "no records": bytes(50_000),
}
"""50 kB each."""


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_work_grows_no_faster_than_the_bytes(data: bytes, sample: Pair) -> None:
    def cost_s(times: int) -> float:
        before = time.process_time()
        decode((*sample.wire[:1], ("client", data * times)), sample.secrets)
        return time.process_time() - before

    small, large = cost_s(2), cost_s(8)

    # Linear is 4 times, quadratic 16 times; figures below some hundredths of a second are noise.
    assert large < 9 * small + 0.2
    assert large < 10


def test_the_same_bytes_from_the_other_end_decode_too(sample: Pair) -> None:
    swapped: Wire = tuple(("server" if sender == "client" else "client", data) for sender, data in sample.wire)

    messages = decode(swapped, sample.secrets)

    assert len(messages) >= len(swapped)


def test_a_message_hides_its_body_in_its_repr(sample: Pair) -> None:
    message = replace(decode(sample.wire, sample.secrets)[0], details=())

    assert "body" not in repr(message)
