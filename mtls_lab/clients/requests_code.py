"""The Python code a person would type to ask with requests what a Request asks.

`init_poolmanager` is the adapter's documented way to pass pool settings on to urllib3. It stands in the code only
where a plain `get` has no argument: for the level `chain`, for a name that does not lead to the host, for a bound
on the TLS version.
"""

import json
from typing import Any

from mtls_lab.clients.request import Request, authority

_WIRE_VERSIONS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
"""ProtocolVersion (RFC 8446 section 4.2.1); `ssl.TLSVersion` has the same numbers."""


def code(request: Request) -> str:
    """The code, in a folder that holds the request's files."""
    pool = pool_settings(request)
    imports = ["requests", *(["os"] if request.environment else [])]
    imports += ["ssl"] if any("version" in name for name in pool) else []
    lines = [f"import {', '.join(sorted(imports))}"]
    lines += [f"os.environ[{_quoted(name)}] = {_quoted(value)}" for name, value in request.variables().items()]
    caller = "requests"
    if pool:
        settings = ", ".join(f"{name}={_pool_literal(name, value)}" for name, value in pool.items())
        lines += ["session = requests.Session()", f'session.get_adapter("https://").init_poolmanager(1, 1, {settings})']
        caller = "session"
    typed = ", ".join(
        [_quoted(url(request)), *_body(request)]
        + [f"{name}={_literal(one)}" for name, one in arguments(request, "").items()]
    )
    verb = "get" if request.data is None else "post"
    return "\n".join([*lines, f"response = {caller}.{verb}({typed})", "print(response.text)"])


def _body(request: Request) -> list[str]:
    if request.data is None:
        return []
    typed = request.typed_data
    return ['data=open("body.bin", "rb").read()' if typed is None else f"data=b{_quoted(typed)}"]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _literal(value: object) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(key)}: {_literal(one)}" for key, one in value.items()) + "}"
    return repr(value)


def _pool_literal(name: str, value: object) -> str:
    if "version" not in name:
        return _literal(value)
    return f"ssl.TLSVersion.{'TLSv1_2' if value == _WIRE_VERSIONS['TLSv1.2'] else 'TLSv1_3'}"


def url(request: Request) -> str:
    """By the server's name where that leads to the host, else by the host."""
    name = request.name if request.leads_there else request.host
    return f"https://{authority(name, request.port)}{request.path}"


def pool_settings(request: Request) -> dict[str, Any]:
    """What a plain `get` has no argument for, by urllib3's names."""
    settings: dict[str, Any] = {}
    if request.client.verifies == "chain":
        settings["assert_hostname"] = False
    if not request.leads_there:
        settings["server_hostname"] = request.name
    if len(request.scenario.versions) == 1:
        bound = "ssl_maximum_version" if request.scenario.versions == ("TLSv1.2",) else "ssl_minimum_version"
        settings[bound] = _WIRE_VERSIONS[request.scenario.versions[0]]
    return settings


def arguments(request: Request, folder: str) -> dict[str, Any]:
    """The arguments of `get` or `post` but for the body; `folder` stands before every file."""
    words: dict[str, Any] = {}
    if not request.leads_there:
        words["headers"] = {"Host": authority(request.name, request.port)}
    if request.client.verifies == "none":
        words["verify"] = False
    elif request.anchors_file is not None:
        words["verify"] = folder + request.anchors_file
    if request.credential_files is not None:
        words["cert"] = tuple(folder + file for file in request.credential_files)
    return words
