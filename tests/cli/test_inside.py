"""``invert``, ``caricature`` and ``explain`` as a person types them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from tests.conftest import scene


@pytest.mark.parametrize("command", ["invert", "caricature"])
def test_a_photograph_is_redrawn_and_replayed(run, photo: Path, command: str) -> None:
    outcome = run(command, photo, "--layer", "low", "--steps", 3, "--octaves", 1)
    assert outcome.code == 0, outcome.err
    made = Path(f"photo-{command}.png")
    assert read_picture(made).pixels.shape == scene().shape
    before = made.read_bytes()
    assert run("replay", made, "-o", "again.png").code == 0
    assert read_picture(Path("again.png")).pixels.tobytes() == read_picture(made).pixels.tobytes()
    outcome = run(command, photo, "--layer", "mid:7")
    assert outcome.code == 2
    assert "leave out the channel" in outcome.err
    assert made.read_bytes() == before


def test_a_photograph_is_explained_and_replayed(run, photo: Path) -> None:
    pytest.importorskip("captum", reason="needs the extra `explain`")
    outcome = run("explain", photo, "--class", "goldfish", "--class", 5, "--steps", 2)
    assert outcome.code == 0, outcome.err
    record = read_record(Path("photo-explain.png"))
    assert record is not None
    assert record.provenance.settings["classes"] == [1, 5]
    assert run("replay", "photo-explain.png", "-o", "again.png").code == 0
    first, again = (read_picture(Path(name)).pixels for name in ("photo-explain.png", "again.png"))
    assert first.tobytes() == again.tobytes()
    again = run("explain", photo, "--class", "goldfish", "--class", 5, "--steps", 2, "--raw", "maps.npz")
    assert "(already made) (arrays: maps.npz)" in again.err
    with np.load("maps.npz") as maps:
        assert "goldfish, gradient" in maps
        assert len(maps) == 6
        assert all(found.shape[0] == 1 and 0 <= found.min() <= found.max() <= 1 for found in maps.values())
    outcome = run("explain", photo, "--class", "goldfisch")
    assert outcome.code == 2
    assert "did you mean goldfish" in outcome.err
