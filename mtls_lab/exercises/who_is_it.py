"""Exercises of notebook 12, judged by calling."""

import socket
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mtls_lab.certificates import Authority, Credential
from mtls_lab.certificates.authority import LEAF_LIFETIME
from mtls_lab.certificates.drafts import leaf_draft
from mtls_lab.certificates.keys import key_from_pem
from mtls_lab.exercises.exercise import exercise, find
from mtls_lab.exercises.outcome import Outcome, right, untouched, wrong
from mtls_lab.handshake import KeyLog, Scenario, build_context
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.access import Access
from mtls_lab.proxy.identity import Identity
from mtls_lab.proxy.naive import Application, NaiveProxy

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

Field = tuple[str, str]

_TIMEOUT_S = 5.0
_ANSWERS = ("in", "403", "refused by TLS")
_IN_A_LIST = 'Rules stand in a list, also where there is only one: ["uri:spiffe://lab.example/alice"].'
_ADMIN = "CN=admin"
_CLAIMS = ("HTTP_X_CLIENT_DN", "HTTP_X_CLIENT_VERIFY", "HTTP_CLIENT_CERT", "HTTP_CLIENT_CERT_CHAIN")
"""What the application behind the naive proxy might believe."""
_ATTACKS: tuple[Field, ...] = (
    ("X-Client-DN", _ADMIN),
    ("x-client-dn", _ADMIN),
    ("X_Client_DN", _ADMIN),
    ("x_client-DN", _ADMIN),
    ("X-Client-Verify", "SUCCESS"),
    ("x_client_verify", "SUCCESS"),
    ("Client-Cert", ":c3Bvb2Y=:"),
    ("CLIENT_CERT_CHAIN", ":c3Bvb2Y=:"),
)
_HARMLESS: tuple[Field, ...] = (("Accept-Language", "en"), ("Cookie", "basket=7"), ("X-Request-Id", "42"))


@exercise(
    "12-guests",
    hints=(
        "Two doors, one behind the other. The first asks: from an authority that I trust, for clientAuth, in its time?",
        "The second asks: does a rule name it? A rule is held against whole names of its own kind.",
        "robot fits the second rule. mallory's authority is a stranger. shop is for serverAuth. A CN is no URI.",
    ),
)
def guests(
    told: Mapping[str, object], rules: Iterable[str], scenario: Scenario, cast: Mapping[str, Credential]
) -> Outcome:
    """Say of every guest what becomes of it: "in", "403" or "refused by TLS"."""
    if any(answer is ... for answer in told.values()):
        return untouched(find("12-guests").task)
    if odd := [answer for answer in told.values() if answer not in _ANSWERS]:
        return wrong(f"{odd[0]!r} is none of the three answers: {', '.join(map(repr, _ANSWERS))}.")
    if left := [guest for guest in cast if guest not in told]:
        return wrong(f"Nothing is said of {left[0]}.")
    with Proxy(scenario, allow=rules) as proxy:
        true = {guest: _became(proxy, credential) for guest, credential in cast.items()}
    for guest, answer in true.items():
        if told[guest] != answer:
            return wrong(f"{guest} is not {told[guest]!r}. {_SECOND_LOOK[answer]}")
    return right("TLS turned away whose certificate is no good, and the rules whom nobody named.")


_SECOND_LOOK = {
    "in": "Its certificate is good, and one of its names is just what a rule says.",
    "403": "Its certificate is good, so its handshake is accepted. What did the rules say about a name of that kind?",
    "refused by TLS": "It never comes to the rules: look at who issued its certificate, and for what.",
}


@exercise(
    "12-rules",
    hints=(
        "Which name says what a guest is, and is promised by the authority to be nobody else's?",
        "People have a URI each, machines of the fleet a DNS name: one rule for alice, one with *. for the fleet.",
        '["uri:spiffe://lab.example/alice", "dns:*.fleet.lab.example"]',
    ),
)
def rules(
    told: Collection[str], scenario: Scenario, welcome: Mapping[str, Credential], others: Mapping[str, Credential]
) -> Outcome:
    """Write the access rules that let in whoever is welcome, and nobody else."""
    if isinstance(told, str):
        return wrong(_IN_A_LIST)
    with Proxy(scenario, allow=told) as proxy:
        let_in = {guest: _became(proxy, one) == "in" for guest, one in {**welcome, **others}.items()}
        too_many = [guest for guest in others if let_in[guest]]
    if len(too_many) == len(others):
        return wrong("Everybody gets in whom that authority ever gave a certificate: no rule keeps anybody out.")
    if too_many:
        by = Access.of(told).decide(Identity.of(others[too_many[0]].leaf)).rule
        return wrong(f"{too_many[0]} gets in, too, by the rule {by}. What exactly does it say?")
    if out := [guest for guest in welcome if not let_in[guest]]:
        return wrong(f"{out[0]} stays out: which of its names would a rule of that kind be held against?")
    return right(f"{', '.join(welcome)} in; {len(others)} others, with good certificates all of them, get 403.")


@exercise(
    "12-strip",
    hints=(
        "Leave out what the application could take for the proxy's word, not only what the proxy calls it.",
        "For the application X-Client-DN, x-client-dn and X_Client_DN are one name. Bring all to one spelling first.",
        'name.lower().replace("_", "-") in {"x-client-dn", "x-client-verify", "client-cert", "client-cert-chain"}',
    ),
)
def strip(drops: Callable[[str], object], scenario: Scenario) -> Outcome:
    """Say which fields of a client the proxy leaves out: True for a name that could pass for the proxy's own word."""
    heard: dict[str, str] = {}
    answers: list[object] = []

    def listen(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        heard.clear()
        heard.update({name: value for name, value in environ.items() if name.startswith("HTTP_")})
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"ok\n"]

    def asked(name: str) -> object:
        answers.append(drops(name))
        return answers[-1]

    with Application(listen) as behind, NaiveProxy(scenario, to=behind.url, drops=asked) as proxy:
        _ask(proxy, scenario)
        honest = {name: heard[name] for name in _CLAIMS if name in heard}
        believed = [field for field in _ATTACKS if _is_believed(proxy, scenario, field, heard, honest)]
        _ask(proxy, scenario, fields=_HARMLESS)
        lost = [name for name, value in _HARMLESS if heard.get(f"HTTP_{name.upper().replace('-', '_')}") != value]
        troubles = proxy.troubles
    if ... in answers:
        return untouched(find("12-strip").task)
    if troubles:
        return wrong(f"It raised {type(troubles[0]).__name__}: {troubles[0]}")
    if believed:
        return wrong(f"{len(believed)} of {len(_ATTACKS)} attacks get through. {_why(believed)}")
    if lost:
        return wrong(f"{lost[0]} is lost on its way: it says nothing about who calls. Leave out claims only.")
    return right(f"{len(_ATTACKS)} of {len(_ATTACKS)} attacks end at the proxy, and harmless fields pass.")


def _is_believed(
    proxy: NaiveProxy, scenario: Scenario, field: Field, heard: Mapping[str, str], honest: Mapping[str, str]
) -> bool:
    """With that field the application heard something else than without."""
    _ask(proxy, scenario, fields=[field])
    return {name: heard[name] for name in _CLAIMS if name in heard} != honest


def _why(believed: Iterable[Field]) -> str:
    names = [name for name, _ in believed]
    if "X-Client-DN" in names:
        return "X-Client-DN itself still passes: the application reads it before the proxy's own."
    if "x-client-dn" in names:
        return "x-client-dn passes: names of fields have no case (RFC 9110 section 5.1)."
    if any("_" in name and "DN" in name.upper() for name in names):
        return f"{next(one for one in names if '_' in one)} passes: where fields become variables, - and _ are one."
    return f"{names[0]} passes: this proxy never sends it, and an application may believe it all the same."


@exercise(
    "12-pin",
    hints=(
        "Both authorities may say any name. What is there that partner's alice cannot have?",
        "Her key. Identity.of(alice.leaf).key_sha256 is its hash, and stays with it in the next certificate.",
        'my_rules = [f"key:sha256:{Identity.of(alice.leaf).key_sha256}"]',
    ),
)
def pin(
    told: Collection[str], scenario: Scenario, issuing: Authority, alice: Credential, other_alice: Credential
) -> Outcome:
    """Write a rule that lets alice in, today's certificate and her next one for the same key, but not her namesake."""
    if isinstance(told, str):
        return wrong(_IN_A_LIST)
    with Proxy(scenario, allow=told) as proxy:
        now, later, namesake = (_became(proxy, one) == "in" for one in (alice, _renewed(alice, issuing), other_alice))
    if not now:
        return wrong("Alice stays out. Is it the hash of her public key, and not that of her certificate?")
    if namesake:
        return wrong("The other authority's alice gets in: she has every name that alice has. What does she not have?")
    if not later:
        return wrong("Today's alice gets in, and with her next certificate she does not, though her key is the same.")
    return right("Alice is in with both certificates of her key; her namesake, with the same names, is not.")


def _renewed(credential: Credential, issuing: Authority) -> Credential:
    """A new certificate for the same names and the same key."""
    leaf = credential.leaf
    draft = replace(
        leaf_draft(leaf.common_name or "", purpose="clientAuth", names=leaf.names, lifetime=LEAF_LIFETIME),
        subject=leaf.parsed.subject,
    )
    return replace(credential, chain=(issuing.sign(draft, key_from_pem(credential.key_pem)), *credential.chain[1:]))


def _became(proxy: Proxy, guest: Credential) -> str:
    """What a call with this credential comes to: one of `_ANSWERS`."""
    scenario = replace(proxy.scenario, client=replace(proxy.scenario.client, presents=guest))
    answer = _ask(proxy, scenario)
    return "refused by TLS" if not answer else "403" if " 403 " in answer.partition("\r\n")[0] else "in"


def _ask(proxy: Proxy | NaiveProxy, scenario: Scenario, *, fields: Iterable[Field] = ()) -> str:
    """The head and body of the answer to the scenario's client; "" where TLS came to nothing."""
    own = "".join(f"{name}: {value}\r\n" for name, value in fields)
    head = f"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{own}\r\n"
    answer = b""
    try:
        with KeyLog() as keylog, socket.create_connection((proxy.host, proxy.port), timeout=_TIMEOUT_S) as plain:
            context = build_context(scenario.client, role="client", versions=scenario.versions, keylog=keylog)
            with context.wrap_socket(plain, server_hostname=scenario.server_name) as tls:
                tls.sendall(head.encode("ascii"))
                while piece := tls.recv(65_536):
                    answer += piece
    except OSError:
        return ""
    return answer.decode("latin-1")
