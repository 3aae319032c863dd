from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dreamcli.errors import DreamcliError, Install
from dreamcli.files.decoder import Decoder, DecoderCrash
from dreamcli.files.reading import Picture, read_picture
from dreamcli.files.writing import write_picture
from tests.conftest import scene
from tests.files.test_record import RECORD


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    rgba = np.dstack([scene(), scene()[..., 0]])
    Image.fromarray(scene()).save(tmp_path / "plain.jpg")
    Image.fromarray(rgba).save(tmp_path / "alpha.png")
    Image.fromarray(scene()).save(tmp_path / "two\n\udcff.gif", save_all=True, append_images=[Image.new("RGB", (9, 9))])
    return sorted(tmp_path.iterdir())


def test_it_reads_as_the_reader_does(pictures: list[Path]) -> None:
    decoder = Decoder()
    for path in pictures:
        there, here = decoder.read(path), read_picture(path)
        np.testing.assert_array_equal(there.pixels, here.pixels)
        np.testing.assert_array_equal(there.alpha, here.alpha)
        assert (there.sha256, there.notes) == (here.sha256, here.notes)


def test_reasons_are_those_of_the_reader(pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("text")
    decoder = Decoder()
    for name, reason in (("text.png", "not a readable picture"), ("none.png", "no such file"), (".", "a folder")):
        with pytest.raises(DreamcliError, match=reason):
            decoder.read(Path(name))
    assert decoder.read(pictures[0]).pixels.shape == (60, 80, 3)


def test_advice_is_that_of_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    (tmp_path / "pillow_heif.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DreamcliError) as caught:
        Decoder().read(path)
    assert caught.value.hint == Install("heif")


def test_what_hangs_is_given_up_and_the_next_is_read(pictures: list[Path]) -> None:
    decoder = Decoder(seconds=1)
    decoder.read(pictures[0])
    os.kill(decoder._child.pid, signal.SIGSTOP)
    with pytest.raises(DreamcliError, match="took more than 1 seconds"):
        decoder.read(pictures[0])
    decoder.seconds = 10
    assert decoder.read(pictures[0]).pixels.shape == (60, 80, 3)


def test_what_crashes_is_told_and_the_next_is_read(pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    start = Decoder._start

    def start_and_crash(self: Decoder) -> object:
        child = start(self)
        child.send_signal(signal.SIGSEGV)
        child.wait()
        return child

    decoder = Decoder()
    with monkeypatch.context() as patch:
        patch.setattr(Decoder, "_start", start_and_crash)
        with pytest.raises(DecoderCrash, match=r"crashed \(Segmentation fault\)"):
            decoder.read(pictures[0])
    decoder.read(pictures[0])
    # one that an earlier picture broke is replaced, and the picture read
    os.kill(decoder._child.pid, signal.SIGKILL)
    assert decoder.read(pictures[0]).pixels.shape == (60, 80, 3)


def test_memory_is_limited(tmp_path: Path) -> None:
    Image.new("L", (9000, 9000)).save(tmp_path / "large.png")
    with pytest.raises(DreamcliError, match="too large for this machine's memory"):
        Decoder(memory=400 << 20).read(tmp_path / "large.png")


def test_a_folder_of_pictures_gives_it_no_code(pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures[0].parent)
    Path("numpy.py").write_text("raise SystemExit(3)")
    assert Decoder().read(pictures[0]).pixels.shape == (60, 80, 3)


def test_it_reads_the_record_as_the_reader_does(tmp_path: Path) -> None:
    write_picture(tmp_path / "ours.png", Picture(scene()), RECORD)
    Image.fromarray(scene()).save(tmp_path / "theirs.tif")
    Image.fromarray(scene()).save(tmp_path / "plain.jpg")
    decoder = Decoder()
    assert decoder.record(tmp_path / "ours.png") == RECORD
    assert decoder.record(tmp_path / "plain.jpg") is None
    with pytest.raises(DreamcliError, match="not a readable picture"):
        decoder.record(tmp_path / "theirs.tif")
    assert decoder.read(tmp_path / "ours.png").pixels.shape == scene().shape


def test_a_record_of_megabytes_is_none(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_itxt("dreamcli", '{"job": {"command": "' + 50_000_000 * "x" + '"}}')
    Image.fromarray(scene()).save(tmp_path / "theirs.png", pnginfo=info)
    assert Decoder().record(tmp_path / "theirs.png") is None
