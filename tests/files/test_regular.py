"""Files that others named are opened in one place."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import dreamcli
from dreamcli.errors import DreamcliError
from dreamcli.files.identity import file_sha256
from dreamcli.files.regular import MAX_TEXT, open_regular, read_regular

PACKAGE = Path(dreamcli.__file__).parent
OPENERS = {"open", "read_text", "read_bytes", "file_digest"}
# the modules that open something by themselves, and how often
OPENING_ITSELF = {
    "files/atomic.py": 4,  # what it writes, and leftovers, which it locks
    "files/film.py": 1,  # the film that it writes
    "cli/pipes.py": 1,  # a temporary file, for writing
    "cli/report.py": 1,  # the log, for writing
    "__main__.py": 2,  # the null device
    "studio/cluster.py": 1,  # the null device
    "web/page.py": 2,  # the page's own style and script
    "atlas/pages.py": 1,  # its own templates
}
# networks are typed by name; weights and code of one's own are never named by a record
SPARED = ("networks", "engine", "files/regular.py")


def opened_in(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0] if node.args else None
            takes_open_file = isinstance(first, ast.Name) and first.id in ("file", "source")
            if name in OPENERS and not (isinstance(node.func, ast.Attribute) and takes_open_file):
                yield node


def test_nothing_else_opens_a_file_by_name() -> None:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if count := len(list(opened_in(path))):
            found[name] = count
    assert {name: count for name, count in found.items() if not name.startswith(SPARED)} == OPENING_ITSELF


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "sparse", "none", "null", "long"])
def test_only_ordinary_files_of_their_size_are_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(10**12)
    elif kind == "null":
        path = tmp_path / "a\0b"
    elif kind == "long":
        path = tmp_path / ("x" * 100_000)
    with pytest.raises(DreamcliError), open_regular(path, MAX_TEXT):
        pass
    with pytest.raises(DreamcliError) as caught:
        file_sha256(path)
    assert len(str(caught.value)) < 600


def test_a_file_of_the_system_has_an_end() -> None:
    assert read_regular(Path("/proc/self/maps"), MAX_TEXT) == b""
