"""What `mtls-lab proxy` prints: what it does, in whose name, who gets in; then what changes. All on standard error."""

import argparse
import ipaddress
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.remark import printable
from mtls_lab.commands.proxy.plan import name_of
from mtls_lab.handshake import Scenario
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.reloading import Reload
from mtls_lab.proxy.settings import Settings

_LEVELS = {
    "none": "not verified: whoever reaches the port gets in",
    "optional": "verified if they present a certificate; let in without one, too",
    "required": "must present a certificate that is verified",
}


def say(text: str) -> None:
    """A line on standard error; it holds names from files, so what is not printable is spelled out."""
    print(f"mtls-lab proxy: {printable(text, 2000)}", file=sys.stderr, flush=True)


def banner(options: argparse.Namespace, proxy: Proxy, settings: Settings, root: Path | None) -> None:
    """What runs now."""
    for line in _lines(options, proxy, settings, root):
        print(printable(line, 2000), file=sys.stderr, flush=True)


def _lines(options: argparse.Namespace, proxy: Proxy, settings: Settings, root: Path | None) -> Iterator[str]:
    where = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    yield f"Proxying https://{where}:{proxy.port} to {'the built-in origin' if options.echo else options.to}"
    yield f"  presents  {described(settings.credential.leaf)}"
    yield f"            SHA-256 {colons(settings.credential.leaf.fingerprint)}"
    yield f"  TLS       {', '.join(one.removeprefix('TLSv') for one in proxy.scenario.versions)}"
    yield f"  clients   {_LEVELS[proxy.scenario.server.verifies]}"
    for one in settings.trusts:
        yield f"            trusted: {one.common_name or one.subject}"
    if settings.crls is not None:
        yield f"            taken back: {sum(one.size for one in settings.crls)} certificates"
    for rule in options.allow:
        yield f"  allowed   {rule}"
    if options.redirect_http:
        yield f"  redirects http://{options.redirect_http}"
    trust = f" --cacert {shlex.quote(str(root))}" if root else ""
    if settings.trusts:
        trust += " --cert CLIENT.pem --key CLIENT-key.pem"
    name = name_of(settings)
    yield f"  try       curl https://{f'[{name}]' if ':' in name else name}:{proxy.port}/{trust}"


def warnings(options: argparse.Namespace, settings: Settings) -> Iterator[str]:
    """What somebody should know before the first client comes."""
    for option, address in (("--from", options.listen), ("--redirect-http", options.redirect_http)):
        if address is not None and not _is_loopback(address.host):
            yield (
                f"warning: {option} {address} is not loopback: every machine that reaches this one can connect; "
                f"127.0.0.1:{address.port} keeps to this machine"
            )
    if options.to_key is not None or options.key is not None:
        for path in {options.key, options.to_key} - {None}:
            if path.stat().st_mode & 0o077:
                yield f"warning: {path} holds a private key that others on this machine may read: chmod 600 {path}"
    lists = settings.crls
    for one in settings.trusts if lists is not None else ():
        if lists is not None and not any(revocations.is_by(one) for revocations in lists):
            yield f"warning: --crl holds no list of {one.common_name or one.subject}: whom it issued is refused"


def told(reload: Reload, scenario: Scenario) -> str:
    """What became of files that changed."""
    files = ", ".join(map(str, reload.changed))
    if reload.outcome == "kept":
        return f"warning: {reload.reason}; the settings in force are kept ({files})"
    presents = scenario.server.presents
    which = f": presents {described(presents.leaf)}" if presents is not None else ""
    return f"taken: {files}{which}"


def described(leaf: Certificate) -> str:
    """Its names, and until when."""
    names = ", ".join(name.partition(":")[2] for name in leaf.names) or leaf.subject or "no name"
    until = f"{leaf.not_after:%Y-%m-%d %H:%M} UTC" if leaf.not_after else "?"
    return f"{names} (until {until})"


def colons(fingerprint: str) -> str:
    """As `openssl x509 -fingerprint -sha256` prints it."""
    return ":".join(fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2)).upper()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
