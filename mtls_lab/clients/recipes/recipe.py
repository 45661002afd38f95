"""A recipe: what a person saves and types to call a mutual TLS endpoint with one program, and nothing besides.

It is written once, with the lab's own names (`root.pem`, `alice.pem`, `alice-key.pem`, `localhost:8443`), and is a
complete program as it stands. `for_target` puts a learner's names in their places; what that gives is what is shown and
what is run.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from mtls_lab.certificates.files import PRIVATE, NewFile, write_files
from mtls_lab.clients.request import Request, Target, authority, request_for

PASSWORD = "lab-password"  # noqa: S105  # of a key that is thrown away, in a file that is its owner's only
PATH = "/whoami"
"""What every recipe asks for: the lab's own origin answers with the identity that the proxy verified."""
Form = Literal["PEM pair", "one PEM", "PKCS#12", "DER key"]
FORMS: tuple[Form, ...] = ("PEM pair", "one PEM", "PKCS#12", "DER key")
"""How a credential lies in files: chain and key in two PEM files; both in one; both in one encrypted PKCS#12 file; the
chain as PEM and the key as DER."""
_TEXTS = Path(__file__).with_name("texts")
_NAMES = re.compile(
    r"localhost:8443|127\.0\.0\.1:8443|(?<=port=)8443|(?<=host=)localhost|(?<=port_value: )8443|(?<=port = )8443"
    r"|root\.pem|alice(?=(?:-key|-both)?\.(?:pem|p12|der)\b)|(?<=user=)alice"
)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one client program calls a mutual TLS endpoint."""

    name: str
    """The name a person knows the program by."""
    typed: tuple[str, ...]
    """The lines to type, in a folder with the files."""
    missing: Callable[[], str | None]
    """None when it is installed, else which program is not there and how to install it."""
    version: Callable[[], str]
    """Its version."""
    saved: str | None = None
    """The file that is to be saved first: the program itself."""
    text_file: str | None = None
    """Where its text lies in this package."""
    form: Form = "PEM pair"
    """How it reads the credential here."""
    others: Mapping[Form, tuple[tuple[str, str], ...]] = field(default_factory=lambda: MappingProxyType({}))
    """How else it can: what to put in place of what."""
    speaks: Literal["HTTP", "PostgreSQL"] = "HTTP"
    """What it speaks inside TLS."""
    changes: tuple[tuple[str, str], ...] = ()
    """What `taking` has put in place of what."""

    @property
    def text(self) -> str:
        """The program to save, with the lab's names; "" for a program that needs none."""
        if self.text_file is None:
            return ""
        return _changed((_TEXTS / self.text_file).read_text(encoding="utf-8"), self.changes)

    @property
    def forms(self) -> tuple[Form, ...]:
        """Every form in which it takes a credential."""
        return tuple(form for form in FORMS if form == self.form or form in self.others)

    def taking(self, form: Form) -> "Recipe":
        """The same recipe for a credential in that form. Raises ValueError where the program takes no such."""
        if form not in self.forms:
            raise ValueError(f"form={form!r}: {self.name} takes {' or '.join(map(repr, self.forms))}")
        changes = self.others.get(form, ())
        return replace(self, form=form, changes=changes, typed=tuple(_changed(line, changes) for line in self.typed))

    def for_target(self, target: Target) -> "Paste":
        """What to save and to type for that target, with the scenario's names."""
        request = request_for(target, PATH, client=None, data=None, environment=None, timeout_s=1)
        return Paste(
            recipe=self,
            saved={} if self.saved is None else {self.saved: rename(self.text, request)},
            typed=tuple(rename(line, request) for line in self.typed),
            files=credential_files(request),
            port=request.port,
        )


@dataclass(frozen=True, kw_only=True)
class Paste:
    """A recipe with a learner's names in it: what is shown, and what is run."""

    recipe: Recipe
    """The recipe."""
    saved: Mapping[str, str]
    """The program to save, by file name."""
    typed: tuple[str, ...]
    """The lines to type."""
    files: Mapping[str, bytes] = field(repr=False)
    """The files that it reads: anchors and credential, in every form."""
    port: int
    """The endpoint's port."""

    def __str__(self) -> str:
        """The same without the port, which is another one on each run."""
        programs = (f"# {name}\n{text.rstrip()}\n\n" for name, text in self.saved.items())
        return ("".join(programs) + "\n".join(f"$ {line}" for line in self.typed)).replace(str(self.port), "PORT")

    def __repr__(self) -> str:
        return str(self)

    def write(self, folder: str | Path, *, overwrite: bool = False) -> tuple[str, ...]:
        """Write all its files into a folder, the keys for their owner's eyes only, and return the lines to type there.

        Raises ValueError naming the first file that exists already, unless `overwrite`.
        """
        content = {**self.files, **{name: text.encode() for name, text in self.saved.items()}}
        new = [NewFile(path=Path(folder, name), content=one, mode=PRIVATE) for name, one in content.items()]
        write_files(new, overwrite=overwrite)
        return self.typed


def rename(text: str, request: Request) -> str:
    """The text with that request's names in the places of the lab's."""

    def name(found: re.Match[str]) -> str:
        stands = {
            "localhost:8443": authority(request.name, request.port),
            "127.0.0.1:8443": authority(request.host, request.port),
            "8443": str(request.port),
            "localhost": request.name,
            "root.pem": request.anchors_file or "root.pem",
            "alice": request.owner,
        }
        return stands[found[0]]

    return _NAMES.sub(name, text)


def credential_files(request: Request) -> dict[str, bytes]:
    """The request's files, and its credential in every other form too. Raises ValueError where a recipe would lie."""
    credential, owner = request.client.presents, request.owner
    if credential is None or not request.client.trusts or request.client.verifies != "chain and name":
        raise ValueError(
            f"client={request.client!r}: a recipe shows a client that presents a credential, trusts an authority and "
            "verifies 'chain and name'"
        )
    if not request.leads_there:
        raise ValueError(f"server_name={request.name!r} leads elsewhere: a recipe dials 'localhost' or '127.0.0.1'")
    return request.files() | {
        f"{owner}-both.pem": credential.chain_pem + credential.key_pem,
        f"{owner}.p12": credential.pkcs12(PASSWORD),
        f"{owner}-key.der": _der(credential.key_pem),
    }


def _changed(text: str, changes: tuple[tuple[str, str], ...]) -> str:
    for before, after in changes:
        text = text.replace(before, after)
    return text


def _der(pem: bytes) -> bytes:
    """What stands between the two lines of a PEM file (RFC 7468)."""
    return b64decode(b"".join(pem.strip().splitlines()[1:-1]))
