"""The recipes, one for each client program.

`curl`, `wget` and `psql` are one line each. Python's four differ in where the credential goes in. Java reads no key in
PEM and a browser no file of yours at all: both take PKCS#12.
"""

import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from types import MappingProxyType

from mtls_lab.clients import go_build
from mtls_lab.clients.recipes import browser
from mtls_lab.clients.recipes.recipe import PASSWORD, Form, Recipe
from mtls_lab.clients.rosetta import servers

_URL = "https://localhost:8443/whoami"
_PAIR = "--cert alice.pem --key alice-key.pem"
_QUERY = "select client_dn from pg_stat_ssl where pid = pg_backend_pid()"


def _missing(program: str, how: str) -> str | None:
    return None if shutil.which(program) else f"{program} is not installed: {how}"


def _module_missing(name: str) -> str | None:
    return None if find_spec(name) else f"{name} is not installed: `pip install 'mtls-lab[clients]'`"


def _package(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return name


def _word(place: int, *command: str, name: str) -> str:
    """`curl 7.88.1`, from the word at that place of what the command prints first."""
    words = servers.first_line(*command).split()
    return f"{name} {words[place]}" if len(words) > place else name


def _forms(**changes: tuple[tuple[str, str], ...]) -> MappingProxyType[Form, tuple[tuple[str, str], ...]]:
    names: dict[str, Form] = {"one": "one PEM", "p12": "PKCS#12", "der": "DER key"}
    return MappingProxyType({names[name]: what for name, what in changes.items()})


def _python(name: str, *, one: tuple[str, str] | None = None) -> Recipe:
    changed = one or ('load_cert_chain("alice.pem", "alice-key.pem")', 'load_cert_chain("alice-both.pem")')
    return Recipe(
        name=name,
        saved="get.py",
        text_file=f"get-{name}.txt",
        typed=(f"python get.py {_URL}",),
        others=_forms(one=(changed,)),
        missing=lambda: None if name == "urllib" else _module_missing(name),
        version=lambda: f"Python {sys.version.split()[0]}" if name == "urllib" else _package(name),
    )


_ALL = (
    Recipe(
        name="curl",
        typed=(f"curl --cacert root.pem {_PAIR} {_URL}",),
        others=_forms(
            one=((_PAIR, "--cert alice-both.pem"),),
            p12=((_PAIR, f"--cert-type P12 --cert alice.p12:{PASSWORD}"),),
            der=(("--key alice-key.pem", "--key-type DER --key alice-key.der"),),
        ),
        missing=lambda: _missing("curl", "`apt install curl` or `brew install curl`"),
        version=lambda: _word(1, "curl", "--version", name="curl"),
    ),
    Recipe(
        name="wget",
        typed=(
            f"wget -qO- --tries=1 --ca-certificate=root.pem --certificate=alice.pem --private-key=alice-key.pem {_URL}",
        ),
        others=_forms(
            one=(("alice.pem", "alice-both.pem"), ("alice-key.pem", "alice-both.pem")),
        ),
        missing=lambda: _missing("wget", "`apt install wget` or `brew install wget`"),
        version=lambda: _word(2, "wget", "--version", name="wget"),
    ),
    _python("urllib"),
    _python("requests", one=('cert=("alice.pem", "alice-key.pem")', 'cert="alice-both.pem"')),
    _python("httpx"),
    _python("aiohttp"),
    Recipe(
        name="Go",
        saved="get.go",
        text_file="get-go.txt",
        typed=("go build get.go", f"./get {_URL}"),
        others=_forms(one=(('("alice.pem", "alice-key.pem")', '("alice-both.pem", "alice-both.pem")'),)),
        missing=go_build.missing,
        version=lambda: _word(2, "go", "version", name="go").removeprefix("go "),
    ),
    Recipe(
        name="Node",
        saved="get.mjs",
        text_file="get-node.txt",
        typed=(f"node get.mjs {_URL}",),
        others=_forms(
            one=(('"alice.pem"', '"alice-both.pem"'), ('"alice-key.pem"', '"alice-both.pem"')),
            p12=(
                ('  cert: readFileSync("alice.pem"),\n', '  pfx: readFileSync("alice.p12"),\n'),
                ('  key: readFileSync("alice-key.pem"),\n', f'  passphrase: "{PASSWORD}",\n'),
            ),
        ),
        missing=lambda: _missing("node", "`apt install nodejs` or `brew install node`"),
        version=lambda: _word(0, "node", "--version", name="node"),
    ),
    Recipe(
        name="Java",
        saved="Get.java",
        text_file="Get-java.txt",
        typed=(f"java Get.java {_URL}",),
        form="PKCS#12",
        missing=lambda: _missing("javac", "`apt install default-jdk-headless` or `brew install openjdk`"),
        version=lambda: _word(1, "javac", "--version", name="java"),
    ),
    Recipe(
        name="psql",
        typed=(
            (
                'psql "host=localhost port=8443 dbname=postgres user=alice sslmode=verify-full sslrootcert=root.pem '
                f'sslcert=alice.pem sslkey=alice-key.pem" -Atc "{_QUERY}"'
            ),
        ),
        others=_forms(
            one=(("sslcert=alice.pem sslkey=alice-key.pem", "sslcert=alice-both.pem sslkey=alice-both.pem"),),
            der=(("sslkey=alice-key.pem", "sslkey=alice-key.der"),),
        ),
        missing=lambda: _missing("psql", "`apt install postgresql-client` or `brew install libpq`"),
        version=lambda: _word(2, "psql", "--version", name="psql"),
        speaks="PostgreSQL",
    ),
    Recipe(
        name="Chromium",
        typed=(*browser.IMPORT, f"chromium {_URL}"),
        form="PKCS#12",
        missing=browser.missing,
        version=browser.version,
    ),
)
RECIPES: dict[str, Recipe] = {one.name: one for one in _ALL}
"""Every recipe, by the program's name."""
