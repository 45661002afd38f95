"""Exercises of notebook 11. Judges are the recorded runs of every program, and real calls to real servers."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mtls_lab.certificates import Credential
from mtls_lab.clients import get
from mtls_lab.clients.recipes import POLICIES, RECIPES, Form, receive, recording
from mtls_lab.clients.rosetta.servers import DidNotStart
from mtls_lab.exercises.exercise import exercise, find
from mtls_lab.exercises.outcome import Outcome, right, untouched, wrong
from mtls_lab.handshake import Scenario, explain
from mtls_lab.handshake.exhibits import Cast
from mtls_lab.proxy import Proxy

TO_FILL = ("requests", "HAProxy", "Java", "psql")
"""The programs of `11-files`."""
_HAPROXY: tuple[Form, ...] = ("one PEM",)
_PASSWORD = "open sesame"  # noqa: S105  # of a key that lives for one check
_DIRECTIVE = re.compile(r"(\w+)\s+([^;]+?)\s*;")
_COMMENT = re.compile(r"#.*")
_ASKS = ("    ssl_client_certificate root.pem;\n    ssl_verify_client      on;\n", "")


@exercise(
    "11-odd-one",
    hints=(
        "Ten of them read files that you name. Which one keeps credentials in a store of its own?",
        "The server has the root, and not the intermediate. Who sends the leaf without it?",
        '"Chromium"',
    ),
)
def odd_one(program: str) -> Outcome:
    """One of the eleven is refused at this endpoint: put its name in place of the dots."""
    if program not in RECIPES:
        return wrong(f"{program!r} is none of the eleven: {', '.join(RECIPES)}.")
    rows = [row for row in recording.recorded() if row.server.name in (recording.PLAIN, recording.DATABASE)]
    if program in {row.client.name for row in rows if not row.accepted}:
        return right(f"{program} is refused. What it sent is below.")
    if program == "Java":
        return wrong("Java reads no key in PEM, true. Its recipe hands it PKCS#12, and it gets in.")
    if program == "psql":
        return wrong("psql asks for TLS inside another protocol, true. Then it shows alice's chain, and gets in.")
    return wrong(f"{program} reads alice's chain and key from files, sends both certificates, and gets in.")


@exercise(
    "11-after-tls",
    hints=(
        "Who speaks first after the handshake, and in which protocol could a server say no?",
        "Look for a status code in what a refused client saw, and for a message that is PostgreSQL's own.",
        '{"nginx", "PostgreSQL"}',
    ),
)
def after_tls(servers: Collection[str]) -> Outcome:
    """Name the servers that finish the handshake with a client without a certificate, and refuse it after that."""
    if isinstance(servers, str):
        return wrong(f"Give a set of names, such as {{{servers!r}, ...}}: it may be more than one.")
    if unknown := [name for name in servers if name not in POLICIES]:
        return wrong(f"{unknown[0]!r} is none of the servers: {', '.join(POLICIES)}.")
    true = {
        row.server.name
        for row in recording.recorded()
        if row.fault == recording.FAULTS["nobody"] and row.server_words == "refused after TLS"
    }
    if early := sorted(set(servers) - true):
        return wrong(f"{early[0]} refuses in TLS: it sends an alert, and no byte of another protocol is read.")
    if late := sorted(true - set(servers)):
        return wrong(f"{late[0]} does so too: {_how(late[0])}")
    return right("nginx answers in HTTP, PostgreSQL in its own protocol: their clients get a sentence, not an alert.")


def _how(server: str) -> str:
    if server == "nginx":
        return "it lets the handshake finish, and answers with a page."
    return "whether a certificate is needed depends on database and user, and it learns those only after TLS."


@exercise(
    "11-files",
    hints=(
        "recipe.forms lists what a client reads. Start with the one that leaves you no choice.",
        "Java reads PKCS#12 only. HAProxy's `crt` names one file. Of the last two, who takes a DER key?",
        '{"requests": "PEM pair", "HAProxy": "one PEM", "Java": "PKCS#12", "psql": "DER key"}',
    ),
)
def files(chosen: Mapping[str, object]) -> Outcome:
    """You have the credential in four forms. Give each program one that it reads, and use each form once."""
    if any(form is ... for form in chosen.values()):
        return untouched(find("11-files").task)
    for name in TO_FILL:
        if name not in chosen:
            return wrong(f"{name} is still without.")
        form, reads = chosen[name], _HAPROXY if name == "HAProxy" else RECIPES[name].forms
        if form not in reads:
            return wrong(f"{name} does not read {form!r}. {_NOT_THIS[name]}")
    given = [chosen[name] for name in TO_FILL]
    if len(set(given)) < len(given):
        twice = next(form for form in given if given.count(form) > 1)
        return wrong(f"Each of them reads what you gave it, but {twice!r} went to two. Who could take another form?")
    return right("Each reads its own. It is the same key and the same chain in all four.")


_NOT_THIS = {
    "requests": "It takes PEM: one file, or a pair.",
    "HAProxy": "`crt` names one file here: the chain, and the key below it.",
    "Java": "Its key managers load a store, and of these four only PKCS#12 is one.",
    "psql": "libpq reads the chain as PEM, and the key as PEM or DER.",
}


@exercise(
    "11-p12",
    hints=(
        "requests reads PEM only. `cryptography` opens the file: pkcs12.load_pkcs12(p12, password.encode()).",
        "What you get has .key, .cert and .additional_certs. The chain file wants the leaf first, then the others.",
        (
            "key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()); "
            "one.certificate.public_bytes(Encoding.PEM) for one in [found.cert, *found.additional_certs]"
        ),
    ),
)
def unpack(unpack_p12: Callable[[bytes, str, Path], tuple[Path, Path]]) -> Outcome:
    """Write a function that makes of a PKCS#12 file the two PEM files with which requests gets in."""
    cast = Cast.gather()
    bob = cast.issuing.issue("bob", purpose="clientAuth")
    with TemporaryDirectory(prefix="mtls-lab-") as name:
        made: object = unpack_p12(bob.pkcs12(_PASSWORD), _PASSWORD, Path(name))
        if not (isinstance(made, tuple) and len(made) == 2):
            return wrong(f"It returned {type(made).__name__}, not two paths: chain and key.")
        chain, key = map(Path, made)
        for path in (chain, key):
            if not path.exists():
                return wrong(f"There is no file {path.name}: the function returns paths of files that it has written.")
        return _judge_files(cast.scenario(), chain, key)


def _judge_files(scenario: Scenario, chain: Path, key: Path) -> Outcome:
    if b"ENCRYPTED" in key.read_bytes():
        return wrong("The key is still encrypted, and requests has no argument for a password: use NoEncryption().")
    if b"-----BEGIN" not in chain.read_bytes() or b"PRIVATE KEY-----" not in key.read_bytes():
        return wrong("requests reads PEM, in lines between BEGIN and END. These bytes are something else.")
    presents = Credential.read(chain, key)
    client = replace(scenario.client, presents=presents)
    with Proxy(scenario) as proxy:
        call = get(proxy, client=client)
    if call.accepted:
        return right("requests got in as bob, with two files that came out of one.")
    if len(presents.chain) == 1:
        return wrong("The server knows the root alone, and your chain file holds the leaf alone: who links them?")
    cause = f" ({explain(call.handshake).cause})" if call.handshake is not None else ""
    return wrong(f"requests is still refused{cause}: {call.reason}.")


@exercise(
    "11-nginx",
    hints=(
        "Two questions: does nginx ask for a certificate and insist on it, and whose does it believe?",
        "ssl_verify_client has the values off, on, optional and optional_no_ca.",
        "ssl_client_certificate root.pem; ssl_verify_client on;",
    ),
)
def nginx(lines: str) -> Outcome:
    """Write the lines with which this nginx lets alice in, and neither nobody nor mallory. root.pem lies beside it."""
    if not isinstance(lines, str) or not lines.strip():
        return wrong('Write nginx\'s own lines, as text: """first line; second line;""".')
    policy = replace(POLICIES["nginx"], changes=(_ASKS, ("    location", f"{lines.strip()}\n    location")))
    if policy.missing() is not None:
        return _judge_nginx(_read(lines), " (nginx is not installed here: your lines were read, not run.)")
    try:
        met = receive(policy, Cast.gather().scenario())
    except DidNotStart as words:
        return wrong(f"nginx does not start with these lines. {_emergency(str(words))}")
    return _judge_nginx({one.caller: one.got_in for one in met}, "")


def _read(lines: str) -> dict[str, bool]:
    """What these directives would do, for a machine without nginx."""
    given = dict(_DIRECTIVE.findall(_COMMENT.sub("", lines)))
    level, believed = given.get("ssl_verify_client", "off"), given.get("ssl_client_certificate")
    return {
        "alice": level in ("off", "optional_no_ca") or believed == "root.pem",
        "nobody": level != "on",
        "mallory": level in ("off", "optional_no_ca"),
    }


def _judge_nginx(got_in: Mapping[str, bool], aside: str) -> Outcome:
    if got_in["mallory"] and got_in["nobody"]:
        return wrong(f"Everybody gets in, mallory too: what she shows is verified by nobody.{aside}")
    if got_in["nobody"]:
        return wrong(f"mallory stays out, but nobody gets in: you ask for a certificate, and do not insist.{aside}")
    if not got_in["alice"]:
        return wrong(f"alice stays out as well: whose certificates does ssl_client_certificate name?{aside}")
    return right(f"alice gets in. nobody and mallory read HTTP 400.{aside}")


def _emergency(words: str) -> str:
    found = re.search(r"\[emerg\] (?:\d+#\d+: )?(.*?)(?: in /.*)?$", words, re.MULTILINE)
    said = f"It says: {found[1]}." if found else ""
    if "ssl_client_certificate" in words:
        return f"It is to insist, and does not know whom to believe: that is another line. {said}"
    return f"Does each line end with a semicolon? {said}"
