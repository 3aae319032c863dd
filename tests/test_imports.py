"""Imports run one way: cli -> art, files, networks -> engine."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "dreamcli"
# a part, and the parts it may know
MAY_IMPORT = {
    "engine": set(),
    "networks": {"engine", "errors"},
    "files": {"errors"},
    "art": {"engine", "networks", "files", "errors"},
    "cli": {"__version__", "engine", "networks", "files", "art", "studio", "batch", "film", "cluster", "errors"},
}
FORBIDDEN = {
    "engine": {"PIL", "click", "rich", "numpy"},
    "files": {"torch", "click", "rich"},
    "art": {"click", "rich"},
    "networks": {"click", "rich"},
}


def modules(part: str) -> list[Path]:
    found = sorted((PACKAGE / part).glob("*.py"))
    assert found
    return found


def imported(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Absolute names of everything that a module imports, wherever it does so unless told otherwise."""
    tree = ast.parse(path.read_text())
    names = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ["dreamcli", *path.relative_to(PACKAGE).parent.parts]
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_knows_only_those_below_it(part: str) -> None:
    for path in modules(part):
        for name in imported(path):
            if name.startswith("dreamcli."):
                assert name.split(".")[1] in MAY_IMPORT[part] | {part}, f"{path.name} imports {name}"
            assert name.split(".")[0] not in FORBIDDEN.get(part, set()), f"{path.name} imports {name}"


def test_the_command_line_imports_torch_inside_bodies_only() -> None:
    for path in modules("cli"):
        for name in imported(path, top_level_only=True):
            assert name.split(".")[0] not in ("torch", "torchvision"), f"{path.name} imports {name}"


def test_the_program_needs_no_training_code() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert not any("training" in name for name in imported(path)), path
