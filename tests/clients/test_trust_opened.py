"""Which trust files a line opened: as strace tells it, and in the program's own words."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cast import Lab, make_lab
from mtls_lab.certificates import Authority
from mtls_lab.clients.trust import hashed_directory, opened
from mtls_lab.clients.trust.hashed import subject_hash
from mtls_lab.clients.trust.looks import Look, Touched, looks
from mtls_lab.clients.trust.strace import touched
from mtls_lab.proxy import Proxy
from tools import program

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(scope="module")
def url(lab: Lab) -> Iterator[str]:
    with Proxy(lab.scenario(server_verifies="none")) as proxy:
        yield f"https://localhost:{proxy.port}/whoami"


@pytest.fixture
def folder(lab: Lab, tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_bytes(lab.root.certificate.pem)
    (tmp_path / "stranger.pem").write_bytes(lab.stranger.certificate.pem)
    (tmp_path / "empty").mkdir()
    hashed_directory(tmp_path / "anchors", (lab.root.certificate,))
    return tmp_path


@pytest.fixture(params=[True, False], ids=["strace", "own words"])
def tracing(request: pytest.FixtureRequest) -> bool:
    if request.param:
        program("strace")
    return bool(request.param)


def test_curl_opens_the_file_it_was_given(url: str, folder: Path, tracing: bool) -> None:
    program("curl")

    seen = opened(f"curl -sS --cacert root.pem {url}", folder=folder, tracing=tracing)

    assert seen.accepted
    assert seen.looks[0] == Look(path="root.pem", kind="file", found=True, count=1)
    assert seen.way == ("strace" if tracing else "curl -v")
    assert bool(seen.why) != tracing


def test_cacert_leaves_the_directory_on_and_an_empty_one_closes_it(url: str, folder: Path, tracing: bool) -> None:
    program("curl")
    (folder / ".curlrc").write_text('capath = "anchors"\n')
    home = {"HOME": str(folder)}

    alone = opened(f"curl -sS --cacert stranger.pem {url}", folder=folder, environment=home, tracing=tracing)
    closed = opened(f"curl -sS --cacert stranger.pem --capath empty {url}", folder=folder, environment=home)

    assert alone.accepted
    assert alone.directories == ("anchors",)
    assert closed.exit_code == 60


def test_strace_tells_the_names_that_curl_looked_for_in_a_directory(url: str, folder: Path) -> None:
    program("curl"), program("strace")

    hit = opened(f"curl -sS --cacert stranger.pem --capath anchors {url}", folder=folder)
    miss = opened(f"curl -sS --cacert root.pem --capath empty {url}", folder=folder)

    assert [(one.path, one.found) for one in hit.looks if one.kind == "directory"] == [("anchors", True)]
    assert [(one.path, one.found) for one in miss.looks if one.kind == "directory"] == [("empty", False)]


def test_a_file_that_is_not_there_is_told(url: str, folder: Path) -> None:
    program("curl"), program("strace")

    seen = opened(f"curl -sS --cacert gone.pem {url}", folder=folder)

    assert Look(path="gone.pem", kind="file", found=False) in seen.looks
    assert "missed   gone.pem: not there" in str(seen)


@pytest.mark.parametrize("library", ["urllib.request", "requests"])
def test_python_opens_what_a_variable_names(url: str, folder: Path, tracing: bool, library: str) -> None:
    variable = {"urllib.request": "SSL_CERT_FILE", "requests": "REQUESTS_CA_BUNDLE"}[library]
    verb = {"urllib.request": "urlopen", "requests": "get"}[library]
    line = ["python", "-c", f"import sys, {library} as ask; ask.{verb}(sys.argv[1])", url]

    seen = opened(line, folder=folder, environment={variable: "root.pem", "NO_PROXY": "*"}, tracing=tracing)

    assert seen.accepted, seen.output
    assert "root.pem" in seen.files


def test_requests_opens_the_file_of_certifi_and_says_so_alike_both_ways(url: str, tracing: bool) -> None:
    import certifi

    seen = opened(["python", "-c", "import sys, requests; requests.get(sys.argv[1])", url], tracing=tracing)

    assert not seen.accepted
    assert Path(certifi.where()).name in seen.files


def test_a_module_and_a_script_are_listened_to_as_well(folder: Path) -> None:
    (folder / "script.py").write_text("import ssl, sys; ssl.create_default_context(cafile=sys.argv[1])")

    script = opened("python script.py root.pem", folder=folder, tracing=False)
    module = opened("python -m script root.pem", folder=folder, tracing=False)

    assert script.files == module.files == ("root.pem",)
    assert script.accepted and module.accepted


def test_openssl_names_its_places_without_strace(url: str, folder: Path) -> None:
    program("openssl")
    port = url.rpartition(":")[2].partition("/")[0]
    line = f"openssl s_client -connect localhost:{port} -verify_return_error -CAfile root.pem"

    given = opened(line, folder=folder, tracing=False)
    usual = opened(line.removesuffix(" -CAfile root.pem"), folder=folder, tracing=False)

    assert given.accepted
    assert given.files == ("root.pem",)
    assert "root.pem" not in usual.files and usual.directories
    assert usual.way == "openssl version -d"


def test_who_tells_nothing_is_told_as_such(folder: Path) -> None:
    seen = opened("cat root.pem", folder=folder, tracing=False)

    assert (seen.way, seen.looks) == ("", ())
    assert "nobody here can say" in str(seen)


def test_where_tracing_is_forbidden_the_program_is_asked_itself(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A strace that starts and may not trace, as in a container."""
    curl = program("curl")
    fake = folder / "bin" / "strace"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'strace: ptrace(PTRACE_TRACEME, ...): Operation not permitted' >&2\nexit 1\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", f"{fake.parent}:{Path(curl).parent}:/usr/bin:/bin")

    seen = opened(f"curl -sS --cacert root.pem {url}", folder=folder)

    assert seen.accepted
    assert seen.way == "curl -v"
    assert "ptrace is forbidden" in seen.why


def test_without_strace_it_says_how_to_install_it(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "curl").symlink_to(program("curl"))
    monkeypatch.setenv("PATH", str(bin_folder))

    seen = opened(f"curl -sS --cacert root.pem {url}", folder=folder)

    assert seen.accepted
    assert seen.why.startswith("strace is not installed: `apt install strace`")


def test_no_variable_of_this_machine_bears_on_the_line(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program("curl")
    monkeypatch.setenv("CURL_CA_BUNDLE", str(folder / "root.pem"))

    scrubbed = opened(f"curl -sS {url}", folder=folder, tracing=False)
    given = opened(f"curl -sS {url}", folder=folder, tracing=False, environment={"CURL_CA_BUNDLE": "root.pem"})

    assert not scrubbed.accepted
    assert given.accepted


def test_a_line_without_a_program_or_with_none_that_is_here_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="names no program"):
        opened("")
    with pytest.raises(FileNotFoundError, match="no program 'no-such-program' here"):
        opened("no-such-program https://localhost/")


def test_the_line_is_printed_without_its_port(url: str) -> None:
    program("curl")

    seen = opened(f"curl -sS {url}", tracing=False)

    assert str(seen).startswith("curl -sS https://localhost:PORT/whoami  (known from curl -v)")


def test_the_clients_own_certificate_is_no_place_of_trust(lab: Lab, tmp_path: Path) -> None:
    names = {"alice.pem": lab.alice.chain_pem, "alice-key.pem": lab.alice.key_pem, "root.pem": lab.root.certificate.pem}
    for name, content in names.items():
        (tmp_path / name).write_bytes(content)
    read = [Touched(path=str(tmp_path / name), opened=True, failed=False) for name in names]

    assert [Path(one.path).name for one in looks(read, frozenset())] == ["root.pem"]


def test_a_program_that_speaks_of_certificates_is_no_trust_file(tmp_path: Path) -> None:
    source = tmp_path / "ssl.py"
    source.write_text('HEADER = "-----BEGIN CERTIFICATE-----"\nFOOTER = "-----END CERTIFICATE-----"\n')

    assert looks([Touched(path=str(source), opened=True, failed=False)], frozenset()) == ()


def test_a_directory_that_is_read_file_by_file_is_one_place(lab: Lab, tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}.pem").write_bytes(lab.root.certificate.pem)
    read = [Touched(path=str(path), opened=True, failed=False) for path in sorted(tmp_path.iterdir())]

    assert looks(read, frozenset()) == (Look(path=str(tmp_path), kind="directory", found=True, count=6, whole=True),)


def test_strace_lines_of_several_systems_are_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '12 openat(AT_FDCWD, "/etc/ca.pem", O_RDONLY|O_CLOEXEC) = 3\n'
        '12 open("/etc/old.pem", O_RDONLY) = -1 ENOENT (No such file or directory)\n'
        'newfstatat(AT_FDCWD, "certs/0efdb60c.0", 0x7ffe94747800, 0) = -1 ENOENT (No such file or directory)\n'
        '12 stat("/odd\\303\\244\\"name", {st_mode=S_IFREG|0644}) = 0\n'
        '12 openat(AT_FDCWD, "/etc/slow.pem", O_RDONLY <unfinished ...>\n'
        "12 <... openat resumed>) = 3\n"
        "12 +++ exited with 0 +++\n"
    )

    found = touched(log, Path("/home"))

    assert found is not None
    assert [(one.path, one.opened, one.failed) for one in found] == [
        ("/etc/ca.pem", True, False),
        ("/etc/old.pem", False, True),
        ("/home/certs/0efdb60c.0", False, True),
        ('/oddä"name', False, False),
        ("/etc/slow.pem", True, False),
    ]


def test_a_log_in_which_nothing_was_traced_is_none(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("")

    assert touched(tmp_path / "log", tmp_path) is None
    assert touched(tmp_path / "no log", tmp_path) is None


@pytest.mark.parametrize("name", ["Lab Root CA", "  Odd   Näme  ", "ÄÖÜ straße", "x" * 64])
def test_the_hash_of_a_subject_is_the_one_of_openssl(name: str) -> None:
    openssl = program("openssl")
    certificate = Authority.create(name).certificate

    told = subprocess.run(
        [openssl, "x509", "-noout", "-subject_hash"], input=certificate.pem, capture_output=True, check=True
    )

    assert subject_hash(certificate) == told.stdout.decode().strip()


@pytest.mark.filterwarnings("ignore:Parsed a serial number:Warning")
def test_the_hash_is_right_for_roots_that_others_made() -> None:
    """Names of several attributes and string types: OpenSSL finds each by the name that we give its file."""
    import certifi

    from mtls_lab.certificates import Certificate

    openssl = program("openssl")
    roots = Certificate.from_pem(Path(certifi.where()).read_bytes())[::10]
    told = [
        subprocess.run([openssl, "x509", "-noout", "-subject_hash"], input=one.pem, capture_output=True, check=True)
        for one in roots
    ]

    assert [subject_hash(one) for one in roots] == [one.stdout.decode().strip() for one in told]


def test_two_anchors_of_one_name_lie_beside_each_other(lab: Lab, tmp_path: Path) -> None:
    twin = Authority.create("Lab Root CA").certificate

    hashed_directory(tmp_path, (lab.root.certificate, twin))

    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".0", ".1"]
    assert len({path.stem for path in tmp_path.iterdir()}) == 1


def test_nothing_is_left_in_the_folder_or_the_home(url: str, folder: Path) -> None:
    before = sorted(folder.iterdir())

    opened([sys.executable, "-c", "import ssl"], folder=folder, tracing=False)
    opened(f"curl -sS --cacert root.pem {url}", folder=folder) if program("curl") else None

    assert sorted(folder.iterdir()) == before
