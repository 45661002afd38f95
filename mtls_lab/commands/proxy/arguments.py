"""The options of `mtls-lab proxy`, each checked where it is typed: the message names option, value and remedy."""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DONE, FAILED, MISUSED, CUT_OFF = 0, 1, 2, 4
"""Exit codes."""

ACME_SERVER = "https://acme-v02.api.letsencrypt.org/directory"
FOLDER = Path("mtls-lab-proxy")
LOOPBACK = "127.0.0.1"
LONGEST_DRAIN_S, LONGEST_INTERVAL_S = 86_400.0, 3600.0

DESCRIPTION = """\
Serve an HTTP origin over TLS: end TLS here, pass requests on, and say who the client is (Client-Cert, RFC 9440).
Runs until SIGTERM or Ctrl-C, then finishes what it has begun. SIGHUP reads all certificate files again."""

EPILOG = f"""\
An ADDRESS is HOST:PORT, [IPv6]:PORT or PORT alone, which is one of {LOOPBACK}. All FILEs are PEM; a list may be DER.
A RULE is uri:spiffe://lab/alice, dns:*.clients.example, email:a@lab.example, subject:CN=alice,O=Lab or
key:sha256:HEX; with at least one, whom none names is answered 403.

Exit codes: {DONE} ended as told, every request finished; {FAILED} the system refused (a port is taken, a file cannot be
written); {MISUSED} an option was not understood, or a file cannot be used; {CUT_OFF} ended as told, but requests were
cut off after --drain."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where to listen."""

    host: str
    """Name or IP address."""
    port: int
    """TCP port; 0 for a free one."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def declare(parser: argparse.ArgumentParser) -> None:
    """All options, under ssl-proxy's names where it has them."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    # `--client` must not become whichever option it happens to begin.
    parser.allow_abbrev = False
    default = Address(host=LOOPBACK, port=4430)
    # `from` is a word of Python's.
    parser.add_argument(
        "--from",
        dest="listen",
        metavar="ADDRESS",
        type=_address,
        default=default,
        help=f"where to listen (default: {default})",
    )
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument(
        "--to",
        metavar="URL",
        type=_origin,
        default="http://127.0.0.1:80",
        help="the origin: http://HOST:PORT[/PATH] or https://... (default: http://127.0.0.1:80)",
    )
    origin.add_argument("--echo", action="store_true", help="no origin: answer by the built-in one (GET /whoami, ...)")
    parser.add_argument(
        "--redirect-http", metavar="ADDRESS", type=_address, help="answer plain HTTP there by the https address"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but warnings and errors")
    _declare_own(parser.add_argument_group("what the proxy presents"))
    _declare_clients(parser.add_argument_group("who the clients are, and what they may"))
    _declare_origin(parser.add_argument_group("an https:// origin"))
    _declare_running(parser.add_argument_group("running"))


def _declare_own(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--cert", metavar="FILE", type=Path, help="certificate, then its intermediates (default: one is made and kept)"
    )
    group.add_argument("--key", metavar="FILE", type=Path, help="its private key; may be the same file")
    group.add_argument(
        "--key-password-file", metavar="FILE", type=Path, help="the first line opens a key that is encrypted"
    )
    group.add_argument(
        "--name",
        type=_name,
        action="append",
        default=[],
        help="a name of the certificate that is made; may be repeated (default: localhost, 127.0.0.1 and ::1)",
    )
    group.add_argument(
        "--keep-in", metavar="FOLDER", type=Path, help=f"where what is made is kept (default: ./{FOLDER})"
    )
    group.add_argument(
        "--domain",
        metavar="NAME",
        type=_domain,
        action="append",
        default=[],
        help="order a certificate for it by ACME; needs --redirect-http, where NAME's port 80 leads; may be repeated",
    )
    group.add_argument(
        "--acme-server",
        metavar="URL",
        type=_directory,
        help=f"the directory of the ACME server (default: {ACME_SERVER})",
    )
    group.add_argument("--acme-cacert", metavar="FILE", type=Path, help="authorities that this server is verified by")
    group.add_argument("--acme-email", metavar="ADDRESS", help="whom it may write to")
    group.add_argument("--acme-agree", action="store_true", help="you agree to its terms of service")
    for option, meaning in (("--tls-min", "lowest"), ("--tls-max", "highest")):
        group.add_argument(
            option, choices=("1.2", "1.3"), help=f"the {meaning} TLS version (default: both 1.2 and 1.3)"
        )


def _declare_clients(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--client-ca",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="authorities that clients are verified by; may be repeated",
    )
    group.add_argument(
        "--verify-client",
        choices=("none", "optional", "required"),
        help="demand a client certificate? (default: required with --client-ca, none without)",
    )
    group.add_argument(
        "--crl",
        metavar="FILE",
        type=Path,
        action="append",
        help="revocation lists of those authorities: whoever is on one, or has none that judges him, is refused",
    )
    group.add_argument("--strict", action="store_true", help="hold clients' chains to all of RFC 5280 (X509_STRICT)")
    group.add_argument(
        "--allow", metavar="RULE", type=_rule, action="append", default=[], help="let this identity in; may be repeated"
    )


def _declare_origin(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--to-cacert", metavar="FILE", type=Path, help="authorities that it is verified by (default: the system's)"
    )
    group.add_argument("--to-cert", metavar="FILE", type=Path, help="the client certificate that the proxy shows there")
    group.add_argument("--to-key", metavar="FILE", type=Path, help="its private key; may be the same file")


def _declare_running(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--access-log", metavar="FILE", help="one line for each request and refusal; - for the output")
    group.add_argument("--log-format", choices=("text", "json"), help="how its lines are written (default: text)")
    group.add_argument(
        "--reload-every",
        metavar="SECONDS",
        type=_interval,
        default=10.0,
        help="how often certificate files are looked at (default: 10)",
    )
    group.add_argument(
        "--drain",
        metavar="SECONDS",
        type=_drain,
        default=30.0,
        help="how long requests may take to finish at the end (default: 30)",
    )


def _address(text: str) -> Address:
    found = re.fullmatch(r"(?:(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]/\s]+)):)?(?P<port>\d{1,5})", text)
    if found is None or int(found["port"]) > 65_535:
        hint = f"; for every address of this machine write 0.0.0.0{text}" if re.fullmatch(r":\d{1,5}", text) else ""
        raise argparse.ArgumentTypeError(
            f"{text!r} must be HOST:PORT, [IPv6]:PORT or PORT, such as 127.0.0.1:4430{hint}"
        )
    return Address(host=found["v6"] or found["host"] or LOOPBACK, port=int(found["port"]))


def _origin(text: str) -> str:
    """The URL; a bare host and port is one of plain HTTP, as in ssl-proxy."""
    url = text if "://" in text else f"http://{text}"
    if not _is_plain(url):
        raise argparse.ArgumentTypeError(
            f"{text!r} must be http:// or https:// with a host, a port and a path at most, such as http://127.0.0.1:3000"
        )
    return url


def _is_plain(url: str) -> bool:
    """Scheme, host, port and path, and nothing else."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is none
    except ValueError:
        return False
    extra = parts.query or parts.fragment or parts.username or re.search(r"\s", url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not extra


def _name(text: str) -> str:
    from mtls_lab.certificates.names import parse_name

    try:
        parse_name(text, argument="it")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _domain(text: str) -> str:
    from mtls_lab.certificates.names import is_host_name, to_ascii

    if not is_host_name(text) or text.startswith("*"):
        raise argparse.ArgumentTypeError(f"{text!r} must be a DNS name without wildcard, such as www.example.org")
    return to_ascii(text)


def _directory(text: str) -> str:
    if not _is_plain(text) or not text.startswith("https://"):
        raise argparse.ArgumentTypeError(f"{text!r} must be https:// with a host and a path, such as {ACME_SERVER}")
    return text


def _rule(text: str) -> str:
    from mtls_lab.proxy.access import Rule

    try:
        Rule.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _interval(text: str) -> float:
    return _seconds(text, 0.1, LONGEST_INTERVAL_S)


def _drain(text: str) -> float:
    return _seconds(text, 0.0, LONGEST_DRAIN_S)


def _seconds(text: str, least: float, most: float) -> float:
    seconds = float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text) else -1.0
    if not least <= seconds <= most:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds from {least:g} to {most:g}, such as 10")
    return seconds
