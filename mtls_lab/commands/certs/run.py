"""Issue, write, report: what `mtls-lab certs` does once its options are read."""

import argparse
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from mtls_lab.certificates.files import FileExists, NewFile, write_files
from mtls_lab.certificates.service import ServiceSet, issue_service
from mtls_lab.certificates.subject import Subject
from mtls_lab.commands.certs.arguments import DONE, EXISTS, FAILED, INTERRUPTED, MISUSED, SUBJECT
from mtls_lab.commands.certs.passwords import read_passwords, warn
from mtls_lab.commands.certs.pieces import cut, join
from mtls_lab.commands.certs.report import report


def run(options: argparse.Namespace) -> int:
    """Do it all, or nothing; the exit code says which."""
    try:
        _refuse_idle(options)
        passwords = read_passwords(options)
        issued = _issue(options)
        pieces = cut(options, issued, passwords)
        files = join(pieces)
        _warn_of_open_keys(files)
        write_files(files, overwrite=options.force, durable=True)
    except (FileExists, FileExistsError) as error:
        path = error.path if isinstance(error, FileExists) else error.filename2 or error.filename
        return _say(f"{path} exists already; nothing was written: name another folder or file, or --force", EXISTS)
    except ValueError as error:
        return _say(f"{error}; nothing was written", MISUSED)
    except OSError as error:
        # What it names may be a hidden file of ours.
        name = error.filename2 or error.filename
        place = Path(name).parent if isinstance(name, str | Path) else options.folder
        return _say(f"cannot write into {place}: {error.strerror}; nothing was written: name a folder of yours", FAILED)
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    if not options.quiet:
        # A name that this terminal cannot show is no reason to fail now.
        encoding = sys.stdout.encoding or "utf-8"
        print(report(options, issued, pieces, files).encode(encoding, "backslashreplace").decode(encoding))
    return DONE


def _say(text: str, code: int) -> int:
    print(f"mtls-lab certs: {text}", file=sys.stderr)
    return code


def _refuse_idle(options: argparse.Namespace) -> None:
    """An option that would do nothing was meant to do something. Raises ValueError that names it."""
    if not options.folder.is_dir():
        raise ValueError(
            f"there is no folder {str(options.folder)!r}: make it first (mkdir); a service's name goes after --name"
        )
    if options.hash is not None and options.key_type == "ed25519":
        raise ValueError(f"--hash {options.hash} does nothing with --key-type ed25519, which has its own: leave it out")
    endings = ("key_mode", "key_password", "key_password_file", "key_password_prompt")
    needs = {
        "--authority-key-file FILE": (options.authority_key_file, [f"authority_{ending}" for ending in endings]),
        "--client NAME": (options.client, [f"client_{ending}" for ending in ("file", "mode", "key_file", *endings)]),
        "--crl-file FILE": (options.crl_file, ["crl_mode"]),
    }
    for needed, (given, dependent) in needs.items():
        for name in dependent:
            if not given and getattr(options, name) not in (None, False):
                option = f"--{name.replace('_', '-')}"
                raise ValueError(f"{option} does nothing without {needed}: add that, or leave it out")


def _issue(options: argparse.Namespace) -> ServiceSet:
    names = (options.name, *(("127.0.0.1", "::1") if options.name == "localhost" else ()), *options.alt_name)
    subject = Subject(**{field: getattr(options, field) for field in SUBJECT})
    return issue_service(
        options.name,
        names=names,
        clients=options.client,
        subject=subject,
        lifetime=timedelta(days=options.days),
        key_type=options.key_type,
        signature_hash=options.hash and f"SHA-{options.hash[3:]}",
    )


def _warn_of_open_keys(files: Iterable[NewFile]) -> None:
    for file in files:
        if b" PRIVATE KEY-----" in file.content and file.mode & 0o077:
            who = "everybody" if file.mode & 0o007 else "its group"
            warn(f"{file.path} holds a private key that {who} on this machine may read (mode {file.mode:04o})")
