"""Draw the picture of the README: `python tools/picture.py` writes docs/handshake.svg from a real handshake."""

from pathlib import Path

from mtls_lab import Authority, Endpoint, Scenario, explain, rehearse
from mtls_lab.views import ladder

PICTURE = Path(__file__).parents[1] / "docs" / "handshake.svg"


def draw() -> str:
    """A client without a certificate meets a server that requires one."""
    root = Authority.create("Lab Root CA")
    issuing = root.intermediate("Lab Issuing CA")
    shop = issuing.issue("localhost", purpose="serverAuth")
    client = Endpoint(trusts=(root.certificate,), verifies="chain and name")
    server = Endpoint(presents=shop, trusts=(root.certificate,), verifies="required")
    handshake = rehearse(Scenario(client=client, server=server))
    return ladder(handshake, explain(handshake)).svg or ""


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(), encoding="utf-8", newline="\n")
