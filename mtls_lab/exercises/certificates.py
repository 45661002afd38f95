"""Exercises of notebook 01."""

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.exercises.exercise import exercise
from mtls_lab.exercises.outcome import Outcome, right, wrong
from mtls_lab.handshake import Endpoint, Explanation, Scenario, explain, rehearse

_NAMES = ("localhost", "127.0.0.1", "::1")


@exercise(
    "01-names",
    hints=(
        "A client compares the name it dialled with the entries of subjectAltName, one by one.",
        "`names=` takes as many as you like, and an IP address becomes an iPAddress entry.",
        'issuing.issue("localhost", names=("localhost", "127.0.0.1", "::1"), purpose="serverAuth")',
    ),
)
def names(credential: Credential, root: Certificate) -> Outcome:
    """Issue a server credential that is good for localhost, for 127.0.0.1 and for ::1."""
    for name in _NAMES:
        explanation = _dial(credential, root, name)
        if explanation.refused_by == "neither":
            continue
        if explanation.cause == "ip-as-dns":
            return wrong(f"Dialled as {name}: the address is there as a DNS name. Give it as it is, without `DNS:`.")
        if explanation.cause == "wrong-purpose":
            return wrong(f"Dialled as {name}: a server needs the purpose serverAuth.")
        return wrong(f"Dialled as {name}, the client refuses. It expected {explanation.expected}.")
    return right("Three dials, three handshakes, one certificate.")


@exercise(
    "01-match",
    hints=(
        "A credential is a key and the certificate that holds the public half of that key.",
        "`key_matches` tells whether the two belong together.",
        "Credential(key_pem=second.key_pem, chain=first.chain): the two were swapped.",
    ),
)
def match(credential: Credential, root: Certificate) -> Outcome:
    """Put the server's certificate and the key that belongs to it back together."""
    if not credential.key_matches:
        return wrong("This key does not belong to this certificate. Try the other key.")
    explanation = _dial(credential, root, "localhost")
    if explanation.refused_by != "neither":
        return wrong(f"Key and certificate belong together, but a client refuses: {explanation.title.lower()}.")
    return right("The server signed the handshake with that key, and the client could check it with the certificate.")


@exercise(
    "01-client",
    hints=(
        "A certificate says what its key may be used for.",
        "The purpose of a client's certificate is clientAuth.",
        'issuing.issue("bob", purpose="clientAuth")',
    ),
)
def client(credential: Credential, root: Certificate, server: Credential) -> Outcome:
    """Issue a credential with which bob gets past a server that requires one."""
    scenario = Scenario(
        client=Endpoint(presents=credential, trusts=(root,), verifies="chain and name"),
        server=Endpoint(presents=server, trusts=(root,), verifies="required"),
    )
    explanation = explain(rehearse(scenario))
    if explanation.cause == "wrong-purpose":
        return wrong("The server refuses: this certificate is a server's. Bob needs one for clientAuth.")
    if explanation.refused_by != "neither":
        return wrong(f"The {explanation.refused_by} refuses: {explanation.title.lower()}.")
    if credential.leaf.common_name != "bob":
        return wrong(f"That works, but the server now takes bob for {credential.leaf.common_name}.")
    return right("The server verified bob's chain, purpose and signature, and let him in.")


def _dial(credential: Credential, root: Certificate, name: str) -> Explanation:
    scenario = Scenario(
        client=Endpoint(trusts=(root,), verifies="chain and name"),
        server=Endpoint(presents=credential, verifies="none"),
        server_name=name,
    )
    return explain(rehearse(scenario))
