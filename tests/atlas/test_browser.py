"""The pages in a real browser. Any complaint in its console, and any request but for a file, fails a test."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from dreamcli.atlas.pages import write_pages

from .fake import COLORS, FOLDERS, HOSTILE, make_atlas

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

WIDTHS = (1280, 1140, 390)  # the middle one is the narrowest on which the diagram is a table
PAGES = ["index.html", *(f"{place}/index.html" for place in FOLDERS), f"{FOLDERS[1]}/0.html", f"{FOLDERS[1]}/1.html"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("atlas")
    write_pages(make_atlas(folder), folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: playwright.Browser) -> Iterator[playwright.Page]:
    context = browser.new_context(color_scheme="light", viewport={"width": 1280, "height": 800})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.extend(beyond_files(request.url)))
    page.on("requestfailed", lambda request: complaints.extend(failure(request)))
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    yield page
    context.close()
    assert not complaints


def beyond_files(address: str) -> list[str]:
    return [] if address.startswith(("file://", "data:")) else [f"request of {address}"]


def failure(request: playwright.Request) -> list[str]:
    # what a page leaves behind when it is left for another is no failure
    return [] if request.failure == "net::ERR_ABORTED" else [f"{request.failure}: {request.url}"]


def opened(page: playwright.Page, folder: Path, name: str) -> playwright.Page:
    page.goto((folder / name).as_uri())
    return page


def search(page: playwright.Page, text: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(text)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_its_screen_and_shows_its_pictures(
    page: playwright.Page, folder: Path, name: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    opened(page, folder, name)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    outside = """[...document.querySelectorAll("main *:not(.unseen)")]
        .filter((each) => each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML)"""
    assert page.evaluate(outside) == []
    for picture in page.locator("img").all():
        picture.scroll_into_view_if_needed()
        page.wait_for_function("(image) => image.complete && image.naturalWidth > 0", arg=picture.element_handle())


def test_a_drawn_picture_is_cut_into_its_squares(page: playwright.Page, folder: Path) -> None:
    opened(page, folder, f"{FOLDERS[0]}/0.html")
    squares = page.locator(".squares img").all()
    assert len(squares) == len(COLORS)
    for square, color in zip(squares, COLORS, strict=True):
        seen = Image.open(io.BytesIO(square.screenshot())).convert("RGB")
        assert seen.width == pytest.approx(seen.height, abs=1)
        for x in (0.1, 0.5, 0.9):
            pixel = seen.getpixel((int(x * seen.width), seen.height // 2))
            assert pixel == pytest.approx(color, abs=2)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("features.0", f"{FOLDERS[0]}/index.html"),
        ("mid", f"{FOLDERS[1]}/index.html"),
        ("MIXED", f"{FOLDERS[1]}/index.html"),
        ("mid:3", f"{FOLDERS[1]}/3.html"),
        ("features.7.conv:1", f"{FOLDERS[2]}/12.html"),
        ("tabby <cat>", f"{FOLDERS[0]}/0.html"),
        (HOSTILE, f"{FOLDERS[0]}/0.html"),
    ],
)
@pytest.mark.parametrize("start", ["index.html", f"{FOLDERS[1]}/1.html"])
def test_search_goes_to_what_was_typed(page: playwright.Page, folder: Path, start: str, text: str, name: str) -> None:
    search(opened(page, folder, start), text)
    page.keyboard.press("Enter")
    page.wait_for_url((folder / name).as_uri())


def test_arrows_choose_a_result_and_escape_closes_the_list(page: playwright.Page, folder: Path) -> None:
    search(opened(page, folder, "index.html"), "features.0:")
    options = page.get_by_role("option")
    assert options.count() == 3
    page.keyboard.press("Escape")
    assert options.count() == 0
    page.keyboard.type("z")
    assert page.locator("#nothing").inner_text() == "No layer, channel or class matches."
    page.keyboard.press("Backspace")
    for key, number in [("ArrowDown", 1), ("ArrowDown", 2), ("ArrowDown", 0), ("ArrowUp", 2)]:
        page.keyboard.press(key)
        assert page.locator("[aria-selected=true] .label").inner_text() == f"features.0:{number}"
    page.keyboard.press("Enter")
    page.wait_for_url((folder / FOLDERS[0] / "2.html").as_uri())


def test_a_click_chooses_a_result(page: playwright.Page, folder: Path) -> None:
    search(opened(page, folder, f"{FOLDERS[1]}/1.html"), "goldfish")
    page.get_by_role("option").nth(1).click()
    page.wait_for_url((folder / FOLDERS[0] / "2.html").as_uri())


@pytest.mark.parametrize(("key", "name"), [("ArrowRight", "12"), ("j", "12"), ("ArrowLeft", "3"), ("k", "3")])
def test_keys_turn_to_the_next_channel_and_back(page: playwright.Page, folder: Path, key: str, name: str) -> None:
    opened(page, folder, f"{FOLDERS[2]}/{'3' if name == '12' else '12'}.html")
    page.keyboard.press(key)
    page.wait_for_url((folder / FOLDERS[2] / f"{name}.html").as_uri())


def test_keys_in_the_search_box_turn_no_page(page: playwright.Page, folder: Path) -> None:
    search(opened(page, folder, f"{FOLDERS[2]}/3.html"), "j")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    assert page.url == (folder / FOLDERS[2] / "3.html").as_uri()
    assert page.locator("#search").input_value() == "j"


def test_the_theme_is_toggled_and_kept(page: playwright.Page, folder: Path) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = opened(page, folder, "index.html").evaluate(background)
    button = page.get_by_role("button", name="Dark theme")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    dark = page.evaluate(background)
    assert dark != light
    assert button.get_attribute("aria-pressed") == "true"
    assert opened(page, folder, f"{FOLDERS[1]}/0.html").evaluate(background) == dark
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(background) == light
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(background) == light  # the choice outranks the system


def test_the_first_tab_skips_to_the_content(page: playwright.Page, folder: Path) -> None:
    opened(page, folder, "index.html").keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_pages_work_without_scripts(browser: playwright.Browser, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = opened(context.new_page(), folder, "index.html")
    assert not page.locator("#search").is_visible()
    assert not page.locator("#theme").is_visible()
    page.locator("details summary").nth(1).click()
    page.locator("main a.name").first.click()
    page.wait_for_url((folder / FOLDERS[0] / "index.html").as_uri())
    page.locator(".sheet a").first.click()
    page.locator("a[rel=next]").click()
    page.wait_for_url((folder / FOLDERS[0] / "1.html").as_uri())
    context.close()
