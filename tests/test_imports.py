"""Imports run one way: cli -> studio -> art -> networks -> engine; settings, files and errors are the ground floor."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "dreamcli"
GROUND_FLOOR = {"errors", "plugins", "forms", "settings", "files"}
# each room, and the rooms it may import
MAY_IMPORT = {
    "errors": set(),
    "plugins": {"errors"},
    "forms": {"errors", "plugins", "settings"},
    "settings": {"errors"},
    "files": {"errors", "forms", "settings"},
    "atlas": {"engine", "errors", "files"},
    "engine": set(),
    "networks": {"engine", "errors", "plugins", "settings"},
    "art": {"networks", "engine"} | GROUND_FLOOR,
    "studio": {"art", "atlas", "networks", "engine", "__version__"} | GROUND_FLOOR,
    "web": {"studio", "art", "networks"} | GROUND_FLOOR,
    "cli": {"web", "studio", "art", "networks", "engine"} | GROUND_FLOOR,
    "__init__": {"errors", "studio"},
    "__main__": {"cli"},
}
HEAVY = {"torch", "torchvision", "safetensors"}
# each room, and the libraries it must do without
FORBIDDEN = {
    "errors": {"PIL", "click", "numpy", "rich"} | HEAVY,
    "plugins": {"PIL", "click", "numpy", "rich"} | HEAVY,
    "forms": {"PIL", "numpy", "rich"} | HEAVY,
    "settings": {"PIL", "click", "numpy", "rich"} | HEAVY,
    "files": {"click", "rich"} | HEAVY,
    "atlas": {"PIL", "click", "numpy", "rich"} | HEAVY,
    "engine": {"PIL", "click", "numpy", "rich"},
    "networks": {"PIL", "click", "rich"},
    "art": {"click", "rich"},
    "studio": {"click", "rich"},
    "web": {"click", "rich"},
    "cli": HEAVY,
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def imported(path: Path) -> set[str]:
    """The absolute names of everything that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ["dreamcli", *path.relative_to(PACKAGE).parent.parts]
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def test_the_table_holds_every_room() -> None:
    assert {room_of(path) for path in MODULES} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_from_the_rooms_below(path: Path) -> None:
    room = room_of(path)
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == "dreamcli" and rest:
            assert rest.split(".")[0] in MAY_IMPORT[room] | {room}, f"{name_of(path)} imports {name}"
        assert top not in FORBIDDEN.get(room, set()), f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_command_line_imports_inside_functions(path: Path) -> None:
    """It does so to start without torch; so do the registry, which it reads, and the lazy front door."""
    tree = ast.parse(path.read_text())
    inside = [
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    allowed = room_of(path) in ("cli", "__init__", "__main__") or name_of(path) in LAZY
    assert allowed or not inside, f"{name_of(path)}, lines {[node.lineno for node in inside]}"


# where an import inside a function is worth it: what only some runs need, or what only some systems have
LAZY = {
    "errors",
    "engine.flow",
    "plugins",
    "networks.registry",
    "networks.wheels",
    "files.decoder",
    "studio.request",
    "web.server",
}


def test_the_program_needs_no_training_code() -> None:
    for path in MODULES:
        assert not any("training" in name for name in imported(path)), path
