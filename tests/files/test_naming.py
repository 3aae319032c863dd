"""Names of outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from dreamcli.errors import WrongRequest
from dreamcli.files.naming import fill_in, is_template
from dreamcli.files.plan import make_plan, plan_named
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.visualization import ClassSettings

DREAM = DreamSettings(layers=(LayerSpec("fire2", 3), LayerSpec("high")), seed=7)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{stem}.png", "cat.png"),
        ("out/{folder}/{stem}-{command}.{ext}", "out/a/b/cat-dream.jpg"),
        ("{layer}-{seed:04}.webp", "fire2-3+high-0007.webp"),
        ("{stem}-{strength}-{size}.png", "cat-0.5-default.png"),
        ("{{{stem}}}.png", "{cat}.png"),
        ("{stem:>5}.png", "  cat.png"),
        ("{mirror}.png", None),
    ],
)
def test_names_are_filled_in(template: str, path: str | None) -> None:
    if path is None:
        with pytest.raises(WrongRequest, match=r"there is no \{mirror\}"):
            fill_in(template, DREAM, "cat")
    else:
        assert fill_in(template, DREAM, "cat", ".jpg", Path("a/b")) == Path(path)


def test_a_suffix_that_cannot_be_written_becomes_png() -> None:
    assert fill_in("{stem}.{ext}", DREAM, "cat", ".tiff") == Path("cat.png")
    assert fill_in("{stem}.{ext}", DREAM, "cat", ".JPEG") == Path("cat.JPEG")


def test_a_film_has_a_film_s_ending() -> None:
    film = FilmSettings(seconds=3, seed=7)
    for source, template, path in (
        ("in/cat.jpg", "{stem}-{seconds}s.{ext}", "cat-3s.mp4"),
        ("in/cat.gif", "{stem}-{form}.{ext}", "cat-dream.gif"),
    ):
        assert make_plan([source], template, film)[0].output == Path(path)
    with pytest.raises(WrongRequest, match=r"must end in \.mp4, .*, or in \.{ext}"):
        make_plan(["cat.jpg"], "{stem}.png", film)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{stam}.png", "there is no {stam}; did you mean stem?"),
        ("{}.png", "write {{ and }} for braces"),
        ("{stem.__class__}.png", "there is no"),
        ("{stem", "expected '}'"),
        ("stem}.png", "Single '}'"),
        ("{seed:q}.png", "Unknown format code"),
        ("{stem}", "must end in .png"),
        ("{stem}.gif", "must end in .png"),
    ],
)
def test_wrong_templates_are_refused(template: str, problem: str) -> None:
    assert is_template(template)
    with pytest.raises(WrongRequest) as caught:
        fill_in(template, DREAM, "cat")
    assert problem in str(caught.value)


def test_a_folder_with_braces_is_no_template(tmp_path: Path) -> None:
    (tmp_path / "{stem}").mkdir()
    assert not is_template(str(tmp_path / "{stem}"))
    assert not is_template(None)


def test_a_folder_is_planned_by_a_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photos/a.jpg", "photos/more/a.jpg", "photos/more/b.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"")
    tasks = make_plan(["photos"], "out/{folder}/{stem}-{seed}.{ext}", DREAM)
    assert [task.output.as_posix() for task in tasks] == ["out/a-7.jpg", "out/more/a-7.jpg", "out/more/b-7.png"]
    with pytest.raises(WrongRequest, match="would both be written to"):
        make_plan(["photos"], "out/{stem}.png", DREAM)
    with pytest.raises(WrongRequest, match="is an input"):
        make_plan(["photos/a.jpg"], "photos/{stem}.{ext}", DREAM)


def test_named_pictures_are_planned_by_a_template() -> None:
    wanted = [("golden retriever", ClassSettings(classes=(207,), seed=3)), ("tench", ClassSettings(classes=(0,)))]
    tasks = plan_named(wanted, "{stem}-{class}-{seed}.png")
    assert [str(task.output) for task in tasks] == ["golden-retriever-207-3.png", "tench-0-0.png"]


def test_a_long_name_is_cut(tmp_path: Path) -> None:
    (task,) = plan_named([("x" * 200, ClassSettings(classes=(0,)))], str(tmp_path / "{stem}{stem}.png"))
    assert len(task.output.name) <= 255
    assert task.output.suffix == ".png"
