from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.art.artwork import Step
from dreamcli.files.reading import Picture
from dreamcli.files.record import read_record
from dreamcli.studio.animate import MAX_FRAMES, Animation
from tests.conftest import scene
from tests.files.test_record import RECORD


def climbed(film: Animation, steps: int, octaves: int, start: Picture | None = None) -> list[int]:
    """Watch a climb, and return the steps, counted from 1, whose pictures were rendered."""
    rendered: list[int] = []
    watch = film.watching(start, None)
    for octave in range(1, octaves + 1):
        for step in range(1, steps + 1):
            done = (octave - 1) * steps + step

            def picture(done: int = done) -> np.ndarray:
                rendered.append(done)
                return np.full((8, 8, 3), done * 60 % 256, np.uint8)

            watch(Step(step, steps, octave, octaves, 0.0, done / (steps * octaves), picture))
    return rendered


@pytest.mark.parametrize(("steps", "octaves"), [(1, 1), (2, 2), (12, 6), (31, 2), (120, 4), (1000, 1)])
def test_frames_are_spread_evenly_and_bounded(steps: int, octaves: int) -> None:
    film, total = Animation(Path("a.gif")), steps * octaves
    rendered = climbed(film, steps, octaves)
    assert len(film.frames) == len(rendered) == film.taken == min(total, MAX_FRAMES - 2)
    assert rendered[-1] == total
    gaps = np.diff([0, *rendered])
    assert gaps.max() - gaps.min() <= 1


def test_the_first_frame_is_the_start() -> None:
    film = Animation(Path("a.gif"))
    climbed(film, 2, 1, Picture(scene()))
    assert len(film.frames) == 3
    np.testing.assert_array_equal(film.frames[0], scene())


def test_steps_are_passed_on() -> None:
    seen: list[Step] = []
    watch = Animation(Path("a.gif")).watching(None, seen.append)
    step = Step(1, 1, 1, 1, 0.5, 1.0, scene)
    watch(step)
    assert seen == [step]


def test_large_pictures_are_reduced_at_once() -> None:
    film = Animation(Path("a.gif"))
    film.watching(Picture(np.zeros((2, 2048, 3), np.uint8)), None)
    assert film.frames[0].shape == (1, 512, 3)


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_the_animation_ends_with_the_finished_picture(tmp_path: Path, suffix: str) -> None:
    film = Animation(tmp_path / f"a.{suffix}")
    climbed(film, 3, 1, Picture(scene()))
    film.write(Picture(255 - scene()), RECORD)
    assert read_record(film.path) == RECORD
    with Image.open(film.path) as animation:
        assert animation.size == (80, 60)
        assert animation.n_frames == 5
        animation.seek(4)
        last = np.asarray(animation.convert("RGB")).astype(int)
    assert np.abs(last - (255 - scene())).mean() < 6  # GIF has a palette of 256 colors, and the WebP is lossy
