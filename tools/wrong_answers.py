"""What a check tells to wrong answers, read from its code.

A check answers `return wrong(words)`, mostly below the condition that finds the mistake. Both are collected: from the
check itself and from the functions of `mtls_lab.exercises` that it calls, which may answer for it, or make up a part of
its words. What is only known when it runs stands as `…`.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

_EXERCISES = "mtls_lab.exercises"
_PRIVATE = ("wrong", "right", "untouched", "find")
_SENTENCE = 4
"""A returned text of fewer words, or without a full stop, is a name or a label, and no hint."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One answer to a mistake."""

    when: str
    """The condition, as code; empty where there is none."""
    told: str
    """The words."""


def wrong_answers(check: Callable[..., object]) -> tuple[Told, ...]:
    """All that this check says to wrong answers, each once, in the order of the code."""
    found = [told for function in _reached(check) for told in _told(function)]
    return tuple(dict.fromkeys(told for told in found if any(letter.isalpha() for letter in told.told)))


def _reached(check: Callable[..., object]) -> list[FunctionType]:
    """The check and the functions of the exercises that it calls, each once, the check first."""
    reached: list[FunctionType] = []

    def visit(function: object) -> None:
        if not isinstance(function, FunctionType) or function in reached or function.__name__ in _PRIVATE:
            return
        if not function.__module__.startswith(_EXERCISES) or function.__module__ == f"{_EXERCISES}.exercise":
            return
        reached.append(function)
        for node in ast.walk(_tree(function)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                visit(function.__globals__.get(node.func.id))

    visit(check)
    return reached


def _tree(function: FunctionType) -> ast.Module:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def _told(function: FunctionType) -> Iterator[Told]:
    names = function.__globals__
    for when, returned in _returns(_tree(function).body, ""):
        for more, value in _branches(returned):
            is_wrong = isinstance(value, ast.Call) and ast.unparse(value.func) == "wrong" and bool(value.args)
            said = value.args[0] if is_wrong and isinstance(value, ast.Call) else value
            for last, words in _texts(said, names):
                # Words that are no answer themselves may be a part of one, or a name.
                if is_wrong or _is_sentence(words):
                    yield Told(when=" and ".join(filter(None, (when, more, last))), told=words)


def _returns(body: list[ast.stmt], when: str) -> Iterator[tuple[str, ast.expr]]:
    """Every `return`, with the nearest condition around it."""
    for statement in body:
        if isinstance(statement, ast.Return) and statement.value is not None:
            yield when, statement.value
        elif isinstance(statement, ast.If):
            yield from _returns(statement.body, ast.unparse(statement.test))
            yield from _returns(statement.orelse, "")
        else:
            inner = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
            for block in inner:
                yield from _returns(block, when)
            for handler in getattr(statement, "handlers", []):
                yield from _returns(handler.body, f"{ast.unparse(handler.type) if handler.type else 'an error'} raised")
            for case in getattr(statement, "cases", []):
                yield from _returns(case.body, ast.unparse(case.pattern))


def _branches(value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """What an expression may be, `a if condition else b`, with its condition."""
    if isinstance(value, ast.IfExp):
        yield from ((ast.unparse(value.test), branch) for _, branch in _branches(value.body))
        yield from _branches(value.orelse)
    else:
        yield "", value


def _texts(value: ast.expr, names: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts that an expression may be, each with its condition; one for each key of a table that is looked up."""
    for when, branch in _branches(value):
        for node in ast.walk(branch):
            if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
                continue
            table = names.get(node.value.id)
            if isinstance(table, dict) and all(isinstance(text, str) for text in table.values()):
                index = ast.unparse(node.slice)
                yield from ((f"{index} == {key!r}", _text(branch, names, {node: text})) for key, text in table.items())
                break
        else:
            yield when, _text(branch, names, {})


def _is_sentence(text: object) -> bool:
    return isinstance(text, str) and len(text.replace("…", "").split()) >= _SENTENCE and text.rstrip("…)")[-1] in ".?!"


def _text(value: ast.expr, names: dict[str, Any], known: dict[ast.expr, str]) -> str:
    """A text as far as the code says it; `known` are parts that have been looked up."""
    if isinstance(value, ast.FormattedValue):
        value = value.value
    if value in known:
        return known[value]
    match value:
        case ast.Constant():
            return str(value.value)
        case ast.JoinedStr():
            return "".join(_text(part, names, known) for part in value.values)
        case ast.Name() if isinstance(names.get(value.id), str):
            return str(names[value.id])
        case ast.BinOp(op=ast.Add()):
            return _text(value.left, names, known) + _text(value.right, names, known)
    return "…"
