"""The page in a real browser, as a visitor uses it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dreamcli
from dreamcli.files.record import read_record
from tests.conftest import Outcome, scene
from tests.web.serving import CHROMIUM, Server, serving

pytest.importorskip("nicegui", reason="the page needs the extra `web`")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

LONG = {"Steps": "4000", "Size": "128"}
SHORT = {"Steps": "2", "Octaves": "2", "Size": "64"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        arguments = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP evil.example 127.0.0.1"]
        opened = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


class Tab:
    """A browser's tab with the page in it."""

    def __init__(self, browser: Any, server: Server, **options: Any) -> None:
        self.page = browser.new_page(**options)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.goto(server.address)
        self.page.get_by_role("button", name="Make it").first.wait_for()

    @property
    def status(self) -> str:
        return str(self.page.get_by_role("status").inner_text())

    @property
    def command(self) -> list[str]:
        return shlex.split(self.page.locator(".command pre").inner_text())

    def open(self, name: str) -> None:
        """Go to another form's tab, and wait until it has replaced the one before."""
        shown = ".make:visible"
        before = self.page.locator(shown).get_attribute("id")
        self.page.get_by_role("tab", name=name).click()
        self.wait(
            lambda: self.page.locator(shown).count() == 1 and self.page.locator(shown).get_attribute("id") != before
        )

    def visible(self, label: str) -> Any:
        return self.page.get_by_label(label, exact=True).locator("visible=true").first

    def set(self, **values: str) -> None:
        more = self.page.get_by_text("More settings").locator("visible=true").first
        if "Steps" in values and not self.page.get_by_label("Steps", exact=True).locator("visible=true").count():
            more.click()
        for label, value in values.items():
            self.visible(label).fill(value)

    def drop(self, name: str, data: bytes, place: int = 0) -> None:
        chooser = self.page.locator(".drop:visible input[type=file]").nth(place)
        chooser.set_input_files({"name": name, "mimeType": "image/png", "buffer": data})

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).locator("visible=true").first.click()

    def make(self) -> None:
        """Click, once more if pictures that were still loading moved the button away."""
        before = self.status
        for _ in range(3):
            self.page.locator(".make:visible").click()
            for _ in range(50):
                if self.status != before or self.page.locator(".q-notification").count():
                    return
                self.page.wait_for_timeout(100)

    def wait(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            notes = self.page.locator(".q-notification").all_inner_texts()
            assert time.monotonic() < deadline, (self.status, notes, self.complaints)
            self.page.wait_for_timeout(100)

    def wait_until(self, status: str) -> None:
        self.wait(lambda: status in self.status)

    def download(self, place: Path, number: int = 0) -> Path:
        with self.page.expect_download() as download:
            self.page.locator(".download").nth(number).click()
        path = place / download.value.suggested_filename
        download.value.save_as(path)
        return path


@pytest.fixture
def tab(browser: Any, server: Server) -> Iterator[Tab]:
    opened = Tab(browser, server)
    yield opened
    opened.page.close()


def png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_the_page_asks_no_other_host_for_anything(tab: Tab, server: Server) -> None:
    for name in ("Class", "Boost", "Style", "See inside"):
        tab.page.get_by_role("tab", name=name).click()
    tab.page.wait_for_timeout(500)
    elsewhere = [url for url in tab.requests if not url.startswith((server.address, "data:", "blob:"))]
    assert not elsewhere
    assert not tab.complaints


def test_page_python_and_command_make_the_same_bytes(tab: Tab, run: Callable[..., Outcome], tmp_path: Path) -> None:
    data = png(scene())
    Path("photo.png").write_bytes(data)
    tab.drop("photo.png", data)
    tab.page.get_by_text("photo.png").wait_for()
    tab.set(**SHORT, Layers="dreamnet/fire5 high*0.5")
    tab.make()
    tab.wait_until("done")
    made = tab.download(tmp_path / "page")
    model = "dreamnet+efficientnet_lite0"
    assert run(*tab.command[1:], "--model", model, "--judge", "auto").code == 0
    assert made.name == "photo-dream.png"
    assert made.read_bytes() == Path("photo-dream.png").read_bytes()
    layers = ["dreamnet/fire5", "high*0.5"]
    dreamcli.dream("photo.png", layer=layers, steps=2, octaves=2, size=64).save("python.png")
    assert made.read_bytes() == Path("python.png").read_bytes()


def test_a_picture_that_is_dropped_back_brings_its_settings(tab: Tab, run: Callable[..., Outcome], photo: Path) -> None:
    small = ("--size", 48, "--steps", 1, "--octaves", 1)
    assert run("boost", "photo.png", "--layer", "mid:3", "--strength", 0.8, "--no-mirror", *small).code == 0
    tab.drop("anything.png", Path("photo-boost.png").read_bytes())
    tab.wait_until("now drop photo.png")
    assert tab.page.get_by_role("tab", name="Boost").get_attribute("aria-selected") == "true"
    tab.drop("photo.png", photo.read_bytes())
    tab.page.get_by_text("photo.png", exact=True).wait_for()
    tab.press("Show the command")
    tab.wait(lambda: "boost" in tab.command)
    again = run(*tab.command[1:], "-o", "again.png")
    assert again.code == 0, again.err
    assert Path("again.png").read_bytes() == Path("photo-boost.png").read_bytes()


def test_a_picture_grows_and_can_be_stopped(tab: Tab, tmp_path: Path) -> None:
    tab.drop("photo.png", png(scene()))
    tab.page.get_by_text("photo.png").wait_for()
    tab.set(**LONG)
    tab.make()
    seen = set()

    def has_grown() -> bool:
        image = tab.page.locator(".picture img")
        seen.add(image.first.get_attribute("src") if image.count() else None)
        return len(seen - {None}) >= 3

    tab.wait(has_grown)
    tab.set(Size="96")  # the page isn't frozen
    tab.press("Stop")
    tab.wait_until("stopped")
    record = read_record(tab.download(tmp_path))
    assert record is not None
    assert record.stopped == "interrupted"


def test_only_what_was_painted_changes(tab: Tab, run: Callable[..., Outcome], tmp_path: Path) -> None:
    pixels = scene(90, 120)
    tab.drop("photo.png", png(pixels))
    tab.page.get_by_text("photo.png", exact=True).wait_for()
    tab.page.get_by_text("Mask: paint").first.click()
    canvas = tab.page.locator(".canvas:visible img").first
    tab.page.wait_for_timeout(500)  # it unfolds
    canvas.evaluate("each => each.scrollIntoView()")
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.2
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    for _ in range(5):
        y += box["height"] * 0.1
        tab.page.mouse.move(x, y)
        tab.page.wait_for_timeout(50)
    tab.page.mouse.up()
    tab.set(Steps="2", Octaves="2")
    tab.make()
    tab.wait_until("done")
    made, mask = tab.download(tmp_path), tab.download(tmp_path, 1)
    painted = np.asarray(Image.open(mask).resize((120, 90)))
    assert painted[20:50, 24].min() > 128
    change = np.abs(np.asarray(Image.open(made).convert("RGB")).astype(int) - pixels).max(2)
    assert change[25:45, 22:26].mean() > 3
    assert change[:, 60:].max() == 0
    Path("photo.png").write_bytes(png(pixels))
    assert run(*tab.command[1:], "-o", "again.png", "--model", "dreamnet+efficientnet_lite0").code == 0
    assert Path("again.png").read_bytes() == made.read_bytes()


@pytest.mark.parametrize(("name", "data"), [("text.png", b"not a picture"), ("half.png", png(scene())[:900])])
def test_a_broken_file_is_refused_in_words(tab: Tab, name: str, data: bytes) -> None:
    tab.drop(name, data)
    note = tab.page.locator(".q-notification", has_text=name)
    note.wait_for()
    assert note.count() == 1
    assert tab.page.get_by_alt_text(name).count() == 0


def test_what_cannot_be_made_is_said(tab: Tab) -> None:
    tab.set(Layers="fire99")
    tab.make()
    tab.page.locator(".q-notification", has_text="fire99").wait_for()
    tab.open("Style")
    tab.make()
    tab.page.locator(".q-notification", has_text="drop a picture that has the style first").wait_for()


PASTE = """(bytes) => {
    const pasted = new DataTransfer();
    pasted.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }));
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: pasted }));
}"""


def test_a_picture_can_be_pasted(tab: Tab) -> None:
    tab.page.evaluate(PASTE, list(png(scene())))
    tab.page.get_by_alt_text("pasted.png").wait_for()


def test_a_layer_is_chosen_by_what_it_draws(tab: Tab) -> None:
    tab.press("Layer efficientnet_lite0/block5")
    tab.wait(lambda: tab.visible("Layers").input_value() == "efficientnet_lite0/block5")


def test_two_visitors_take_turns_and_a_closed_tab_makes_room(browser: Any, server: Server) -> None:
    first, second = Tab(browser, server), Tab(browser, server)
    for each, values in ((first, LONG), (second, SHORT)):
        each.set(**values)
        each.make()
        each.wait(lambda each=each: "octave" in each.status or "ahead of you" in each.status)
    assert second.status == "1 ahead of you"
    first.page.close()
    second.wait_until("done")
    second.page.close()


REACH = """async (address) => {
    const read = await fetch(address).then((answer) => answer.text()).catch(() => "");
    const polled = await fetch(address + "/_nicegui_ws/socket.io/?EIO=4&transport=polling", {credentials: "include"})
        .then((answer) => answer.text()).catch(() => "");
    const socket = await new Promise((resolve) => {
        const place = address.replace("http", "ws") + "/_nicegui_ws/socket.io/";
        const opened = new WebSocket(place + "?EIO=4&transport=websocket");
        opened.onopen = () => resolve("opened");
        opened.onerror = () => resolve("");
    });
    return [read, polled, socket];
}"""


def test_a_page_of_a_stranger_can_neither_read_nor_drive_it(browser: Any, server: Server) -> None:
    port = server.address.rpartition(":")[2]
    page = browser.new_page()
    answer = page.goto(f"http://evil.example:{port}")  # as after DNS rebinding
    assert answer.status == 403
    assert "dreamcli" not in page.content()
    read, polled, socket = page.evaluate(REACH, f"http://evil.example:{port}")
    assert (read, polled, socket) == (
        *2 * ["The page doesn't have this name. If it should, start it with --allow-host."],
        "",
    )
    assert page.evaluate(REACH, server.address) == ["", "", ""]
    page.close()


def test_a_closed_tab_takes_nothing_from_another(browser: Any, server: Server) -> None:
    first, second = Tab(browser, server), Tab(browser, server)
    first.page.close()
    second.page.wait_for_timeout(6000)  # until the server has let go of it
    sources = second.page.evaluate("[...document.querySelectorAll('img')].map(each => each.src)")
    assert len(sources) > 5
    for source in sources:
        assert source.startswith("data:") or second.page.request.get(source).ok, source
    second.page.close()


@pytest.mark.parametrize(
    "name", ["{id}.png", "-o.png", "a" * 300 + ".png", "..", "a\nb.png", "\N{FACE WITH TEARS OF JOY}" * 90]
)
def test_a_picture_may_have_any_name(tab: Tab, tmp_path: Path, name: str) -> None:
    tab.drop(name, png(scene()))
    tab.wait(lambda: bool(tab.page.locator(".drop + div img").count()))
    tab.set(**SHORT)
    tab.make()
    tab.wait_until("done")
    assert np.asarray(Image.open(tab.download(tmp_path))).size
    assert not [word for word in tab.command[2:] if word == "-o.png"]


def test_several_pictures_are_shown_until_they_are_removed(tab: Tab) -> None:
    tab.open("Style")
    chooser = tab.page.locator(".drop:visible input[type=file]").nth(1)
    small = {"mimeType": "image/png", "buffer": png(scene(6, 8))}
    chooser.set_input_files([{"name": f"{number}.png", **small} for number in range(12)])
    shown = tab.page.locator(".drop + div img:visible")
    tab.wait(lambda: shown.count() == 12)
    tab.press("Remove 3.png")
    tab.wait(lambda: shown.count() == 11)
    assert tab.page.get_by_alt_text("3.png").count() == 0


def test_every_tab_shows_its_controls_on_a_phone(browser: Any, server: Server) -> None:
    tab = Tab(browser, server, viewport={"width": 390, "height": 844}, has_touch=True)
    for name in ("Class", "Boost", "Style", "Dream"):
        tab.open(name)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    unlabelled = tab.page.evaluate("""() => [...document.querySelectorAll("input:not([type=file]), button, textarea")]
        .filter(each => each.offsetParent && !(each.ariaLabel || each.innerText || each.closest("label")
            || each.labels?.length)).map(each => each.outerHTML)""")
    assert not unlabelled
    tab.page.close()


def test_the_server_outlives_broken_files_and_closed_tabs(browser: Any, server: Server) -> None:
    tab = Tab(browser, server)
    tab.drop("broken.png", b"broken")
    tab.wait(lambda: any("/upload/" in url for url in tab.requests))
    url = next(url for url in tab.requests if "/upload/" in url)
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n" + bytes(4_000_000)}

    def send(times: int) -> None:
        for _ in range(times):
            assert tab.page.request.post(url, multipart={"file": broken}).ok

    def open_and_close(times: int) -> None:
        for _ in range(times):
            Tab(browser, server).page.close()
        tab.page.wait_for_timeout(4000)  # until the server has let go of them

    send(2)
    open_and_close(2)
    before = server.memory
    send(8)
    open_and_close(3)
    assert server.memory - before < 40e6
    tab.drop("photo.png", png(scene()))
    tab.page.get_by_text("photo.png").wait_for()
    tab.page.close()
    tab.page.context.close()
    deadline = time.monotonic() + 10
    (own,) = server.own_folders
    while [each for each in own.iterdir() if each.name != "nicegui"] and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not [each for each in own.iterdir() if each.name != "nicegui"]
