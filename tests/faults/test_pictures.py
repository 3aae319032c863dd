"""Files made to break readers: each is read or refused with a reason, in 10 seconds and 2 GiB at most."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dreamcli.errors import DreamcliError
from dreamcli.files.decoder import Decoder
from tests.faults import nasty


def outcomes(files: Iterator[Path]) -> dict[str, str]:
    """Why each was refused; empty if it was read."""
    decoder = Decoder()  # with the limits of --safe-decode
    found = {}
    for path in files:
        try:
            picture = decoder.read(path)
            assert picture.pixels.size, path
            found[path.name] = ""
        except DreamcliError as error:
            found[path.name] = str(error)
    beyond = ("refused: decoding it", "too large for this machine's memory")
    assert not {name: reason for name, reason in found.items() if reason.startswith(beyond)}
    return found


KINDS = {
    nasty.truncated: 0.05,
    nasty.flipped: 0.3,
    nasty.huge_headers: 0.05,
    nasty.bombs: 0.3,
    nasty.unusual: 0.9,
    nasty.lying: 0.2,
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_nothing_hangs_crashes_or_takes_all_the_memory(tmp_path: Path, kind) -> None:
    for name, contents in kind():
        (tmp_path / name).write_bytes(contents)
    found = outcomes(tmp_path.iterdir())
    assert sum(not reason for reason in found.values()) >= KINDS[kind] * len(found)


def test_pictures_that_others_collected(shared: Path) -> None:
    found = outcomes(path for path in (shared / "data" / "bad-images").rglob("*") if path.is_file())
    assert len(found) > 200
    assert sum(not reason for reason in found.values()) > 150
