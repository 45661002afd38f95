"""`mtls-lab proxy` at work: start, look at the files now and then, drain at the end.

The proxy has its thread, the log has its own; this one, the main thread, hears signals and reads files.
"""

import argparse
import os
import queue
import signal
import time
from collections.abc import Callable
from pathlib import Path

from mtls_lab.commands.proxy.arguments import CUT_OFF, DONE, FAILED, MISUSED
from mtls_lab.commands.proxy.automatic import Automatic
from mtls_lab.commands.proxy.by_acme import RETRY, ByAcme, OrderFailed
from mtls_lab.commands.proxy.plan import automatic_of, by_acme_of, check, scenario_of, sources_of, towards_of
from mtls_lab.commands.proxy.report import banner, say, told, warnings
from mtls_lab.handshake import CannotLoad
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.access_log import AccessLog
from mtls_lab.proxy.reloading import Reloader
from mtls_lab.proxy.settings import Settings, Unusable

_END, _READ_AGAIN, _LOOK = "end", "read again", "look"


def run(options: argparse.Namespace) -> int:
    """Until a signal says so; the exit code says how it went."""
    wishes: queue.SimpleQueue[str] = queue.SimpleQueue()
    _hear(wishes.put)
    try:
        check(options)
        made = automatic_of(options) or by_acme_of(options)
        if isinstance(made, Automatic) and made.prepare(options.name) and not options.quiet:
            say(f"made a certificate, and an authority that clients can trust: {made.root}")
        if isinstance(made, ByAcme):
            made.prepare()
        running = _Running(options, made)
    except (CannotLoad, ValueError) as error:
        return _stop(_in_options(options, error), MISUSED)
    except OSError as error:
        words = f"{error.filename}: {error.strerror}" if error.filename else _where(options, error)
        return _stop(words, FAILED)
    with running.proxy:
        trouble = running.tend()
        if trouble is not None and isinstance(made, ByAcme) and made.is_stand_in:
            running.close()
            return _stop(trouble, FAILED)
        running.announce()
        return running.until_told(wishes)


def _hear(put: Callable[[str], object]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: put(_END))
    signal.signal(signal.SIGINT, lambda *_: put(_END))
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: put(_READ_AGAIN))


def _stop(text: str, code: int) -> int:
    say(text)
    return code


class _Running:
    """A proxy with its log and its files."""

    def __init__(self, options: argparse.Namespace, made: Automatic | ByAcme | None) -> None:
        self._options, self._made = options, made
        self._answers: dict[bytes, bytes] = {}
        self._try_at = time.monotonic()
        self._reloader = Reloader(sources_of(options, made), self._take)
        settings = self._reloader.settings
        self._log = _log_of(options)
        try:
            self.proxy = _start(options, settings, self._log, self._answers)
        except BaseException:
            if self._log is not None:
                self._log.close()
            raise

    def announce(self) -> None:
        """Say what runs."""
        settings = self._reloader.settings
        if not self._options.quiet:
            root = self._made.root if isinstance(self._made, Automatic) else None
            banner(self._options, self.proxy, settings, root)
        for warning in warnings(self._options, settings):
            say(warning)
        self._warn()

    def close(self) -> None:
        """Write what the log still has."""
        if self._log is not None:
            self._log.close()

    def until_told(self, wishes: "queue.SimpleQueue[str]") -> int:
        """Look at the files until the end is asked for; then drain."""
        while (wish := self._next(wishes)) != _END:
            self._look(asked=wish == _READ_AGAIN)
        drain_s = self._options.drain
        if not self._options.quiet:
            say(f"ending: no new connections, {drain_s:g} s for requests in progress (once more cuts them off)")
        _hear(lambda wish: self.proxy.drain(0) if wish == _END else None)
        cut_off = self.proxy.drain(drain_s)
        self.close()
        if cut_off:
            return _stop(f"{cut_off} requests were cut off: --drain {drain_s:g} was too short for them", CUT_OFF)
        return DONE

    def _next(self, wishes: "queue.SimpleQueue[str]") -> str:
        try:
            return wishes.get(timeout=self._options.reload_every)
        except queue.Empty:
            return _LOOK

    def tend(self) -> str | None:
        """Renew a certificate of ours that is due, and take it; what went wrong, or None."""
        try:
            if isinstance(self._made, Automatic):
                renewed = self._made.renew()
            elif isinstance(self._made, ByAcme) and time.monotonic() >= self._try_at and self._made.is_due():
                self._try_at = time.monotonic() + RETRY.total_seconds()
                self._made.order(self._answers)
                renewed = True
            else:
                return None
            if renewed:
                self._reloader.look()
                say(f"there is a new certificate in {self._made.folder}")
        except (OSError, ValueError, OrderFailed) as error:
            return f"no new certificate for {self._made and self._made.folder}: {error}"
        return None

    def _look(self, *, asked: bool) -> None:
        if trouble := self.tend():
            say(f"warning: {trouble}")
        reload = self._reloader.look()
        if reload is not None and (reload.outcome == "kept" or not self._options.quiet):
            say(told(reload, self.proxy.scenario))
        elif reload is None and asked and not self._options.quiet:
            say("read the files again: nothing else is new")
        self._warn()

    def _warn(self) -> None:
        for expiry in self._reloader.warnings():
            say(f"warning: {expiry}")

    def _take(self, settings: Settings) -> None:
        """All of it, or none."""
        before = self.proxy.scenario
        try:
            self.proxy.switch(scenario_of(self._options, settings))
            towards = towards_of(self._options, settings)
            if towards is not None:
                self.proxy.switch_towards_origin(towards)
        except CannotLoad as error:
            self.proxy.switch(before)
            raise ValueError(str(error)) from None


def _start(
    options: argparse.Namespace, settings: Settings, log: AccessLog | None, answers: dict[bytes, bytes]
) -> Proxy:
    redirect = options.redirect_http
    return Proxy(
        scenario_of(options, settings),
        to=None if options.echo else options.to,
        host=options.listen.host,
        port=options.listen.port,
        allow=options.allow,
        log=log,
        judges_again=True,
        towards_origin=towards_of(options, settings),
        redirect_from=None if redirect is None else (redirect.host, redirect.port),
        plain_answers=answers,
        serves="every user",  # a service, which other users' programs may well be the clients of
    )


def _log_of(options: argparse.Namespace) -> AccessLog | None:
    if options.access_log is None:
        return None
    path = None if options.access_log == "-" else Path(options.access_log)
    if path is not None and not path.is_fifo():
        # A log that cannot be written is found now, not at the first request.
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    return AccessLog(path, form=options.log_format or "text", tell=lambda trouble: say(f"warning: {trouble}"))


def _in_options(options: argparse.Namespace, error: Exception) -> str:
    """The message, with the option that named the file."""
    if not isinstance(error, Unusable):
        return str(error)
    given = {
        "--cert": [options.cert],
        "--key": [options.key],
        "--client-ca": options.client_ca,
        "--crl": options.crl or [],
        "--to-cacert": [options.to_cacert],
        "--to-cert": [options.to_cert],
        "--to-key": [options.to_key],
    }
    option = next((name for name, paths in given.items() if error.path in paths), "--keep-in")
    return f"{option} {error}"


def _where(options: argparse.Namespace, error: OSError) -> str:
    """Which port it is that cannot be had."""
    redirect = options.redirect_http
    wanted = f"port={redirect.port} on {redirect.host} " if redirect is not None else ""
    option, address = ("--from", options.listen)
    if redirect is not None and wanted in str(error.strerror) and redirect.port != options.listen.port:
        option, address = "--redirect-http", redirect
    return f"{option} {address}: {error.strerror or error}; or name another port"
