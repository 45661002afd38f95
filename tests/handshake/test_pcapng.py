"""Capture files, opened by the real tshark with no preference set."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mtls_lab.handshake.messages import Message, Version, Wire
from mtls_lab.handshake.wire import decode
from mtls_lab.handshake.wire.code_points import HANDSHAKE_TYPES
from mtls_lab.handshake.wire.pcapng import to_pcapng
from tls_pair import CASES, Identities, Pair, Setting, converse
from tools import program

AT = datetime(2026, 11, 24, 15, 0, 0, 123456, tzinfo=UTC)
NUMBERS = {name: number for number, name in HANDSHAKE_TYPES.items()} | {"HelloRetryRequest": 2}
LINES: Wire = (
    ("client", b"GET /whoami HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("server", b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nwelcome"),
)


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    return Identities(tmp_path_factory.mktemp("identities"))


def tshark(data: bytes, folder: Path, *arguments: str) -> str:
    """What tshark says about the file, with no preferences but its own."""
    path = folder / "capture.pcapng"
    path.write_bytes(data)
    command = [program("tshark"), "-n", "-r", str(path), *arguments]
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def fields(data: bytes, folder: Path) -> dict[str, tuple[list[int], list[int]]]:
    """For each end, the handshake types and the alert descriptions, in order."""
    wanted = ("-e", "ip.src", "-e", "tls.handshake.type", "-e", "tls.alert_message.desc")
    found: dict[str, tuple[list[int], list[int]]] = {"192.0.2.1": ([], []), "192.0.2.2": ([], [])}
    for line in tshark(data, folder, "-Y", "tls", "-T", "fields", *wanted).splitlines():
        source, types, alerts = line.split("\t")
        found[source][0].extend(int(one) for one in types.split(",") if one)
        found[source][1].extend(int(one) for one in alerts.split(",") if one)
    return found


def ours(messages: tuple[Message, ...]) -> dict[str, tuple[list[int], list[int]]]:
    """The same from our decoder."""
    found: dict[str, tuple[list[int], list[int]]] = {}
    for sender, address in (("client", "192.0.2.1"), ("server", "192.0.2.2")):
        mine = [one for one in messages if one.sender == sender]
        types = [NUMBERS[one.name] for one in mine if one.name in NUMBERS]
        found[address] = (types, [int(one.alert) for one in mine if one.alert is not None])
    return found


@pytest.mark.live
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_tshark_reads_the_messages_and_alerts_that_we_read(
    version: Version, case: str, identities: Identities, tmp_path: Path
) -> None:
    pair = converse(Setting(version=version, case=case, tickets=1), identities)

    seen = fields(to_pcapng(pair.wire, pair.secrets, at=AT), tmp_path)

    assert seen == ours(decode(pair.wire, pair.secrets))


@pytest.mark.live
def test_tshark_reads_a_hello_retry_request_too(identities: Identities, tmp_path: Path) -> None:
    pair = converse(Setting(server_curve="secp384r1", tickets=2), identities)

    seen = fields(to_pcapng(pair.wire, pair.secrets, at=AT), tmp_path)

    assert seen == ours(decode(pair.wire, pair.secrets))


@pytest.mark.live
@pytest.mark.parametrize("server_port", [443, 8443, 54321])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_tshark_shows_the_request_and_the_answer(
    version: Version, server_port: int, identities: Identities, tmp_path: Path
) -> None:
    pair = converse(Setting(version=version, lines=LINES), identities)
    data = to_pcapng(pair.wire, pair.secrets, server_port=server_port, at=AT)

    seen = tshark(data, tmp_path, "-Y", "http", "-T", "fields", "-e", "http.request.uri", "-e", "http.response.code")

    assert seen.split() == ["/whoami", "200"]


@pytest.mark.live
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_without_secrets_tshark_shows_what_an_eavesdropper_reads(
    version: Version, identities: Identities, tmp_path: Path
) -> None:
    pair = converse(Setting(version=version, lines=LINES), identities)
    data = to_pcapng(pair.wire, "", at=AT)

    assert tshark(data, tmp_path, "-Y", "http") == ""
    if version == "TLSv1.3":  # in TLS 1.2 tshark takes closed records for handshake messages of odd types
        assert fields(data, tmp_path) == ours(decode(pair.wire, ""))


@pytest.mark.live
def test_tshark_finds_nothing_wrong_with_the_packets(identities: Identities, tmp_path: Path) -> None:
    big: Wire = (("client", b"x" * 5000), ("server", b"y" * 20_000))
    pair = converse(Setting(lines=big), identities)
    checks = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    bad = "tcp.checksum.status == 0 || ip.checksum.status == 0 || tcp.analysis.flags || _ws.malformed"

    data = to_pcapng(pair.wire, pair.secrets, at=AT)

    assert tshark(data, tmp_path, *checks, "-Y", bad) == ""
    assert len(tshark(data, tmp_path, *checks, "-Y", "tcp.checksum.status == 1").splitlines()) > 20


@pytest.mark.live
def test_the_first_packet_has_the_time_of_the_handshake(identities: Identities, tmp_path: Path) -> None:
    pair = converse(Setting(), identities)

    times = tshark(to_pcapng(pair.wire, pair.secrets, at=AT), tmp_path, "-T", "fields", "-e", "frame.time_epoch")

    assert times.split()[0].startswith(f"{int(AT.timestamp())}.123456")


def test_secrets_of_other_connections_stay_out(identities: Identities) -> None:
    pair, other = (converse(Setting(), identities) for _ in range(2))

    data = to_pcapng(pair.wire, pair.secrets + other.secrets, at=AT)

    assert data == to_pcapng(pair.wire, pair.secrets, at=AT)
    assert other.secrets.split()[-1].encode() not in data


def test_the_same_wire_makes_the_same_file(identities: Identities) -> None:
    pair = converse(Setting(), identities)

    assert to_pcapng(pair.wire, pair.secrets, at=AT) == to_pcapng(pair.wire, pair.secrets, at=AT)


def test_every_block_says_its_length_twice_and_ends_on_four_bytes(identities: Identities) -> None:
    pair: Pair = converse(Setting(), identities)
    data, at, kinds = to_pcapng(pair.wire, pair.secrets, at=AT), 0, []

    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        assert size % 4 == 0
        assert data[at + size - 4 : at + size] == data[at + 4 : at + 8]
        kinds.append(int.from_bytes(data[at : at + 4], "little"))
        at += size

    assert kinds[:3] == [0x0A0D0D0A, 1, 10]
    assert set(kinds[3:]) == {6}


def test_an_empty_wire_is_a_connection_without_data() -> None:
    assert len(to_pcapng((), "", at=AT)) > 0


def test_a_naive_time_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"datetime\.now\(UTC\)"):
        to_pcapng((), "", at=datetime(2026, 11, 24))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("port", [0, 443, 65536])
def test_ports_that_no_connection_has_are_refused(port: int) -> None:
    with pytest.raises(ValueError, match=f"client_port={port}"):
        to_pcapng((), "", client_port=port, server_port=443, at=AT)
