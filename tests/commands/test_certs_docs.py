"""`docs/certs.md`: its examples run as they stand, and its table knows every option of sscg and of ours."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from commands.issuing import ROOT
from commands.test_certs_programs import ask, free_port
from mtls_lab.commands.certs.arguments import declare
from tools import program

DOCUMENT = (ROOT / "docs" / "certs.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"(?ms)^```(sh|python)\n(.*?)^```$", DOCUMENT)
ROWS = re.findall(r"(?m)^\| (`--\S+`|-) \| (`--\S+`|-) \| *(.*?) *\|$", DOCUMENT)

# `sscg --help` of 4.0.3 (its commit 830ed63), which no distribution of our CI has yet.
SSCG_4 = set(
    re.findall(
        r"\S+",
        """
quiet verbose debug lifetime country state locality organization organizational-unit email hostname subject-alt-name
key-type key-strength ec-curve mldsa-nist-level hash-alg cipher-alg ca-file ca-mode ca-key-file ca-key-mode
ca-key-password ca-key-passfile ca-key-password-prompt crl-file crl-mode cert-file cert-mode cert-key-file cert-key-mode
cert-key-password cert-key-passfile cert-key-password-prompt client-file client-mode client-key-file client-key-mode
client-key-password client-key-passfile client-key-password-prompt dhparams-file no-dhparams-file dhparams-named-group
dhparams-prime-len dhparams-generator version force help usage
""",
    )
)


def words(column: int) -> set[str]:
    """The options in a column of the table, without what stands around them."""
    return {row[column].strip("`").removeprefix("--") for row in ROWS} - {"-"}


def our_options() -> set[str]:
    parser = argparse.ArgumentParser()
    declare(parser)
    return {option[2:] for action in parser._actions for option in action.option_strings if option.startswith("--")}


def test_the_table_has_every_option_of_sscg_4() -> None:
    assert SSCG_4 - words(0) == set()


@pytest.mark.live
def test_the_table_has_every_option_of_the_sscg_that_is_installed(tmp_path: Path) -> None:
    installed = set(re.findall(r"--([a-z][a-z-]+)(?==| )", ask(tmp_path, "sscg", "--help")[1]))

    assert {"hostname", "client-key-password-prompt", "package"} <= installed
    # Two are misspelt in sscg's own explanations.
    assert installed - words(0) - {"ca-keypassfile", "cert-keypassfile", "client-keypassfile"} == set()


def test_the_table_names_only_options_that_there_are_and_all_of_them() -> None:
    assert words(1) == our_options()
    assert words(0) == {*SSCG_4, "package"}


def test_an_option_that_is_left_out_has_its_reason() -> None:
    assert [row[0] for row in ROWS if row[1] == "-" and not row[2]] == []


@pytest.mark.live
@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=lambda number: EXAMPLES[number][1].splitlines()[0][:50])
def test_each_example_runs_in_a_fresh_folder(tmp_path: Path, number: int) -> None:
    for name in ("openssl", "curl", "bash"):
        program(name)
    commands = tmp_path / "commands"
    commands.mkdir()
    command = commands / "mtls-lab"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mtls_lab.cli "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    folder = tmp_path / "fresh"
    folder.mkdir()
    kind, text = EXAMPLES[number]
    # Python goes on where the shell stopped.
    script = text if kind == "sh" else f"{EXAMPLES[number - 1][1]}'{sys.executable}' - <<'END'\n{text}END\n"

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("8443", str(free_port()))],
        cwd=folder,
        env={**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    if kind == "python":
        verify = ("verify", "-CAfile", "root.pem", "-crl_check", "-CRLfile", "root-crl.pem")
        assert ask(folder, "openssl", *verify, "carol.pem")[0] == 0
        assert "certificate revoked" in ask(folder, "openssl", *verify, "alice.pem")[1]
