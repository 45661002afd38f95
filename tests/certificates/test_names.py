"""Names as people write them become the right subjectAltName entries, or a clear refusal."""

import pytest
from cryptography import x509

from mtls_lab.certificates import Authority
from mtls_lab.certificates.names import parse_constraints, parse_names, spell


def spelled(*texts: str) -> list[str]:
    return [spell(name) for name in parse_names(texts, argument="names")]


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("localhost", "DNS:localhost"),
        ("Shop.Example.ORG", "DNS:shop.example.org"),
        ("*.example.org", "DNS:*.example.org"),
        ("a" * 63 + ".example", "DNS:" + "a" * 63 + ".example"),
        ("1password.example", "DNS:1password.example"),
        ("bücher.example", "DNS:xn--bcher-kva.example"),
        ("127.0.0.1", "IP:127.0.0.1"),
        ("::1", "IP:::1"),
        ("2001:DB8::0:1", "IP:2001:db8::1"),
        ("alice@example.org", "email:alice@example.org"),
        ("alice@Bücher.example", "email:alice@xn--bcher-kva.example"),
        ("spiffe://lab/alice", "URI:spiffe://lab/alice"),
        ("https://[::1]:8443/x", "URI:https://[::1]:8443/x"),
        ("DNS:localhost", "DNS:localhost"),
        ("IP:::1", "IP:::1"),
        ("email:alice@example.org", "email:alice@example.org"),
        ("URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    ],
)
def test_a_name_is_taken_for_what_it_looks_like(text: str, entry: str) -> None:
    assert spelled(text) == [entry]


def test_a_bare_address_is_never_a_dns_name_but_a_prefix_is_taken_at_its_word() -> None:
    assert spelled("127.0.0.1", "::1") == ["IP:127.0.0.1", "IP:::1"]
    assert spelled("DNS:127.0.0.1") == ["DNS:127.0.0.1"]


def test_duplicates_go_and_the_order_stays() -> None:
    assert spelled("b.example", "a.example", "B.example", "127.0.0.1", "IP:127.0.0.1") == [
        "DNS:b.example",
        "DNS:a.example",
        "IP:127.0.0.1",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("my server", "space"),
        ("local\nhost", "space or a control"),
        ("nul\0byte", "control"),
        ("256.1.1.1", "looks like an IP address"),
        ("1.2.3", "looks like an IP address"),
        ("a..b", "label ''"),
        (".example.org", "label ''"),
        ("example.org.", "final dot"),
        ("a" * 64, "label 'a"),
        (".".join(["a" * 60] * 5), "at most 253"),
        ("-a.example", "label '-a'"),
        ("a-.example", "label 'a-'"),
        ("my_server", "no underscore"),
        ("*", "whole first label"),
        ("a.*.example", "whole first label"),
        ("w*.example.org", "whole first label"),
        ("straße.example", "A-label"),
        ("ａ.example", "A-label"),
        ("é" * 64 + ".example", "A-label"),
        ("10.0.0.0/8", "label '0/8'"),
        ("IP:10.0.0.0/8", "no IP address"),
        ("IP:localhost", "no IP address"),
        ("fe80::1%eth0", "zone"),
        ("[::1]", "label"),
        ("@example.org", "mailbox"),
        ("a@b@c", "mailbox"),
        ("ü@example.org", "mailbox"),
        ("alice@my_host", "underscore"),
        ("spiffe://", "URI"),
        ("http:///path", "URI"),
        ("https://exämple.org/", "URI"),
        ("URI:no-scheme", "URI"),
        ("DNS:", "label ''"),
    ],
)
def test_what_is_no_name_is_refused_with_argument_value_and_remedy(text: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_names((text,), argument="names")

    message = str(caught.value)
    assert message.startswith(f"names holds {text!r}: ")
    assert why in message
    assert "'localhost'" in message


def test_one_string_is_not_taken_for_a_tuple_of_letters() -> None:
    with pytest.raises(TypeError, match=r"names='localhost' must be a tuple of names: names=\('localhost',\)"):
        Authority.create().issue("x", names="localhost", purpose="serverAuth")
    with pytest.raises(TypeError, match="names holds 7"):
        Authority.create().issue("x", names=(7,), purpose="serverAuth")  # type: ignore[arg-type]


def test_a_constraint_permits_the_name_and_little_else() -> None:
    texts = ("localhost", "*.example.org", "127.0.0.1", "::1", "alice@example.org", "spiffe://lab/alice")

    permitted = parse_constraints(texts, argument="permitted_names")

    assert [spell(one) for one in permitted] == [
        "DNS:localhost",
        "DNS:example.org",
        "IP:127.0.0.1/32",
        "IP:::1/128",
        "email:alice@example.org",
        "URI:lab",
    ]


@pytest.mark.parametrize("uri", ["URI:urn:uuid:1", "https://127.0.0.1/", "https://[::1]/"])
def test_a_uri_without_a_host_name_cannot_be_permitted(uri: str) -> None:
    with pytest.raises(ValueError, match="permitted_names holds .* only URIs with a host name"):
        Authority.create(permitted_names=(uri,))


def test_entries_of_other_kinds_are_spelled_too() -> None:
    names = (
        x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "alice")])),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"),
    )

    assert list(map(spell, names)) == ["dirName:CN=alice", "RID:1.2.3", "otherName:1.2.3"]
