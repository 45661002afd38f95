"""From options to what a proxy is made of: files, settings, a scenario. Whatever would do nothing is refused."""

import argparse
from pathlib import Path

from mtls_lab.clients.probe.trust import default_trust
from mtls_lab.commands.proxy.arguments import ACME_SERVER, FOLDER
from mtls_lab.commands.proxy.automatic import Automatic
from mtls_lab.commands.proxy.by_acme import ByAcme
from mtls_lab.handshake import VERSIONS, Endpoint, Scenario, ServerLevel, Version
from mtls_lab.handshake.values import STRANGER
from mtls_lab.proxy.settings import Settings, Sources


def check(options: argparse.Namespace) -> None:
    """Options that belong together, or do nothing. Raises ValueError naming both and what would work."""
    _pair(options, "cert", "key", "never is one of them replaced or made up")
    _pair(options, "to_cert", "to_key", "the proxy shows both or none")
    own = options.cert
    secure = not options.echo and options.to.startswith("https://")
    needs = (
        ("--key-password-file", options.key_password_file, "--key", options.key),
        ("--name", options.name, "an automatic certificate: leave --cert out", own is None and not options.domain),
        ("--keep-in", options.keep_in, "an automatic certificate: leave --cert out", own is None),
        ("--domain", options.domain, "--redirect-http, where an ACME server asks", options.redirect_http),
        ("--domain", options.domain, "an automatic certificate: leave --cert out", own is None),
        ("--domain", options.domain, "--acme-agree: read the server's terms of service first", options.acme_agree),
        ("--acme-server", options.acme_server, "--domain", options.domain),
        ("--acme-cacert", options.acme_cacert, "--domain", options.domain),
        ("--acme-email", options.acme_email, "--domain", options.domain),
        ("--acme-agree", options.acme_agree, "--domain", options.domain),
        ("--crl", options.crl, "--client-ca", options.client_ca),
        ("--strict", options.strict, "--client-ca", options.client_ca),
        ("--allow", options.allow, "--client-ca: no certificate is verified", options.client_ca),
        ("--verify-client", options.verify_client in {"optional", "required"}, "--client-ca", options.client_ca),
        ("--to-cacert", options.to_cacert, "--to https://...", secure),
        ("--to-cert", options.to_cert, "--to https://...", secure),
        ("--log-format", options.log_format, "--access-log", options.access_log),
    )
    for option, given, needed, there in needs:
        if given and not there:
            raise ValueError(f"{option} does nothing without {needed}: add that, or leave it out")
    if options.client_ca and options.verify_client == "none":
        raise ValueError("--client-ca does nothing with --verify-client none: leave one of them out")
    if not versions(options):
        raise ValueError(
            f"--tls-min {options.tls_min} is above --tls-max {options.tls_max}: no version is left; leave one out"
        )


def _pair(options: argparse.Namespace, one: str, other: str, because: str) -> None:
    values = {name: getattr(options, name) for name in (one, other)}
    for name, missing in ((one, other), (other, one)):
        if values[name] is not None and values[missing] is None:
            options_ = [f"--{text.replace('_', '-')}" for text in (name, missing)]
            raise ValueError(
                f"{options_[0]} {values[name]} without {options_[1]}: {because}; give both (they may be one file)"
            )


def versions(options: argparse.Namespace) -> tuple[Version, ...]:
    """The TLS versions that are left."""
    lowest, highest = f"TLSv{options.tls_min or '1.2'}", f"TLSv{options.tls_max or '1.3'}"
    return tuple(one for one in VERSIONS if lowest <= one <= highest)


def automatic_of(options: argparse.Namespace) -> Automatic | None:
    """The certificate that is made; None where one is given or ordered."""
    return Automatic(folder=options.keep_in or FOLDER) if options.cert is None and not options.domain else None


def by_acme_of(options: argparse.Namespace) -> ByAcme | None:
    """The certificate that is ordered; None where none is."""
    if not options.domain:
        return None
    return ByAcme(
        folder=options.keep_in or FOLDER,
        domains=tuple(dict.fromkeys(options.domain)),
        directory=options.acme_server or ACME_SERVER,
        trusts=options.acme_cacert,
        email=options.acme_email,
    )


def sources_of(options: argparse.Namespace, made: Automatic | ByAcme | None) -> Sources:
    """Every file that is read, and read again. Raises ValueError for a password file that cannot be used."""
    return Sources(
        chain=made.chain if made else options.cert,
        key=made.key if made else options.key,
        password=None if options.key_password_file is None else _password(options.key_password_file),
        trusts=tuple(options.client_ca),
        crls=None if options.crl is None else tuple(options.crl),
        origin_trusts=() if options.to_cacert is None else (options.to_cacert,),
        origin_chain=options.to_cert,
        origin_key=options.to_key,
    )


def _password(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            line = stream.readline(1025)  # a device never ends
        return line.rstrip(b"\r\n").decode()
    except OSError as error:
        raise ValueError(
            f"--key-password-file {path} cannot be read ({error.strerror}): name one you may read"
        ) from None
    except UnicodeDecodeError:
        raise ValueError(f"--key-password-file {path} does not begin with a line of UTF-8 text") from None


def scenario_of(options: argparse.Namespace, settings: Settings) -> Scenario:
    """What the proxy plays. Its clients are strangers."""
    level: ServerLevel = options.verify_client or ("required" if options.client_ca else "none")
    server = Endpoint(
        presents=settings.credential,
        trusts=settings.trusts,
        verifies=level,
        crls=None if settings.crls is None else tuple(one.der for one in settings.crls),
        strict=options.strict,
    )
    return Scenario(client=STRANGER, server=server, server_name=name_of(settings), versions=versions(options))


def name_of(settings: Settings) -> str:
    """A name of the proxy's certificate to call it by."""
    names = settings.credential.leaf.names
    hosts = [name.removeprefix("DNS:") for name in names if name.startswith("DNS:") and "*" not in name]
    addresses = [name.removeprefix("IP:") for name in names if name.startswith("IP:")]
    return next(iter((*hosts, *addresses)), "localhost")


def towards_of(options: argparse.Namespace, settings: Settings) -> Endpoint | None:
    """The proxy as the origin's client; None for plain HTTP."""
    if options.echo or not options.to.startswith("https://"):
        return None
    trusts = settings.origin_trusts if options.to_cacert is not None else default_trust().anchors
    return Endpoint(presents=settings.origin_credential, trusts=trusts, verifies="chain and name")
