"""`mtls-lab explain`: an endpoint, files, or an error message.

mtls-lab explain https://host:port [--cert --key --cacert ...]
mtls-lab explain --files CERT KEY CACERT
mtls-lab explain --text "certificate verify failed"
"""

import argparse
import getpass
import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mtls_lab.commands.command import Command

_EXITS = """exit codes:
  0  nothing is wrong
  1  something is wrong: a client would refuse this server, or this server refuses the client; or a file is bad
  2  the command line was not understood, or a file cannot be read
  3  the endpoint cannot be reached, or does not speak TLS in time

An endpoint sees up to five short connections. Inside TLS each sends one request: `HEAD / HTTP/1.1`, or a PostgreSQL
StartupMessage for the user mtls_lab_probe. Where a connection ends without a byte, up to two more follow, to name who
is there: a PostgreSQL SSLRequest, then a plain HEAD. Your certificate (never the key) is shown to whoever answers.
Nothing else is dialled: no redirect, no CRL, no OCSP."""
_QUIET_S = 2.0
"""After this time a line says what is going on."""


class _Misused(Exception):
    """What was typed makes no sense; the message says why and what would."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXITS
    parser.add_argument("endpoint", nargs="?", help="https://host:port, or host:port")
    parser.add_argument(
        "--files", nargs="+", metavar="FILE", help="check files alone: CERT [KEY [CACERT]]; '-' for one you have not"
    )
    parser.add_argument("--text", metavar="MESSAGE", help="what can this error message mean, program by program")
    parser.add_argument("--cert", metavar="FILE", help="the client's certificate, PEM, leaf first, then intermediates")
    parser.add_argument("--key", metavar="FILE", help="its private key (default: in the file of --cert)")
    parser.add_argument("--password-file", metavar="FILE", type=Path, help="the first line opens an encrypted key")
    parser.add_argument("--cacert", metavar="FILE", help="the trust anchors (default: SSL_CERT_FILE or the system's)")
    parser.add_argument("--server-name", metavar="NAME", help="ask for this name in place of the host's")
    parser.add_argument("--tls-max", choices=["1.2", "1.3"], help="the highest TLS version to offer")
    parser.add_argument("--starttls", choices=["postgres"], help="ask for TLS as PostgreSQL does")
    parser.add_argument("--timeout", type=float, default=5.0, metavar="S", help="seconds for a connection (5)")
    parser.add_argument("--limit", type=float, default=20.0, metavar="S", help="seconds for the whole probe (20)")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def _run(options: argparse.Namespace) -> int:
    # A terminal that cannot show a letter shows its number, and never a traceback.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    given = [one for one in (options.endpoint, options.files, options.text) if one is not None]
    try:
        _exactly_one(given)
        with warnings.catch_warnings():
            # `cryptography` warns of odd certificates on standard error; what is odd stands in the report.
            warnings.simplefilter("ignore")
            if options.text is not None:
                return _text(options)
            return _files(options) if options.files is not None else _endpoint(options)
    except (_Misused, ValueError) as error:
        print(f"mtls-lab explain: {_shown(str(error))}", file=sys.stderr)
    except OSError as error:
        words = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(f"mtls-lab explain: {_shown(words)}", file=sys.stderr)
    return 2


def _exactly_one(given: list[Any]) -> None:
    if len(given) != 1:
        raise _Misused("give one of these: an endpoint (https://host:port), --files CERT KEY CACERT, --text MESSAGE")


def _endpoint(options: argparse.Namespace) -> int:
    from mtls_lab.certificates.inspection import holds_key, inspect_files
    from mtls_lab.clients.probe import probe

    if options.key and not options.cert:
        raise _Misused("--key without --cert: give the certificate that it belongs to")
    if options.cert and not options.key and not holds_key(Path(options.cert).read_bytes()):
        raise _Misused(f"--cert {options.cert} holds no private key: say where it is with --key")
    key = options.key or options.cert
    files = inspect_files(
        options.cert,
        key,
        options.cacert,
        password=_password(options, key),
        purpose="clientAuth" if options.cert else None,
    )
    if options.cacert and not files.trusts:
        raise _Misused(next(one.title for one in files.remarks if one.level == "wrong"))
    report = probe(
        options.endpoint,
        presents=files.credential,
        trusts=files.trusts if options.cacert else None,
        server_name=options.server_name,
        tls_max=None if options.tls_max is None else f"TLSv{options.tls_max}",  # type: ignore[arg-type]  # argparse chose
        starttls=options.starttls,
        timeout_s=options.timeout,
        limit_s=options.limit,
        progress=_progress(options.endpoint),
    )
    if options.cacert:
        report = replace(report, source=options.cacert)
    return _tell(report.with_remarks(one for one in files.file_remarks if one.level != "good"), options)


def _files(options: argparse.Namespace) -> int:
    from mtls_lab.certificates.inspection import inspect_files

    if len(options.files) > 3:
        raise _Misused(f"--files takes at most three files, CERT KEY CACERT; you gave {len(options.files)}")
    paths = [None if one == "-" else one for one in options.files]
    paths += [None] * (3 - len(paths))
    password = _password(options, paths[1])
    return _tell(inspect_files(*paths, password=password, server_name=options.server_name), options)


def _text(options: argparse.Namespace) -> int:
    """What a message can mean, from the atlas; 1 when the atlas does not have it."""
    from mtls_lab.clients.atlas import look_up

    found = look_up(options.text)
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=1, default=str))
    elif found:
        print("\n\n".join(str(one) for one in found))
    else:
        print("No program in the atlas is known to say this. Give the part of the message that does not vary.")
    return 0 if found else 1


def _tell(report: Any, options: argparse.Namespace) -> int:
    # json escapes what is not ASCII, so that a name in a certificate cannot steer the terminal there either.
    print(json.dumps(report.as_dict(), indent=1) if options.json else report)
    return int(report.exit_code)


def _password(options: argparse.Namespace, key: str | None) -> str | None:
    """The key's password, where it needs one: from the file, or asked for where somebody sits in front of it."""
    from mtls_lab.certificates.inspection import needs_password

    if options.password_file is not None:
        lines = options.password_file.read_text(encoding="utf-8").splitlines()
        return lines[0] if lines else ""
    if key is None or not needs_password(key) or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    print(f"mtls-lab explain: the key in {key} is encrypted; --password-file answers without asking", file=sys.stderr)
    return getpass.getpass("its password: ", sys.stderr) or None


def _progress(endpoint: str) -> Callable[[str], None]:
    """A line on standard error for each connection that is under way once the probe takes long."""
    began, said = time.monotonic(), set[str]()

    def tell(doing: str) -> None:
        if time.monotonic() - began > _QUIET_S and doing not in said:
            said.add(doing)
            print(f"mtls-lab explain: waiting for {_shown(endpoint)} ({doing}) ...", file=sys.stderr, flush=True)

    return tell


def _shown(text: str) -> str:
    from mtls_lab.certificates.remark import printable

    return printable(text)


COMMAND = Command(
    name="explain",
    help="say what an endpoint demands, what is wrong with it or with files, and what mends it",
    arguments=_arguments,
    run=_run,
)
