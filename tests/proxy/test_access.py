"""Access rules: whom each lets in, the near misses that it does not, and what a bad rule is told."""

import pytest

from mtls_lab.proxy.access import KINDS, NOBODY, Access, Rule
from mtls_lab.proxy.identity import Identity
from proxy.naming import identity

ALICE = identity(
    ("O", "Lab"),
    ("CN", "alice"),
    uri=["spiffe://lab/ns/shop/sa/web", "https://Lab.example/alice?x=1"],
    dns=["alice.clients.example", "alice.example"],
    email=["Alice@Lab.example"],
)
KEY = ALICE.key_sha256


def lets_in(rule: str, who: Identity = ALICE) -> bool:
    return Access.of([rule]).decide(who).allowed


@pytest.mark.parametrize(
    "rule",
    [
        "uri:spiffe://lab/ns/shop/sa/web",
        "uri:SPIFFE://LAB/ns/shop/sa/web",
        "uri:https://lab.EXAMPLE/alice?x=1",
        "uri:spiffe://lab/ns/*/sa/web",
        "uri:spiffe://lab/ns/*/sa/*",
        "uri:spiffe://lab/ns/**",
        "uri:spiffe://lab/**",
        "dns:alice.clients.example",
        "dns:ALICE.example",
        "dns:*.clients.example",
        "email:Alice@lab.EXAMPLE",
        "email:*@lab.example",
        "subject:CN=alice,O=Lab",
        "subject:cn = alice , o = Lab",
        "subject:2.5.4.3=alice,2.5.4.10=Lab",
        "subject:CN=\\61lice,O=Lab",
        "subject:CN=*,O=Lab",
        # Named, because the key is new each time: pytest-xdist wants the same tests in each of its processes.
        pytest.param(f"key:sha256:{KEY}", id="key"),
        pytest.param(f"key:sha256:{KEY.upper()}", id="key in capitals"),
        pytest.param("key:sha256:" + ":".join(KEY[at : at + 2] for at in range(0, 64, 2)), id="key with colons"),
    ],
)
def test_a_rule_lets_in_whom_it_names(rule: str) -> None:
    decision = Access.of([rule]).decide(ALICE)

    assert decision.allowed
    assert decision.rule == rule


@pytest.mark.parametrize(
    "rule",
    [
        "uri:spiffe://lab/ns/shop/sa/WEB",  # a path is compared letter by letter
        "uri:spiffe://lab/ns/shop/sa",  # no prefix
        "uri:spiffe://lab/ns/shop/sa/web/",
        "uri:spiffe://lab/*",  # one segment
        "uri:spiffe://lab/ns/shop/sa/web/**",  # one or more, not none
        "uri:spiffe://la/**",
        "uri:spiffe://lab.example/**",
        "uri:https://lab.example/alice",  # the query is part of it
        "uri:https://lab.example/*",
        "dns:clients.example",
        "dns:*.example.clients.example",
        "dns:lice.clients.example",
        "dns:*.alice.clients.example",
        "dns:alice",  # the common name is no DNS name
        "email:alice@lab.example",  # a mailbox is compared letter by letter
        "email:Alice@mail.lab.example",
        "subject:CN=alice",  # the whole subject or nothing
        "subject:O=Lab,CN=alice",  # RFC 4514 begins with the most specific attribute
        "subject:CN=alice+O=Lab",
        "subject:CN=Alice,O=Lab",
        "subject:CN=ali*,O=Lab",  # no part of a value
        "subject:CN=\\2A,O=Lab",  # a real asterisk
        "subject:CN=alice\\,O=Lab",
        f"key:sha256:{'0' * 64}",
    ],
)
def test_a_near_miss_stays_outside(rule: str) -> None:
    assert not lets_in(rule)


@pytest.mark.parametrize(
    ("who", "rule"),
    [
        (identity(("CN", "alice,O=Lab")), "subject:CN=alice,O=Lab"),
        (identity(("CN", "alice\\,O=Lab")), "subject:CN=alice,O=Lab"),
        (
            identity(
                ("O", "Lab"),
                ("CN", "alice "),
            ),
            "subject:CN=alice,O=Lab",
        ),
        (identity(("O", "x+CN=admin"), ("CN", "alice")), "subject:CN=alice,O=x+CN=admin"),
        (identity(("CN", "x\nCN=admin")), "subject:CN=admin"),
        (identity(("CN", "*")), "subject:CN=admin"),
    ],
)
def test_a_subject_made_to_look_like_another_stays_outside(who: Identity, rule: str) -> None:
    assert not lets_in(rule, who)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("spiffe://lab/team/../admin", "uri:spiffe://lab/team/**"),
        ("spiffe://lab/team/./x", "uri:spiffe://lab/team/**"),
        ("spiffe://lab/team//x", "uri:spiffe://lab/team/**"),
        ("spiffe://lab/team/", "uri:spiffe://lab/team/**"),
        ("spiffe://lab/team/%2e%2e/admin", "uri:spiffe://lab/team/**"),
        ("spiffe://lab/team/x?admin", "uri:spiffe://lab/team/**"),
        ("spiffe://lab/team/x#admin", "uri:spiffe://lab/team/**"),
        ("spiffe://lab@evil/team/x", "uri:spiffe://lab/team/**"),
        ("spiffe://lab:1/team/x", "uri:spiffe://lab/team/**"),
    ],
)
def test_a_pattern_fits_plain_paths_only(name: str, rule: str) -> None:
    who = identity(uri=[name])

    assert not lets_in(rule, who)
    assert lets_in(f"uri:{name}", who)  # spelled out, it is let in


@pytest.mark.parametrize("name", ["*.clients.example", ".clients.example", "a.b.clients.example", "-.clients.example"])
def test_a_wildcard_in_a_certificate_is_no_client(name: str) -> None:
    assert not lets_in("dns:*.clients.example", identity(dns=[name]))
    assert not lets_in("dns:alice.clients.example", identity(dns=[name]))


def test_nul_in_a_name_ends_nothing() -> None:
    assert not lets_in("dns:alice.example", identity(dns=["alice.example\0.evil.example"]))


def test_each_of_several_names_is_held_against_each_rule() -> None:
    access = Access.of(["dns:nobody.example", "uri:spiffe://lab/bob"])

    decision = access.decide(identity(uri=["spiffe://lab/alice", "spiffe://lab/bob"]))

    assert (decision.allowed, decision.rule) == (True, "uri:spiffe://lab/bob")


def test_without_rules_everybody_whom_the_handshake_let_in_may_go_on() -> None:
    assert Access().decide(ALICE).allowed
    assert Access().decide(None).allowed


def test_with_one_rule_everybody_else_is_refused_with_a_reason() -> None:
    decision = Access.of(["uri:spiffe://lab/bob"]).decide(identity(uri=["spiffe://lab/alice"]))

    assert (decision.allowed, decision.rule) == (False, None)
    assert decision.reason == "no access rule names spiffe://lab/alice"


@pytest.mark.parametrize("rule", ["uri:spiffe://lab/**", "email:*@lab.example", "subject:CN=*"])
def test_no_rule_lets_in_a_client_without_a_verified_certificate(rule: str) -> None:
    decision = Access.of([rule]).decide(None)

    assert (decision.allowed, decision.reason) == (False, NOBODY)


def test_a_certificate_that_names_nobody_fits_no_rule() -> None:
    empty = Identity(subject="", uris=(), dns_names=(), emails=(), addresses=(), key_sha256="", fingerprint="")
    rules = ["uri:spiffe://lab/**", "dns:*.example", "email:*@lab.example", "subject:CN=*", f"key:sha256:{KEY}"]

    assert {Rule.parse(rule).kind for rule in rules} == set(KINDS)
    assert not any(lets_in(rule, empty) for rule in rules)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("alice", "begins with none of uri:, dns:, email:, subject:, key:"),
        ("cn:alice", "begins with none of"),
        ("URI:spiffe://lab/alice", "begins with none of"),
        ("uri:", "stands nothing"),
        ("uri: spiffe://lab/alice", "spaces around"),
        ("uri:alice", "no absolute URI"),
        ("uri:spiffe://*/alice", "segments of the path only"),
        ("uri:spiffe://lab/a*", "whole segment"),
        ("uri:spiffe://lab/**/x", "whole segment"),
        ("uri:spiffe://lab/*?x", "no ?"),
        ("dns:*", "no host name"),
        ("dns:a.*.example", "no host name"),
        ("dns:*.*.example", "no host name"),
        ("dns:alice.example.", "final dot"),
        ("dns:a b", "no host name"),
        ("email:alice", "no e-mail address"),
        ("email:a*@lab.example", "whole mailbox"),
        ("email:*@*", "no e-mail address"),
        ("subject:alice", "no RFC 4514 name"),
        ("subject:CN=alice,", "no RFC 4514 name"),
        ("subject:/CN=alice", "no RFC 4514 name"),
        ("subject:CN=a;b", "';' inside a value"),
        ("subject:NAME=alice", "dotted number"),
        ("key:abcd", "64 hex digits"),
        ("key:sha256:abcd", "openssl pkey"),
        ("key:md5:" + "0" * 64, "64 hex digits"),
    ],
)
def test_a_bad_rule_is_named_with_what_would_work(rule: str, says: str) -> None:
    with pytest.raises(ValueError) as error:
        Access.of([rule])

    assert repr(rule) in str(error.value)
    assert says in str(error.value)
    assert "uri:spiffe://lab/alice" in str(error.value)
