"""`docs/proxy.md`: its examples run as they stand, and its table knows every option of ssl-proxy and of ours."""

import argparse
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from commands.issuing import ROOT
from commands.test_certs_programs import free_port
from mtls_lab.commands.proxy.arguments import declare
from mtls_lab.proxy.access import KINDS
from tools import program

DOCUMENT = (ROOT / "docs" / "proxy.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"(?ms)^```sh\n(.*?)^```$", DOCUMENT)
ROWS = re.findall(r"(?m)^\| (`-\w+`|-) \| (`--\S+`|-) \| *(.*?) *\|$", DOCUMENT)

SSL_PROXY = {"-from", "-to", "-cert", "-key", "-domain", "-redirectHTTP"}
"""`ssl-proxy -help` of 7cf7ab6, all of it."""


def column(number: int) -> set[str]:
    return {row[number].strip("`") for row in ROWS} - {"-"}


def our_options() -> set[str]:
    parser = argparse.ArgumentParser()
    declare(parser)
    return {option for action in parser._actions for option in action.option_strings if option.startswith("--")}


def test_the_table_has_every_option_of_ssl_proxy_and_every_one_of_ours() -> None:
    assert column(0) == SSL_PROXY
    assert column(1) == our_options()


def test_an_option_that_is_left_out_has_its_reason() -> None:
    assert [row[0] for row in ROWS if row[1] == "-" and not row[2]] == []


def test_every_kind_of_rule_is_told() -> None:
    assert set(re.findall(r"(?m)^\| `(\w+):", DOCUMENT)) == set(KINDS)


@pytest.mark.live
@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=lambda number: EXAMPLES[number].splitlines()[0][:50])
def test_each_example_runs_in_a_fresh_folder(tmp_path: Path, number: int) -> None:
    for name in ("openssl", "curl", "bash"):
        program(name)
    commands, folder = tmp_path / "commands", tmp_path / "fresh"
    commands.mkdir()
    folder.mkdir()
    command = commands / "mtls-lab"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mtls_lab.cli "$@"\n', encoding="utf-8")
    command.chmod(0o755)

    # In a session of its own: an example that fails half-way leaves a proxy behind, which ends with it.
    running = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", EXAMPLES[number].replace("4430", str(free_port()))],
        cwd=folder,
        env={**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = running.communicate(timeout=120)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()

    log = folder / "log.txt"
    assert running.returncode == 0, said + (log.read_text(encoding="utf-8") if log.exists() else "")
