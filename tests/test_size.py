"""Small files, functions that fit on a screen, and typed signatures."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "dreamcli"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_FILE, MAX_FUNCTION = 500, 60  # lines
TYPED_ROOMS = ("settings", "studio", "art", "atlas")  # whose public signatures hold no Any
EXEMPT = {"studio/cluster.py"}  # Ray has no types of its own


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_FILE
    for function in functions(path):
        lines = (function.end_lineno or 0) - function.lineno + 1
        assert lines <= MAX_FUNCTION, f"{function.name} has {lines} lines"


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path).startswith(TYPED_ROOMS)], ids=name_of)
def test_public_signatures_are_typed(path: Path) -> None:
    if name_of(path) in EXEMPT:
        pytest.skip("Ray has no types")
    for function in functions(path):
        if function.name.startswith("_"):
            continue
        arguments = function.args
        everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        annotations = [argument.annotation for argument in everything if argument] + [function.returns]
        names = {node.id for each in annotations if each for node in ast.walk(each) if isinstance(node, ast.Name)}
        assert "Any" not in names, f"{function.name} takes or returns Any"
