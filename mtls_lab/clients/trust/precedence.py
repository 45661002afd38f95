"""What beats what in requests: environment variables, `Session.verify`, `verify=` and `trust_env`, each measured.

A setting is tried with the right authority in every file that it names, with a stranger in every one, and with the
right authority in one file alone. Refused the first time: it uses none of them. Accepted the second: it verifies
nobody.
"""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, get_args

from mtls_lab.clients.request import Target
from mtls_lab.clients.trust.bundles import Bundles, bundles

Given = Literal["nothing", "a file", "True", "False"]
"""What an argument or attribute is given; `nothing` leaves it as it is."""
SESSION, CALL = "Session.verify", "verify="
UNVERIFIED = "nobody is verified"
DEFAULT = "its own file"
"""What requests brings along, by certifi: none of the files that were named."""
HEEDED_HERE = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = tuple(one for scheme in ("http", "https", "all") for one in (f"{scheme}_proxy", f"{scheme}_PROXY".upper()))
_PATIENCE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One way to call requests."""

    variables: tuple[str, ...] = ()
    """The variables that are set, each to a file (or directory) of its own."""
    session: Given = "nothing"
    """What `Session.verify` is given: a file of its own, True, False or nothing."""
    call: Given = "nothing"
    """What `verify=` of the call is given."""
    trust_env: bool = True
    """`Session.trust_env`; True is how a Session is made."""

    def __post_init__(self) -> None:
        for name, value in (("session", self.session), ("call", self.call)):
            if value not in get_args(Given):
                raise ValueError(f"{name}={value!r} is none of {', '.join(map(repr, get_args(Given)))}")
        unknown = [one for one in self.variables if one not in HEEDED_HERE]
        if unknown:
            raise ValueError(f"variables={self.variables!r}: choose among {', '.join(HEEDED_HERE)}")

    @property
    def files(self) -> tuple[str, ...]:
        """Every place where this setting names a file."""
        session = (SESSION,) if self.session == "a file" else ()
        return (*self.variables, *session, *((CALL,) if self.call == "a file" else ()))


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What decided, measured."""

    setting: Setting
    """How requests was called."""
    by: str
    """The place whose file decided; `DEFAULT`, or `UNVERIFIED`."""

    def __str__(self) -> str:
        return self.by


def decides(target: Target, setting: Setting) -> Decision:
    """Which place decides whom requests trusts, with that setting. Variables are set in this process meanwhile."""
    with bundles(target) as laid:
        return _decided(target, setting, laid)


def settings() -> tuple[Setting, ...]:
    """The whole grid: what the environment says, then `Session.verify`, then `verify=`."""
    both = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    environments: Sequence[tuple[tuple[str, ...], bool]] = (
        ((), True),
        (("CURL_CA_BUNDLE",), True),
        (("REQUESTS_CA_BUNDLE",), True),
        (both, True),
        (("SSL_CERT_FILE", "SSL_CERT_DIR"), True),
        (both, False),
    )
    said: tuple[Given, ...] = ("nothing", "a file", "True", "False")
    return tuple(
        Setting(variables=variables, session=session, call=call, trust_env=trust_env)
        for session in said
        if session != "True"  # what a Session is made with: the same as nothing
        for variables, trust_env in environments
        for call in said
    )


def precedence(target: Target, chosen: Sequence[Setting] = ()) -> tuple[Decision, ...]:
    """The whole grid, or the settings that are given, each measured with real handshakes: some seconds."""
    with bundles(target) as laid:
        return tuple(_decided(target, one, laid) for one in chosen or settings())


def _decided(target: Target, setting: Setting, laid: Bundles) -> Decision:
    # With the right authority in every file: who is refused now uses none of them. That spares most of the calls.
    if not _accepts(target, setting, laid, right=setting.files):
        return Decision(setting=setting, by=DEFAULT)
    if _accepts(target, setting, laid, right=()):
        return Decision(setting=setting, by=UNVERIFIED)
    # One of them decides; where it is none of the others, it is the last.
    *others, last = setting.files
    by = next((one for one in others if _accepts(target, setting, laid, right=(one,))), last)
    return Decision(setting=setting, by=by)


def _accepts(target: Target, setting: Setting, laid: Bundles, *, right: Sequence[str]) -> bool:
    """An answer comes, with the right authority in these places and a stranger in the others."""
    import requests
    import urllib3

    def value(given: Given, place: str) -> bool | str:
        return laid.place(place, right=place in right) if given == "a file" else given == "True"

    variables = {one: laid.place(one, right=one in right) for one in setting.variables}
    with environment(variables), requests.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
        session.trust_env = setting.trust_env
        if setting.session != "nothing":
            session.verify = value(setting.session, SESSION)
        # What is not said is None: `verify=None` is the argument's default.
        verify = None if setting.call == "nothing" else value(setting.call, CALL)
        try:
            session.get(f"https://localhost:{target.port}/whoami", timeout=_PATIENCE_S, verify=verify)
        except requests.exceptions.SSLError:
            return False
    return True


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """While the block runs, these and no other variables bear on trust in this process. Not for several threads."""
    wanted = {"NO_PROXY": "*", "NETRC": os.devnull} | dict(variables)
    before = {name: os.environ.get(name) for name in {*HEEDED_HERE, *_PROXIES, "no_proxy", *wanted}}
    try:
        for name in before:
            os.environ.pop(name, None)
        os.environ.update(wanted)
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
