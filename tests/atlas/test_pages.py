from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from dreamcli.atlas import pages
from dreamcli.atlas.contents import Atlas, channel_count
from dreamcli.errors import DreamcliError

from .fake import CHANNELS, FOLDERS, HOSTILE, LAYERS, make_atlas


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def addresses(self) -> list[str]:
        """Of everything that it links to or loads, but for what an address holds itself."""
        found = [values.get(key) for _, values in self.elements for key in ("href", "src")]
        return [address for address in found if address is not None and not address.startswith("data:")]

    def target(self, address: str) -> Path:
        return (self.path.parent / unquote(urlsplit(address).path)).resolve() if urlsplit(address).path else self.path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("atlas").resolve()


@pytest.fixture(scope="module")
def atlas(folder: Path) -> Atlas:
    return make_atlas(folder)


@pytest.fixture(scope="module")
def written(atlas: Atlas, folder: Path) -> list[Path]:
    return pages.write_pages(atlas, folder)


@pytest.fixture(scope="module")
def html(written: list[Path]) -> dict[Path, Page]:
    return {path: Page(path) for path in written if path.suffix == ".html"}


def test_every_page_is_written_at_its_address(written: list[Path], folder: Path) -> None:
    names = ["index.html", "style.css", "script.js", "index.js"]
    for place, numbers in zip(FOLDERS, CHANNELS, strict=True):
        names += [f"{place}/index.html", *(f"{place}/{number}.html" for number in numbers)]
    assert written == [folder / name for name in names]
    assert all(path.is_file() for path in written)


def test_every_link_and_every_picture_is_there(html: dict[Path, Page]) -> None:
    for page in html.values():
        for address in page.addresses():
            assert page.target(address).is_file(), f"{page.path}: {address}"
            if fragment := urlsplit(address).fragment:
                ids = {values.get("id") for _, values in html[page.target(address)].elements}
                assert fragment in ids, f"{page.path}: {address}"


def test_nothing_is_asked_of_a_network(html: dict[Path, Page], folder: Path) -> None:
    for page in html.values():
        for address in page.addresses():
            parts = urlsplit(address)
            assert not parts.scheme, f"{page.path}: {address}"
            assert not parts.netloc, f"{page.path}: {address}"
            assert not address.startswith("/"), f"{page.path}: {address}"
    assert not re.search(r"url\(|@import|@font-face", (folder / "style.css").read_text())
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|https?:", (folder / "script.js").read_text())


def test_links_alone_lead_from_the_front_page_to_every_page(html: dict[Path, Page], folder: Path) -> None:
    seen: set[Path] = set()
    ahead = [folder / "index.html"]
    while ahead:
        path = ahead.pop()
        if path in seen or path not in html:
            continue
        seen.add(path)
        links = [values.get("href") for tag, values in html[path].elements if tag == "a"]
        ahead += [html[path].target(link) for link in links if link]
    assert seen == set(html)


def test_the_same_atlas_gives_the_same_bytes(atlas: Atlas, written: list[Path], tmp_path: Path, folder: Path) -> None:
    for path in pages.write_pages(atlas, tmp_path):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()


def test_every_picture_is_described_and_has_its_size(html: dict[Path, Page]) -> None:
    for page in html.values():
        for tag, values in page.elements:
            if tag == "img":
                assert values.get("alt"), page.path
                assert int(values.get("width") or 0) > 0, page.path
                assert int(values.get("height") or 0) > 0, page.path
                assert values.get("loading") == "lazy", page.path


def test_every_page_has_a_language_a_title_and_landmarks(html: dict[Path, Page]) -> None:
    titles = {re.findall("<title>(.+?)</title>", path.read_text(encoding="utf-8"))[0] for path in html}
    assert len(titles) == len(html)
    for page in html.values():
        tags = [tag for tag, _ in page.elements]
        assert ("html", "en") in [(tag, values.get("lang")) for tag, values in page.elements]
        assert tags.count("h1") == tags.count("main") == tags.count("header") == tags.count("footer") == 1
        ids = [values["id"] for _, values in page.elements if "id" in values]
        assert len(ids) == len(set(ids)), page.path


def test_hostile_names_are_escaped(html: dict[Path, Page]) -> None:
    for page in html.values():
        scripts = [values for tag, values in page.elements if tag == "script"]
        assert [Path(values.get("src") or "").name for values in scripts] == ["script.js", "index.js"], page.path
        assert not {"b", "cat", "others"} & {tag for tag, _ in page.elements}, page.path
        assert HOSTILE in page.text  # in the name of the network


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_channel_links_to_its_neighbors_and_what_feeds_it(html: dict[Path, Page], folder: Path, number: int) -> None:
    page = html[folder / FOLDERS[1] / f"{number}.html"]
    turns = {values["rel"]: values["href"] for tag, values in page.elements if tag == "a" and "rel" in values}
    assert turns.get("prev") == (f"{number - 1}.html" if number > 0 else None)
    assert turns.get("next") == (f"{number + 1}.html" if number < 3 else None)
    targets = [page.target(address).relative_to(folder).as_posix() for address in page.addresses()]
    assert {"features.0/2.html", "features.0/1.html", "features.0/2.png"} <= set(targets)
    assert "features.0:99" in page.text
    assert "features.0/99.html" not in targets
    assert "\N{MINUS SIGN}0.5 holds it back" in page.text
    assert "+0.75 raises it" in page.text


def test_the_search_index_holds_the_names_as_they_are(written: list[Path], folder: Path) -> None:
    text = (folder / "index.js").read_text(encoding="ascii")
    index = json.loads(text.removeprefix("window.ATLAS = ").removesuffix(";\n"))
    assert [(name, alias) for name, _, alias, _ in index["layers"]] == list(LAYERS)
    assert [unquote(place) for _, place, _, _ in index["layers"]] == list(FOLDERS)
    assert [tuple(numbers) for *_, numbers in index["layers"]] == list(CHANNELS)
    assert dict(index["classes"])[HOSTILE][:2] == [[0, 0], [0, 2]]


def test_an_atlas_of_nothing_has_a_front_page(tmp_path: Path) -> None:
    empty = Atlas("empty", "", (224, 224), 24, 0, 0, 0, (), (), "0.1.0")
    assert len(pages.write_pages(empty, tmp_path)) == 4
    assert "empty" in Page(tmp_path / "index.html").text


def test_a_folder_that_cannot_be_written_to_is_an_error(atlas: Atlas, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DreamcliError, match="could not write"):
        pages.write_pages(atlas, tmp_path / "file")


def themes(style: str) -> list[dict[str, str]]:
    """The colors of each theme; the dark one is written twice."""
    blocks = re.findall(r"color-scheme: (?:light|dark);(.+?)}", style, re.DOTALL)
    return [dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in blocks]


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_has_enough_contrast_in_both_themes(written: list[Path], folder: Path) -> None:
    light, dark, chosen_dark = themes((folder / "style.css").read_text())
    assert dark == chosen_dark
    for theme in (light, dark):
        for ink in ("ink", "muted", "accent", "held"):
            for ground in ("paper", "raised", "track"):
                low, high = sorted((luminance(theme[ink]), luminance(theme[ground])))
                assert (high + 0.05) / (low + 0.05) >= 4.5, f"{ink} on {ground}"


@pytest.mark.parametrize(("shape", "count"), [((8, 3, 2), 8), ((197, 768), 768), ((10,), 10)])
def test_channels_are_counted_in_any_shape(shape: tuple[int, ...], count: int) -> None:
    assert channel_count(shape) == count
