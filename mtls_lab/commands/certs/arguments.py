"""The options of `mtls-lab certs`, each checked where it is typed: the message names option, value and remedy."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

DONE, FAILED, MISUSED, EXISTS, INTERRUPTED = 0, 1, 2, 17, 130
"""Exit codes; 17 is what sscg says too when a file is there already (EEXIST)."""

KEY_TYPES = ("ec-p256", "ec-p384", "ec-p521", "rsa-2048", "rsa-3072", "rsa-4096", "rsa-8192", "ed25519")
HASHES = ("sha256", "sha384", "sha512")
SUBJECT = ("country", "state", "locality", "organization", "organizational_unit", "email")
LONGEST_DAYS = 36525
PUBLIC_MODE, PRIVATE_MODE = 0o644, 0o600
ROLES = {"authority": "the authority's", "service": "the service's", "client": "the clients'"}

DESCRIPTION = """\
Make an authority, a certificate for one service, and certificates for its clients if you name some, as PEM files.
The authority vouches for these names only, and its key is thrown away unless you name a file for it."""

EPILOG = f"""\
A FILE is a name inside FOLDER, or an absolute path. A MODE is octal and exact: the umask takes nothing away.
Files are whole or absent, and all are written or none; links are replaced, never written through.

Exit codes: {DONE} all files were written; {FAILED} the system refused, nothing was written; {MISUSED} an option was not
understood, nothing was written; {EXISTS} a file exists already and --force was not given, nothing was written;
{INTERRUPTED} interrupted: all files were written, or none."""


def declare(parser: argparse.ArgumentParser) -> None:
    """All options; their names without sscg's `cert-`, since everything here is a certificate's."""
    parser.usage = "mtls-lab certs [FOLDER] [options]"
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    # `--service-key-pass secret` must not become whichever option it happens to begin.
    parser.allow_abbrev = False
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, default=Path(), help="where (default: here)")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite files that exist")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but warnings and errors")
    _declare_content(parser)
    for role, owner in ROLES.items():
        _declare_files(parser.add_argument_group(f"{owner} files"), role)
    revocation = parser.add_argument_group("certificate revocation list (CRL)")
    revocation.add_argument(
        "--crl-file", metavar="FILE", help="write the authority's signed list that takes nothing back (default: none)"
    )
    revocation.add_argument("--crl-mode", metavar="MODE", type=_mode, help="its mode (default: 0644)")


def _declare_content(parser: argparse.ArgumentParser) -> None:
    who = parser.add_argument_group("who")
    who.add_argument(
        "--name",
        type=_server_name,
        default="localhost",
        help="the service's host name or address (default: localhost, then also 127.0.0.1 and ::1)",
    )
    who.add_argument(
        "--alt-name",
        metavar="NAME",
        type=_alternative_name,
        action="append",
        default=[],
        help="another name of the service: host, *.host, address, email:..., URI:...; may be repeated",
    )
    who.add_argument(
        "--client",
        metavar="NAME",
        type=_common_name,
        action="append",
        default=[],
        help="make a client certificate with this common name too; may be repeated",
    )
    for field in SUBJECT:
        option = f"--{field.replace('_', '-')}"
        who.add_argument(
            option, metavar="TEXT", type=_subject(field), help=f"{field.replace('_', ' ')} of every subject"
        )
    how = parser.add_argument_group("how")
    how.add_argument("--days", type=_days, default=398, help="how long all are valid (default: 398)")
    how.add_argument("--key-type", choices=KEY_TYPES, default="ec-p256", help="of every key (default: ec-p256)")
    how.add_argument("--hash", choices=HASHES, help="what is signed (default: what fits the key)")


def _declare_files(group: argparse._ArgumentGroup, role: str) -> None:
    default = {"authority": "root", "service": "NAME", "client": "{name}"}[role]
    each = "; {name} stands for each client's name" if role == "client" else ""
    kept = "not written, the key is thrown away" if role == "authority" else f"{default}-key.pem"
    group.add_argument(f"--{role}-file", metavar="FILE", help=f"certificate (default: {default}.pem){each}")
    group.add_argument(f"--{role}-mode", metavar="MODE", type=_mode, help="its mode (default: 0644)")
    group.add_argument(
        f"--{role}-key-file", metavar="FILE", help=f"private key (default: {kept}){each}; may be the certificate's file"
    )
    group.add_argument(f"--{role}-key-mode", metavar="MODE", type=_mode, help="its mode (default: 0600)")
    password = group.add_mutually_exclusive_group()
    password.add_argument(
        f"--{role}-key-password-file", metavar="FILE", type=Path, help="encrypt it: the password is the first line"
    )
    password.add_argument(f"--{role}-key-password-prompt", action="store_true", help="encrypt it: ask for the password")
    password.add_argument(
        f"--{role}-key-password", metavar="PASSWORD", help="encrypt it; everybody on this machine can see the password"
    )


def _mode(text: str) -> int:
    mode = int(text, 8) if re.fullmatch(r"0?[0-7]{3}", text) else 0
    if not mode & 0o400:
        raise argparse.ArgumentTypeError(f"{text!r} must be three octal digits that let the owner read, such as 0640")
    if mode & 0o111:
        raise argparse.ArgumentTypeError(f"{text!r} would make it a program: give a mode such as 0640")
    return mode


def _days(text: str) -> int:
    days = int(text) if re.fullmatch(r"\d{1,5}", text) else 0
    if not 1 <= days <= LONGEST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of days from 1 to {LONGEST_DAYS}, such as 398")
    return days


def _server_name(text: str) -> str:
    from mtls_lab.certificates.names import parse_name, spell

    # What it is taken for, should it be no name at all: the message then says what is wrong with it.
    _checked(lambda: parse_name(text, argument="it"), text)
    if spell(parse_name(text, argument="it")) not in (f"DNS:{text.lower()}", f"IP:{text.lower()}"):
        raise argparse.ArgumentTypeError(
            f"{text!r} must be a host name or an address such as shop.example or 127.0.0.1; others go to --alt-name"
        )
    return text


def _alternative_name(text: str) -> str:
    from mtls_lab.certificates.names import parse_name

    return _checked(lambda: parse_name(text, argument="it"), text)


def _common_name(text: str) -> str:
    from mtls_lab.certificates.subject import LONGEST_COMMON_NAME, check_length

    return _checked(lambda: check_length("NAME", text, LONGEST_COMMON_NAME), text)


def _subject(field: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        from mtls_lab.certificates.subject import Subject

        return _checked(lambda: Subject(**{field: text}), text)

    return parse


def _checked(check: Callable[[], object], text: str) -> str:
    """What the library says to it; argparse puts the option's name before that."""
    try:
        check()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
