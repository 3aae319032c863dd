"""Films play in a real browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("av", reason="films need the extra `video`")
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

PAGE = """<video muted src="{name}"></video>"""
PLAY = """async () => {
    const video = document.querySelector("video");
    await video.play();
    await new Promise(resolve => { video.onended = resolve; });
    return [video.videoWidth, video.videoHeight, video.duration, video.getVideoPlaybackQuality().totalVideoFrames];
}"""


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_a_film_plays_to_its_end(run, photo: Path, suffix: str) -> None:
    assert run("film", "photo.png", "--seconds", 1, "--fps", 8, "--steps", 1, "-o", f"film.{suffix}").code == 0
    Path("page.html").write_text(PAGE.format(name=f"film.{suffix}"))
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(Path("page.html").resolve().as_uri())
        width, height, duration, shown = page.evaluate(PLAY)
        browser.close()
    assert (width, height) == (80, 60)
    assert duration == pytest.approx(1, abs=0.15)
    assert shown >= 4
