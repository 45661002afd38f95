"""How the package is built: its floors, its words, its checks, and that its documentation cannot drift."""

import ast
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import mtls_lab
import notebook_lint

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mtls_lab"
README = ROOT / "README.md"

FLOORS = {
    "certificates": 0,
    "handshake": 1,
    "proxy": 2,
    "clients": 2,
    "views": 3,
    "exercises": 3,
    "commands": 4,
    "doctor": 4,
    # On top of doctor and commands, which are its commands.
    "cli": 5,
}

HOMES = {
    "IPython": "views",
    "asyncio": "proxy",
    "cryptography": "certificates",
    "httptools": "proxy",
    "ipywidgets": "views",
    "requests": "clients",
    "ssl": "handshake",
    "subprocess": "clients",
    "threading": "proxy",
}

# Each exception with its reason.
ALLOWED = {
    ("doctor", "ssl"): "reads the version of OpenSSL inside Python; makes no context",
    ("doctor", "subprocess"): "asks programs for their versions",
    ("handshake", "cryptography.hazmat.primitives.ciphers"): "the wire decoder opens records with its AEAD ciphers",
    ("handshake", "cryptography.exceptions"): "what those ciphers raise for a record that does not open",
}

# Tokens of the last column of CONTRIBUTING's table that have no other meaning in this package.
NAMES = {
    "backend",
    "cert",
    "certs",
    "hostname",
    "keypair",
    "keystore",
    "manager",
    "mutual",
    "simulate",
    "transcript",
    "upstream",
    "util",
    "utils",
}


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import, as written."""

    where: str
    """File and line."""
    floor: str
    """The part of the package it stands in."""
    target: str
    """What is imported, dotted."""


def imports() -> Iterator[Import]:
    """Every import of the package, also those inside functions and under TYPE_CHECKING."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts == ("__init__",):
            # Names its floors as strings and loads them when they are used.
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}: relative imports hide the floor"
                # `from mtls_lab import doctor` imports a floor; `from mtls_lab.views import show` names one.
                names = [f"mtls_lab.{alias.name}" for alias in node.names]
                targets = names if node.module == "mtls_lab" else [node.module or ""]
            else:
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            yield from (Import(where=where, floor=parts[0], target=target) for target in targets)


def inside(target: str, module: str) -> bool:
    return target == module or target.startswith(f"{module}.")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)


# floors


def test_every_part_of_the_package_has_a_floor() -> None:
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert parts - {"__init__"} <= FLOORS.keys()


def test_imports_go_downwards_only() -> None:
    wrong = []
    for one in imports():
        part = one.target.removeprefix("mtls_lab.").split(".")[0]
        if inside(one.target, "mtls_lab") and part != one.floor and FLOORS.get(part, 9) >= FLOORS[one.floor]:
            wrong.append(f"{one.where}: {one.floor} imports {one.target}")

    assert wrong == []


@pytest.mark.parametrize("module", HOMES)
def test_a_dangerous_import_has_one_home(module: str) -> None:
    strangers = [
        f"{one.where}: {one.target} in {one.floor}"
        for one in imports()
        if inside(one.target, module)
        and one.floor != HOMES[module]
        and not any(one.floor == floor and inside(one.target, allowed) for floor, allowed in ALLOWED)
    ]

    assert strangers == []


@pytest.mark.parametrize(("floor", "module"), ALLOWED)
def test_an_exception_that_nobody_uses_is_taken_back(floor: str, module: str) -> None:
    assert any(one.floor == floor and inside(one.target, module) for one in imports())


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = {"IPython", "cryptography", "httptools", "ipywidgets", "jupyterlab", "requests"}
    script = "import json, sys; import mtls_lab; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"

    loaded = run("-c", script)

    assert heavy & set(json.loads(loaded.stdout)) == set()


# words


def test_there_are_at_most_fifteen_public_names() -> None:
    assert len(mtls_lab.__all__) <= 15


@pytest.mark.parametrize("name", mtls_lab.__all__)
def test_a_public_name_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(getattr(mtls_lab, name))


def public_names() -> Iterator[tuple[str, str]]:
    """Where and what: modules, and the classes, functions, arguments and fields without an underscore."""
    for path in sorted(PACKAGE.rglob("*.py")):
        where = str(path.relative_to(ROOT))
        yield where, path.stem
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield where, node.name
                yield from ((where, name) for name in map(_field, node.body) if name)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                yield from ((where, name) for name in (node.name, *(argument.arg for argument in arguments)))


def _field(node: ast.stmt) -> str | None:
    return node.target.id if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else None


def test_public_names_use_the_words_of_the_guide() -> None:
    # Client-Cert is the name of RFC 9440's field, keyCertSign a bit of RFC 5280's keyUsage.
    wrong = [
        f"{where}: {name}"
        for where, name in public_names()
        if NAMES & set(re.sub(r"client_cert|key_cert_sign|(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_"))
    ]

    assert wrong == []


@pytest.mark.parametrize("document", ["README.md", "CHANGELOG.md"])
def test_documents_use_the_words_of_the_guide(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")

    assert list(notebook_lint.forbidden_words(text)) == []


# checks


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "format", "--check", "."),
        ("ruff", "check", "."),
        ("mypy",),
    ],
    ids=" ".join,
)
def test_the_code_passes(command: tuple[str, ...]) -> None:
    done = run("-m", *command)

    assert done.returncode == 0, done.stdout + done.stderr


# documentation


@pytest.mark.parametrize("name", mtls_lab.__all__)
def test_every_public_name_is_in_the_readme_or_a_notebook(name: str) -> None:
    documents = [README, *sorted(ROOT.glob("notebooks/sources/*.py"))]

    assert any(re.search(rf"\b{name}\b", path.read_text(encoding="utf-8")) for path in documents)


def blocks(markdown: str) -> Iterator[tuple[str, str | None]]:
    """The python blocks of a document, each with the text block that follows it at once: what it prints."""
    pattern = r"(?ms)^```python\n(.*?)^```\n(?:\s*^```text\n(.*?)^```$)?"
    yield from ((found[1], found[2]) for found in re.finditer(pattern, markdown))


def test_a_text_block_right_after_a_python_block_is_its_output() -> None:
    text = "```python\nprint(1)\n```\n\n```text\n1\n```\n\nand\n\n```python\nx = 2\n```\nprose\n```text\nother\n```\n"

    assert list(blocks(text)) == [("print(1)\n", "1\n"), ("x = 2\n", None)]


def test_the_readme_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    """The blocks run in order in one namespace, as a reader would paste them."""
    examples = list(blocks(README.read_text(encoding="utf-8")))
    script = tmp_path / "readme.py"
    script.write_text(RUN_BLOCKS, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, str(script)],
        input=json.dumps([code for code, _ in examples]),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert examples
    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout.splitlines()[-1])
    assert [printed for (_, said), printed in zip(examples, outputs, strict=True) if said is not None] == [
        said for _, said in examples if said is not None
    ]


RUN_BLOCKS = """
import contextlib, io, json, sys

names, outputs = {"__name__": "__main__"}, []
for block in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(block, "README.md", "exec"), names)
    outputs.append(printed.getvalue())
print(json.dumps(outputs))
"""
