"""The room for visitors' files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dreamcli.errors import WrongRequest

pytest.importorskip("nicegui", reason="the page needs the extra `web`")
from dreamcli.web import shared
from dreamcli.web.drops import file_name
from dreamcli.web.names import Names
from dreamcli.web.shared import Shared


@pytest.fixture
def room(tmp_path: Path) -> Shared:
    nobody: Any = None
    for visitor in ("one", "two"):
        (tmp_path / visitor / "place").mkdir(parents=True)
    return Shared([], tmp_path, 512, nobody, nobody)


def test_a_visitor_has_room_for_so_many_files(room: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MAX_FILES", 3)
    for number in range(3):
        room.check_room(room.folder / "one")
        (room.folder / "one" / "place" / f"{number}.png").touch()
    with pytest.raises(WrongRequest, match="more than 3 files; reload the page"):
        room.check_room(room.folder / "one")
    room.check_room(room.folder / "two")


def test_all_visitors_have_room_for_so_many_bytes(room: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MAX_BYTES", 10_000_000)
    monkeypatch.setattr(shared, "MAX_BYTES_OF_ALL", 15_000_000)
    (room.folder / "one" / "place" / "large.png").write_bytes(bytes(9_000_000))
    with pytest.raises(WrongRequest, match="more than 10 MB of files; reload the page"):
        room.check_room(room.folder / "one", 2_000_000)
    room.check_room(room.folder / "two", 5_000_000)
    with pytest.raises(WrongRequest, match="no room left; try again later"):
        room.check_room(room.folder / "two", 7_000_000)


def test_a_file_is_served_until_its_visitor_leaves(room: Shared) -> None:
    path = room.folder / "one" / "place" / "{id}.png"
    path.touch()
    key = room.address(path).removeprefix(f"{shared.MADE}/")
    assert room.response(key).status_code == 200
    assert room.response("other").status_code == 404
    room.forget(room.folder / "two")
    assert room.response(key).status_code == 200
    room.forget(room.folder / "one")
    assert room.response(key).status_code == 404


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("cat.png", "cat.png"),
        ("C:\\pictures\\cat.png", "cat.png"),
        ("../../etc/passwd", "passwd"),
        ("", "picture"),
        ("..", "picture"),
        ("a/", "picture"),
        ("a\0b\n.png", "a_b_.png"),
        ("{id}.png", "{id}.png"),
        (".png", ".png"),
    ],
)
def test_an_upload_may_be_called_anything(typed: str, kept: str) -> None:
    assert file_name(typed) == kept


@pytest.mark.parametrize("typed", ["a" * 999 + ".png", "\N{FACE WITH TEARS OF JOY}" * 999, "a." + "b" * 999])
def test_a_long_name_fits_every_file_system(typed: str) -> None:
    assert len(file_name(typed).encode()) <= 255


def test_a_page_for_everybody_has_any_address_but_no_other_name() -> None:
    names = Names("0.0.0.0", ["proxy.example"])
    assert all(name in names for name in ("192.0.2.7:7860", "[2001:db8::1]:80", "localhost", "PROXY.example"))
    assert not any(
        name in names for name in ("evil.example", "192.0.2.7.evil.example", "", "[", "0.0.0.0.evil.example")
    )
