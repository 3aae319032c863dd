"""Check the pages of an atlas: as files, and in a real browser."""

from __future__ import annotations

import shutil
from collections import deque
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

CHROMIUM = shutil.which("chromium")
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Links(HTMLParser):
    """The addresses on a page: of other pages, and of what it shows; and its pictures without a description."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.pages: list[str] = []
        self.parts: list[str] = []
        self.undescribed: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "a":
            self.pages.append(given["href"] or "")
        elif tag == "link":
            self.parts.append(given["href"] or "")
        elif "src" in given:
            self.parts.append(given["src"] or "")
        if tag == "img" and "alt" not in given:
            self.undescribed.append(given["src"] or "")


def pages_from(folder: Path) -> set[Path]:
    """The pages that links lead to from the front page; fails if an address on any of them leads nowhere."""
    start = folder / "index.html"
    found, todo = {start}, deque([start])
    while todo:
        page = todo.popleft()
        links = Links(page)
        assert not links.undescribed, page
        for address in [*links.pages, *links.parts]:
            if address == "data:,":
                continue  # no icon
            parts = urlsplit(address)
            assert not parts.scheme, f"{page} leads to {address}"
            assert not parts.netloc, f"{page} leads to {address}"
            if not parts.path:
                continue  # a place on the same page
            target = (page.parent / unquote(parts.path)).resolve()
            assert target.is_relative_to(folder.resolve()), f"{page} leads out of the atlas: {address}"
            assert target.is_file(), f"{page} leads to {address}, which isn't there"
            target = folder / target.relative_to(folder.resolve())
            if address in links.pages and target.suffix == ".html" and target not in found:
                found.add(target)
                todo.append(target)
    return found


def browsed(folder: Path, size: tuple[int, int] = (1280, 900)):
    """Pages opened in Chromium: yields (page, open), and fails on an error, or on a request that leaves the disk."""
    if not CHROMIUM:
        pytest.skip("needs Chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        # a picture that was still to come when the page was left is no fault
        page.on("requestfailed", lambda r: None if r.failure == "net::ERR_ABORTED" else faults.append(f"no {r.url}"))
        page.on("request", lambda request: None if request.url.startswith("file:") else faults.append(request.url))
        yield page, lambda name: page.goto((folder / name).resolve().as_uri())
        browser.close()
        assert not faults
