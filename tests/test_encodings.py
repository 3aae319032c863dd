"""Text in files and pipes has an encoding: by default, Windows takes the one of its region, not UTF-8."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("dreamcli", "models", "benchmarks", "docs")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
# what opens text, and which of its positional arguments is the mode, or else the encoding
MODES = {"open": 1, "fdopen": 1, "NamedTemporaryFile": 0, "TemporaryFile": 0}
ENCODINGS = {"read_text": 0, "write_text": 1, "TextIOWrapper": 1}
CHILDREN = ("run", "Popen", "check_output", "check_call")
NOT_OURS = ("os", "Image", "webbrowser", "gzip", "av", "image")  # their `open` opens no text by default


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def argument(call: ast.Call, name: str, position: int) -> str:
    """The argument as text, such as "'utf-8'"; empty if it isn't given."""
    named = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    return named.get(name) or (ast.unparse(call.args[position]) if len(call.args) > position else "")


def lacks_encoding(call: ast.Call) -> bool:
    name = name_of(call)
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if name in ENCODINGS:
        return not argument(call, "encoding", ENCODINGS[name])
    if name in MODES:
        if name == "open" and isinstance(owner, ast.Name) and owner.id in NOT_OURS:
            return False
        at = 0 if name == "open" and owner else MODES[name]  # Path.open
        default = "'w+b'" if name.endswith("TemporaryFile") else "'r'"
        return "b" not in (argument(call, "mode", at) or default) and not argument(call, "encoding", at + 2)
    as_text = argument(call, "text", 99) or argument(call, "universal_newlines", 99)
    return name in CHILDREN and bool(as_text) and not argument(call, "encoding", 99)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_whoever_opens_text_names_its_encoding(path: Path) -> None:
    calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    assert [f"line {call.lineno}: {ast.unparse(call)}" for call in calls if lacks_encoding(call)] == []


@pytest.mark.parametrize(
    ("code", "lacks"),
    [
        ("path.read_text()", True), ("path.read_text('utf-8')", False), ("path.write_text(text)", True),
        ("path.write_text(text, encoding='utf-8')", False), ("open(path)", True), ("open(path, 'rb')", False),
        ("open(path, 'w', encoding='utf-8')", False), ("path.open()", True), ("path.open('rb')", False),
        ("path.open('a', buffering=1)", True), ("Image.open(path)", False), ("os.fdopen(1, 'wb')", False),
        ("NamedTemporaryFile()", False), ("NamedTemporaryFile('w')", True), ("TextIOWrapper(file)", True),
        ("subprocess.run(command, text=True)", True), ("subprocess.run(command)", False),
    ],
)  # fmt: skip
def test_the_check_finds_what_it_should(code: str, lacks: bool) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    assert lacks_encoding(call) is lacks


def test_what_an_encoding_lacks_is_printed_as_a_question_mark() -> None:
    code = (
        "import sys, dreamcli.__main__ as entry; entry._print_in_any_encoding(); print('\u2588 caf\u00e9 \u732b.png')"
    )
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    assert done.stdout.strip() == b"? caf\xe9 ?.png"
