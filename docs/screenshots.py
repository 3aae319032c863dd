"""Make the screenshots of the page: ``uv run python docs/screenshots.py``. Needs Chromium and the extra `web`."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "samples"
WIDE, PHONE = (1280, 900), (390, 844)
# each tab, and the pictures that are dropped there
TABS = {
    "Dream": ["coffee.jpg"],
    "Class": [],
    "Boost": [],
    "Style": ["chelsea.jpg", "styles/strokes.jpg"],
    "See inside": ["chelsea.jpg"],
}
SIZE = "384"


def main() -> None:
    """Use the page as a visitor would, and take pictures of it."""
    server = subprocess.Popen(
        [sys.executable, "-m", "dreamcli", "web", "--port", "0"], stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert server.stderr
    found = re.search(r"http://\S+", server.stderr.readline())
    assert found
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for name, pictures in TABS.items():
                page = browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]})
                page.goto(found[0])
                _make(page, name, pictures)
                stem = name.split()[-1].lower()
                _shoot(page, stem, full=False)
                page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
                page.wait_for_timeout(800)
                page.emulate_media(color_scheme="dark" if name == "Style" else "light")
                page.wait_for_timeout(800)
                _shoot(page, f"{stem}-phone", full=True)
                page.close()
    finally:
        server.terminate()
        server.wait()


def _make(page: Any, tab: str, pictures: list[str]) -> None:
    page.get_by_role("tab", name=tab).click()
    page.wait_for_timeout(1000)
    for place, picture in enumerate(pictures):
        page.locator(".drop:visible input[type=file]").nth(place).set_input_files(SAMPLES / picture)
        page.get_by_text(Path(picture).name, exact=True).locator("visible=true").wait_for()
    if tab != "Class":
        page.get_by_label("Size", exact=True).locator("visible=true").first.fill(SIZE)
    page.locator(".make:visible").click()
    page.get_by_role("status").filter(has_text="done").wait_for(timeout=300_000)
    page.wait_for_timeout(1000)


def _shoot(page: Any, name: str, full: bool) -> None:
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    with Image.open(io.BytesIO(page.screenshot(full_page=full))) as picture:
        picture.convert("RGB").save(HERE / "screenshots" / f"{name}.jpg", quality=84, optimize=True)


if __name__ == "__main__":
    main()
