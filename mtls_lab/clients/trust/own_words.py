"""Where strace cannot be had: what Python, curl and openssl tell of themselves.

It is less than strace tells. curl and openssl name the places that they would use, not those that they did, and a
directory is named without what was looked for in it. Python is asked from inside: an audit hook hears every `open`, but
OpenSSL opens its files behind Python's back, so the two calls that hand it file names are listened to as well.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from mtls_lab.clients.trust.looks import Look, Touched, count_of, looks
from mtls_lab.clients.trust.running import Ran, run

_NAMES_PLACES = re.compile(r"^\*?\s*(CAfile|CApath): *(.+?)\s*$", re.MULTILINE)
_OPENSSL_DIRECTORY = re.compile(r'OPENSSLDIR: "(.*)"')
_CURL_WITHOUT = ("none", "None", "")
_HEARD = "heard.json"
# Runs what stood on the line after `python`, in the same process. `ssl` itself is at home on another floor.
_LISTEN = """
import atexit, json, runpy, sys
heard, log = [], sys.argv[1]
sys.addaudithook(lambda event, args: heard.append(str(args[0])) if event == "open" and args[0] else None)
import ssl
class Listening(ssl.SSLContext):
    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        heard.extend(str(one) for one in (cafile, capath) if one)
        return super().load_verify_locations(cafile, capath, cadata)
    def load_default_certs(self, purpose=ssl.Purpose.SERVER_AUTH):
        places = ssl.get_default_verify_paths()
        heard.extend(one for one in (places.cafile or places.openssl_cafile, places.capath) if one)
        return super().load_default_certs(purpose)
    def set_default_verify_paths(self):
        places = ssl.get_default_verify_paths()
        heard.extend(one for one in (places.cafile or places.openssl_cafile, places.capath) if one)
        return super().set_default_verify_paths()
for name in ("minimum_version", "maximum_version", "options", "verify_flags", "verify_mode"):
    # These setters name their class, and would call themselves in one that took its name.
    setattr(Listening, name, getattr(ssl.SSLContext.__base__, name))
ssl.SSLContext = Listening
atexit.register(lambda: open(log, "w").write(json.dumps(heard)))
how, rest = sys.argv[2], sys.argv[3:]
sys.argv = rest if how == "-m" else ["-c", *rest[1:]] if how == "-c" else sys.argv[2:]
if how == "-m":
    runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
elif how == "-c":
    exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
else:
    runpy.run_path(how, run_name="__main__")
"""


def ways() -> dict[str, str]:
    """How each program is asked."""
    return {"python": "Python's audit hook and its ssl module", "curl": "curl -v", "openssl": "openssl version -d"}


def name_of(words: list[str]) -> str:
    """Which of those it is, or the program's own name."""
    return "python" if words[0] == sys.executable else Path(words[0]).stem


def told(
    words: list[str], variables: Mapping[str, str], folder: Path, scratch: Path, *, timeout_s: float
) -> tuple[Ran, tuple[Look, ...]]:
    """Run it in the folder, and what it tells of the places where it looks; () for a program that tells nothing.

    `scratch` is a folder for a log.
    """
    name = name_of(words)
    if name == "python" and len(words) > 1:
        log = scratch / _HEARD
        ran = run([words[0], "-c", _LISTEN, str(log), *words[1:]], variables, folder, timeout_s=timeout_s)
        return ran, _heard(log, folder)
    if name == "curl":
        ran = run([*words, "-v"], variables, folder, timeout_s=timeout_s)
        return ran, tuple(_curl(ran.output, folder))
    ran = run(words, variables, folder, timeout_s=timeout_s)
    return ran, tuple(_openssl(words, variables, folder, timeout_s)) if name == "openssl" else ()


def _heard(log: Path, folder: Path) -> tuple[Look, ...]:
    paths = json.loads(log.read_text("utf-8")) if log.exists() else []
    absolute = [os.path.normpath(folder / path) for path in paths if not path.isdecimal()]
    files = looks(
        [Touched(path=one, opened=Path(one).exists(), failed=not Path(one).exists()) for one in absolute], frozenset()
    )
    folders = dict.fromkeys(path for path in absolute if Path(path).is_dir())
    return (*files, *(_place(Path(path)) for path in folders))


def _curl(said: str, folder: Path) -> Iterator[Look]:
    for kind, value in dict.fromkeys(_NAMES_PLACES.findall(said)):
        if value not in _CURL_WITHOUT:
            yield _place(folder / value, directory=kind == "CApath")


def _openssl(words: list[str], variables: Mapping[str, str], folder: Path, timeout_s: float) -> Iterator[Look]:
    given = {option: value for option, value in pairwise(words) if option in ("-CAfile", "-CApath")}
    home = _OPENSSL_DIRECTORY.search(run([words[0], "version", "-d"], {}, folder, timeout_s=timeout_s).output)
    usual = Path(home[1]) if home else folder
    file = given.get("-CAfile") or variables.get("SSL_CERT_FILE") or (None if given else str(usual / "cert.pem"))
    directory = given.get("-CApath") or variables.get("SSL_CERT_DIR") or (None if given else str(usual / "certs"))
    if file:
        yield _place(folder / file)
    if directory:
        yield _place(folder / directory, directory=True)


def _place(path: Path, *, directory: bool | None = None) -> Look:
    """A place that was named; whether anything was looked for in a directory, nobody said."""
    path = Path(os.path.normpath(path))
    if directory or (directory is None and path.is_dir()):
        return Look(path=str(path), kind="directory", found=path.is_dir())
    return Look(path=str(path), kind="file", found=path.is_file(), count=count_of(path))
