from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from dreamcli.errors import Hint, WrongRequest
from dreamcli.files.plan import find_pictures, make_plan, plan_each_style, plan_named
from dreamcli.files.reading import Picture
from dreamcli.files.writing import write_picture
from dreamcli.settings.classify import ClassifySettings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.style import StyleSettings
from dreamcli.settings.visualization import BoostSettings, ClassSettings
from tests.conftest import scene
from tests.files.test_record import RECORD

DREAM = DreamSettings()
SEVERAL = BoostSettings(count=2)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "a.jpg",
        "b.PNG",
        "pics/c.png",
        "pics/notes.txt",
        "pics/deep/er/d.webp",
        "pics/deep/a.tiff",
        "none/x.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("inputs", "output", "pairs"),
    [
        (["a.jpg"], None, {"a.jpg": "a-dream.png"}),
        (["a.jpg"], "x.webp", {"a.jpg": "x.webp"}),
        (["a.jpg"], "new/", {"a.jpg": "new/a.png"}),
        (["a.jpg"], "none", {"a.jpg": "none/a.png"}),
        (["pics/c.png"], None, {"pics/c.png": "c-dream.png"}),
        (["a.jpg", "b.PNG"], None, {"a.jpg": "a-dream.png", "b.PNG": "b-dream.png"}),
        (["a.jpg", "pics/c.png"], "out", {"a.jpg": "out/a.png", "pics/c.png": "out/pics/c.png"}),
        (
            ["pics"], None,
            {"pics/c.png": "pics-dream/c.png", "pics/deep/a.tiff": "pics-dream/deep/a.png",
             "pics/deep/er/d.webp": "pics-dream/deep/er/d.png"},
        ),
        (["pics/deep/"], "out", {"pics/deep/a.tiff": "out/a.png", "pics/deep/er/d.webp": "out/er/d.png"}),
        (["*.jpg"], None, {"a.jpg": "a-dream.png"}),
        (
            ["pics/**/*.*e*"], "out",
            {"pics/deep/er/d.webp": "out/pics/deep/er/d.png"},
        ),
        (["missing.png"], None, {"missing.png": "missing-dream.png"}),
    ],
)  # fmt: skip
def test_where_everything_goes(tree: Path, inputs: list[str], output: str | None, pairs: dict[str, str]) -> None:
    if inputs == ["pics/**/*.*e*"]:
        (tree / "pics/deep/a.tiff").unlink()
    plan = make_plan(inputs, output, DREAM)
    assert {str(t.source): str(t.output) for t in plan} == pairs
    assert not any(t.problem for t in plan)


@pytest.mark.parametrize(
    ("inputs", "output", "message", "hint"),
    [
        (["a.jpg"], "x.gif", "must end in .png, .jpg, .jpeg, .webp, or be a folder", None),
        (["a.jpg"], "x", "must end in", None),
        (["a.jpg", "b.PNG"], "b.PNG", "is a file's name, but several pictures need a folder", None),
        (["pics"], "out.png", "is a file's name, but several pictures need a folder", None),
        ([""], None, "an input has an empty name", None),
        (["b.PNG"], "b.PNG", "is an input and would be overwritten", Hint.OTHER_OUTPUT),
        (["b.PNG"], "./pics/../b.PNG", "is an input and would be overwritten", Hint.OTHER_OUTPUT),
        (["../x/a.jpg", "../y/a.jpg"], "out", "both be written to out/a.jpg.png", Hint.TWO_RUNS),
        (["x/a.jpg", "y/a.jpg"], None, "both be written to a-dream.jpg.png", Hint.FOLDER_OUTPUT),
        (["pics/"], "pics", "pics is an input folder and would be overwritten", Hint.OTHER_OUTPUT),
        (["pics", "none"], ".", "pics is an input folder and would be overwritten", Hint.OTHER_OUTPUT),
        (["pics", "none"], "none", "none is an input folder and would be overwritten", Hint.OTHER_OUTPUT),
    ],
)
def test_a_plan_that_would_lose_a_picture_is_refused(
    tree: Path, inputs: list[str], output: str | None, message: str, hint: Hint | None
) -> None:
    with pytest.raises(WrongRequest, match=message) as caught:
        make_plan(inputs, output, DREAM)
    assert caught.value.hint is hint


def test_several_folders_keep_their_names(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "none/c.png").touch()
    wanted = ["out/pics/c.png", "out/pics/deep/a.png", "out/pics/deep/er/d.png", "out/none/c.png"]
    for pics, none in (("pics", "none/"), (str(tree / "pics"), "./none")):
        plan = make_plan([pics, none], "out", DREAM)
        assert [str(t.output) for t in plan] == wanted
    assert {t.key for t in plan} == {"c.png", "deep/a.tiff", "deep/er/d.webp"}
    monkeypatch.chdir(tree / "pics/deep")
    plan = make_plan(["..", "../../none"], "out", DREAM)
    assert [str(t.output) for t in plan] == wanted


def test_results_of_several_folders_are_in_none_of_them(tree: Path) -> None:
    for name in ("pics/out/pics/c.png", "pics/out/none/gone.png"):
        write_picture(tree / name, Picture(scene()), RECORD)
    sources = [str(t.source) for t in make_plan(["pics", "none"], "pics/out", DREAM)]
    assert sources == ["pics/c.png", "pics/deep/a.tiff", "pics/deep/er/d.webp", "none"]


@pytest.mark.parametrize("given", ["none", "*.bmp"])
def test_nothing_found_is_a_problem_of_that_input(tree: Path, given: str) -> None:
    (task, other) = make_plan([given, "a.jpg"], "out", DREAM)
    assert task.problem
    assert not other.problem


def test_pictures_of_one_stem_are_told_apart(tree: Path) -> None:
    (tree / "a.png").touch()
    plan = make_plan(["a.jpg", "a.png", "b.PNG"], "out", DREAM)
    assert [str(t.output) for t in plan] == ["out/a.jpg.png", "out/a.png.png", "out/b.png"]


def test_one_that_is_made_keeps_its_output_when_another_of_its_stem_comes(tree: Path) -> None:
    (tree / "a.png").touch()
    record = replace(RECORD, source="some/where/a.png")
    write_picture(tree / "out/a.png", Picture(scene()), record)
    plan = make_plan(["a.jpg", "a.png"], "out", DREAM)
    assert [str(t.output) for t in plan] == ["out/a.jpg.png", "out/a.png"]


@pytest.mark.parametrize(
    ("inputs", "message", "hint"),
    [
        (["http://example.com/a.jpg"], "http://example.com/a.jpg is a web address, not a file", Hint.PIPE),
        (["b.jpg", "two", "words.jpg"], "the name 'two words.jpg' has spaces in it, so put it in quotes", None),
        (["my", "own", "folder"], "the name 'my own folder' has spaces in it, so put it in quotes", None),
    ],
)
def test_a_name_that_was_typed_wrongly_is_explained(
    tree: Path, inputs: list[str], message: str, hint: Hint | None
) -> None:
    (tree / "two words.jpg").touch()
    (tree / "my own folder").mkdir()
    with pytest.raises(WrongRequest, match=f"^{re.escape(message)}$") as caught:
        make_plan(inputs, None, DREAM)
    assert caught.value.hint is hint
    assert make_plan(["two words.jpg"], None, DREAM)[0].problem == ""


def test_names_that_differ_in_case_alone_are_numbered(tree: Path) -> None:
    (tree / "A.JPG").touch()
    plan = make_plan(["a.jpg", "A.JPG"], "out", DREAM)
    assert [str(t.output) for t in plan] == ["out/a.jpg.png", "out/A.JPG-2.png"]
    for name in ("IMG_1.png", "img_1.png", "Img_1.PNG"):
        (tree / "deep").mkdir(exist_ok=True)
        (tree / "deep" / name).touch()
    plan = make_plan(["deep"], "out", DREAM)
    assert len({str(t.output).casefold() for t in plan}) == 3
    assert plan == make_plan(["deep"], "out", DREAM)
    (tree / "Deep").mkdir()
    (tree / "Deep" / "img_1.png").touch()
    assert len({str(t.output).casefold() for t in make_plan(["deep", "Deep"], "out", DREAM)}) == 4


def test_a_twin_that_is_made_keeps_its_name(tree: Path) -> None:
    (tree / "A.JPG").touch()
    write_picture(tree / "out/A.JPG.png", Picture(scene()), replace(RECORD, source="A.JPG"))
    plan = make_plan(["a.jpg", "A.JPG"], "out", DREAM)
    assert [str(t.output) for t in plan] == ["out/a.jpg-2.png", "out/A.JPG.png"]


def test_a_template_tells_several_folders_apart(tree: Path) -> None:
    for folder in ("x", "y"):
        (tree / folder / "in").mkdir(parents=True)
        (tree / folder / "in" / "a.jpg").touch()
    several = make_plan(["x", "y"], "out/{folder}/{stem}.png", DREAM)
    assert [str(t.output) for t in several] == ["out/x/in/a.png", "out/y/in/a.png"]
    assert [str(t.output) for t in make_plan(["x"], "out/{folder}/{stem}.png", DREAM)] == ["out/in/a.png"]


def test_case_alone_does_not_tell_the_outputs_of_two_folders_apart(tree: Path) -> None:
    for name in ("x/a.jpg", "y/A.JPG"):
        (tree / name).parent.mkdir()
        (tree / name).touch()
    with pytest.raises(WrongRequest, match="would both be written"):
        make_plan(["x/a.jpg", "y/A.JPG"], "out/{stem}.png", DREAM)


def test_an_input_that_comes_up_twice_is_made_once(tree: Path) -> None:
    plan = make_plan(["a.jpg", "pics", "./a.jpg", "pics/c.png"], "out", DREAM)
    assert [str(t.source) for t in plan].count("a.jpg") == 1
    assert len(plan) == 4


def test_earlier_results_are_no_inputs(tree: Path) -> None:
    write_picture(tree / "b-dream.png", Picture(scene()), RECORD)
    assert [str(t.source) for t in make_plan(["b.PNG", "b-dream.png"], None, DREAM)] == ["b.PNG"]
    assert [str(t.source) for t in make_plan(["b-dream.png"], None, DREAM)] == ["b-dream.png"]
    write_picture(tree / "pics/out/pics/c.png", Picture(scene()), RECORD)
    sources = [str(t.source) for t in make_plan(["pics/**/*.png"], "pics/out", DREAM)]
    assert sources == ["pics/c.png"]


def test_several_pictures_of_one_input_are_numbered(tree: Path) -> None:
    (task,) = make_plan(["a.jpg"], "x.webp", SEVERAL)
    assert [str(output) for output in task.outputs] == ["x-1.webp", "x-2.webp"]
    (task,) = make_plan(["a.jpg"], None, BoostSettings(count=2, sheet=True))
    assert task.outputs == [Path("a-boost.png")]
    (task,) = make_plan(["n" * 245 + ".jpg"], None, SEVERAL)
    assert [len(output.name) for output in task.outputs] == [255, 255]


def test_earlier_numbered_results_are_no_inputs(tree: Path) -> None:
    for name in ("b-boost-1.png", "b-boost-2.png", "b-boost-3.png", "b-boost.png"):
        write_picture(tree / name, Picture(scene()), RECORD)
    assert [str(t.source) for t in make_plan(["b*"], None, SEVERAL)] == ["b-boost-3.png", "b.PNG"]


def test_numbered_results_overwrite_no_input(tree: Path) -> None:
    (tree / "b-2.png").touch()
    with pytest.raises(WrongRequest, match=r"b-2.png is an input and would be overwritten"):
        make_plan(["b-2.png"], "b.png", SEVERAL)
    with pytest.raises(WrongRequest, match=r"b-2.png is an input and would be overwritten"):
        plan_named([("goldfish", ClassSettings(classes=(1,), count=2))], "b.png", Path("b-2.png"))


def test_named_pictures_have_names_for_files(tree: Path) -> None:
    wanted = [("great white shark", ClassSettings(classes=(2,))), ("crane+tub/vat", ClassSettings(classes=(134, 876)))]
    for output, names in (
        (None, ["great-white-shark-class.png", "crane-tub-vat-class.png"]),
        ("out", ["out/great-white-shark-class.png", "out/crane-tub-vat-class.png"]),
    ):
        tasks = plan_named(wanted, output, Path("a.jpg"))
        assert [str(task.output) for task in tasks] == names
        assert [(task.title, task.key, task.settings) for task in tasks] == [(n, n, s) for n, s in wanted]
        assert {task.source for task in tasks} == {Path("a.jpg")}
    assert plan_named(wanted[:1], "x.png")[0].output == Path("x.png")
    with pytest.raises(WrongRequest, match=r"a!b and a b would both be written to a-b-class.png") as caught:
        plan_named([(name, ClassSettings(classes=(0,))) for name in ("a!b", "a b")], None)
    assert caught.value.hint is Hint.TWO_RUNS


def test_pictures_are_found_each_once(tree: Path) -> None:
    tasks = find_pictures(["pics", "pics/c.png", "none", "*.bmp", "gone.png"], ClassifySettings())
    assert {str(t.source): t.problem for t in tasks} == {
        "pics/c.png": "",
        "pics/deep/a.tiff": "",
        "pics/deep/er/d.webp": "",
        "none": "there is no picture in this folder",
        "*.bmp": "no file matches this pattern",
        "gone.png": "",
    }


def test_an_input_under_another_name_is_not_overwritten(tree: Path) -> None:
    (tree / "other.png").hardlink_to(tree / "a.jpg")
    with pytest.raises(WrongRequest, match="is an input and would be overwritten"):
        make_plan(["a.jpg"], "other.png", DREAM)


def test_names_that_are_too_long_are_no_crash(tree: Path) -> None:
    assert make_plan(["n" * 300], None, DREAM)[0].source == Path("n" * 300)


@pytest.mark.parametrize("letter", ["n", "\N{SMILING FACE WITH SMILING EYES}", "\udcff"])
def test_outputs_of_long_names_fit_and_stay_apart(tree: Path, letter: str) -> None:
    longest = letter * (251 // len(os.fsencode(letter)))
    stems = [longest, longest[:-1] + "x"]
    for stem in stems:
        (tree / "pics" / f"{stem}.jpg").touch()
        (tree / "pics" / f"{stem}.png").touch()
    for inputs, output in (["pics"], None), (["pics"], "x"), ([f"pics/{stem}.jpg" for stem in stems], None):
        plan = make_plan(inputs, output, DREAM)
        outputs = [os.fsencode(task.output.name) for task in plan]
        assert max(map(len, outputs)) <= 255
        assert len(set(outputs)) == len(outputs)
        assert outputs == [os.fsencode(task.output.name) for task in make_plan(inputs, output, DREAM)]


def test_a_name_that_fits_is_kept(tree: Path) -> None:
    (tree / ("n" * 251 + ".jpg")).touch()
    (task,) = make_plan(["n" * 251 + ".jpg"], "out/", DREAM)
    assert task.output.name == "n" * 251 + ".png"
    (task,) = make_plan(["n" * 245 + ".jpg"], None, DREAM)
    assert task.output.name == "n" * 245 + "-dream.png"


def test_results_inside_the_input_folder_are_not_inputs_again(tree: Path) -> None:
    (tree / "pics/out").mkdir()
    (tree / "pics/out/c.png").touch()
    plan = make_plan(["pics"], "pics/out", DREAM)
    assert [str(t.source) for t in plan] == ["pics/c.png", "pics/deep/a.tiff", "pics/deep/er/d.webp"]


def test_a_name_with_wildcards_that_exists_is_a_name(tree: Path) -> None:
    (tree / "[1].png").touch()
    assert [str(t.output) for t in make_plan(["[1].png"], None, DREAM)] == ["[1]-dream.png"]


@pytest.fixture
def linked(tree: Path) -> Path:
    """The tree with links: in circles, out of it, to one of its own pictures, and to nothing."""
    (tree / "outside").mkdir()
    (tree / "outside/o.png").touch()
    (tree / "pics/loop").symlink_to(tree / "pics")
    (tree / "pics/deep/loop").symlink_to("..")
    (tree / "pics/out").symlink_to(tree / "outside")
    (tree / "pics/a.png").symlink_to(tree / "a.jpg")
    (tree / "pics/zero.png").symlink_to("/dev/zero")
    (tree / "pics/self.png").symlink_to("self.png")
    return tree


def test_links_in_folders_are_followed_when_that_is_asked_for(linked: Path) -> None:
    real = ["pics/c.png", "pics/deep/a.tiff", "pics/deep/er/d.webp"]
    assert [str(t.source) for t in make_plan(["pics"], None, DREAM)] == real
    followed = [str(t.source) for t in make_plan(["pics"], None, DREAM, follow_links=True)]
    assert sorted(followed) == sorted([*real, "pics/a.png", "pics/out/o.png", "pics/self.png", "pics/zero.png"])


@pytest.mark.parametrize("follow", [False, True])
def test_a_glob_goes_around_no_circle(linked: Path, follow: bool) -> None:
    (linked / "pics/loop2").symlink_to(".")  # one more, and there are 2 ** 40 ways
    (linked / "pics/.hidden").mkdir()
    (linked / "pics/.hidden/h.png").touch()
    named = ["pics/a.png", "pics/c.png"]  # what a glob names is an input
    sources = [str(t.source) for t in make_plan(["pics/**/*.png"], "x", DREAM, follow)]
    assert sources == [*named, *(["pics/out/o.png"] if follow else [])]
    everything = {str(t.source) for t in make_plan(["**"], "x", DREAM, follow)}
    assert {"a.jpg", "b.PNG", "pics/notes.txt", "outside/o.png", "pics/deep/er/d.webp"} <= everything
    assert not any("hidden" in source for source in everything)
    twice = make_plan(["**/deep/**/*.webp"], "x", DREAM, follow)
    assert [str(t.source) for t in twice] == ["pics/deep/er/d.webp"]


def test_a_link_that_is_an_input_is_followed(linked: Path) -> None:
    assert [str(t.source) for t in make_plan(["pics/a.png"], None, DREAM)] == ["pics/a.png"]
    assert [str(t.source) for t in make_plan(["pics/out"], "x", DREAM)] == ["pics/out/o.png"]


def test_a_folder_of_links_alone_tells_how_they_are_followed(linked: Path) -> None:
    (linked / "links").mkdir()
    (linked / "links/a.png").symlink_to(linked / "a.jpg")
    (links,), (none,) = (make_plan([name], None, DREAM) for name in ("links", "none"))
    assert (links.problem, links.hint) == ("there is no picture in this folder, only links", Hint.FOLLOW_LINKS)
    assert (none.problem, none.hint) == ("there is no picture in this folder", None)


def test_a_folder_that_can_not_be_looked_into_is_a_problem_of_its_own(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def guarded(path: str) -> object:
        if str(path) == "pics/deep":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    plan = make_plan(["pics"], None, DREAM)
    assert {str(t.source): t.problem for t in plan} == {
        "pics/c.png": "",
        "pics/deep": "can't look into this folder (Permission denied)",
    }


@pytest.fixture
def moving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photos, videos and animated pictures."""
    folder = tmp_path / "mix"
    (folder / "in").mkdir(parents=True)
    for name in ("a.jpg", "b.mp4", "in/c.MOV", "in/d.txt"):
        (folder / name).touch()
    one, other = Image.new("RGB", (2, 2)), Image.new("RGB", (2, 2), "white")
    for name in ("e.gif", "in/f.webp", "g.png"):
        one.save(folder / name, save_all=True, append_images=[other])
    one.save(folder / "h.gif")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.usefixtures("moving")
@pytest.mark.parametrize(
    ("inputs", "output", "films", "pictures"),
    [
        (["mix/b.mp4"], None, ["b-dream.mp4"], []),
        (["mix/b.mp4"], "x.gif", ["x.gif"], []),
        (["mix/b.mp4"], "new/", ["new/mix/b.mp4"], []),
        (["mix/e.gif"], None, ["e-dream.gif"], []),
        (["mix/e.gif"], "x.mp4", ["x.mp4"], []),
        (["mix/e.gif"], "x.webp", ["x.webp"], []),
        (["mix/e.gif"], "x.png", [], ["x.png"]),
        (["mix/e.gif"], "{stem}.jpg", [], ["e.jpg"]),
        (["mix/e.gif"], "x/{stem}.{ext}", ["x/e.gif"], []),
        (["mix/g.png"], None, ["g-dream.webp"], []),
        (["mix/h.gif"], None, [], ["h-dream.png"]),
        (["mix/b.mp4", "mix/a.jpg"], None, ["b-dream.mp4"], ["a-dream.png"]),
        (["mix/b.mp4", "mix/a.jpg"], "out", ["out/mix/b.mp4"], ["out/mix/a.png"]),
        (["mix/b.mp4", "mix/a.jpg"], "{stem}-x.{ext}", ["b-x.mp4"], ["a-x.jpg"]),
        (["mix/*.mp4"], None, ["b-dream.mp4"], []),
        (
            ["mix"], None,
            ["mix-dream/b.mp4", "mix-dream/e.gif", "mix-dream/g.webp", "mix-dream/in/c.mp4", "mix-dream/in/f.webp"],
            ["mix-dream/a.png", "mix-dream/h.png"],
        ),
    ],
)  # fmt: skip
def test_what_moves_becomes_a_film(
    inputs: list[str], output: str | None, films: list[str], pictures: list[str]
) -> None:
    tasks = make_plan(inputs, output, DREAM)
    assert not any(task.problem for task in tasks)
    assert sorted(task.output.as_posix() for task in tasks if task.is_film) == films
    assert sorted(task.output.as_posix() for task in tasks if not task.is_film) == pictures


@pytest.mark.usefixtures("moving")
def test_without_looking_into_pictures_none_is_animated() -> None:
    tasks = make_plan(["mix"], None, DREAM, animated=False)
    assert {str(task.source) for task in tasks if task.is_film} == {"mix/b.mp4", "mix/in/c.MOV"}


@pytest.mark.usefixtures("moving")
def test_a_form_that_takes_no_videos_finds_none() -> None:
    for tasks in (make_plan(["mix"], None, BoostSettings()), find_pictures(["mix"], ClassifySettings())):
        assert not any(task.is_film for task in tasks)
        assert {task.source.name for task in tasks} == {"a.jpg", "e.gif", "f.webp", "g.png", "h.gif"}


@pytest.mark.usefixtures("moving")
@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["mix/b.mp4"], "x.png", "x.png must end in .mp4, .webm, .mkv, .gif, .webp"),
        (["mix/a.jpg"], "x.mp4", "x.mp4 must end in .png"),
        (["mix/b.mp4", "mix/a.jpg"], "x.mp4", "several pictures need a folder"),
        (["mix/b.mp4"], "-", "a film can't go to stdout"),
    ],
)
def test_a_film_needs_a_name_of_a_film(inputs: list[str], output: str, message: str) -> None:
    with pytest.raises(WrongRequest, match=message):
        make_plan(inputs, output, DREAM)


@pytest.mark.usefixtures("moving")
@pytest.mark.parametrize(
    ("source", "output", "film"),
    [("mix/a.jpg", None, "a-film.mp4"), ("mix/e.gif", None, "e-film.mp4"), ("mix/a.jpg", "x.gif", "x.gif"),
     ("mix", None, "mix-film.mp4"), ("*.jpg", "x.webp", "x.webp")],
)  # fmt: skip
def test_a_form_that_makes_films_makes_one_of_a_picture(source: str, output: str | None, film: str) -> None:
    (task,) = make_plan([source], output, FilmSettings())
    assert (task.source, task.output, task.is_film, task.problem) == (Path(source), Path(film), True, "")


@pytest.mark.usefixtures("moving")
@pytest.mark.parametrize("output", ["x.png", "new/", "mix", "x"])
def test_a_film_of_a_picture_is_a_file(output: str) -> None:
    with pytest.raises(WrongRequest, match=f"^{Path(output)} must end in .mp4, .webm, .mkv, .gif, .webp$"):
        make_plan(["mix/a.jpg"], output, FilmSettings())


@pytest.mark.usefixtures("moving")
def test_a_template_that_suits_no_film_is_a_problem_of_the_film() -> None:
    film, picture = make_plan(["mix/b.mp4", "mix/a.jpg"], "{stem}-x.png", DREAM)
    assert film.problem.startswith("{stem}-x.png must end in .mp4")
    assert (picture.problem, picture.output) == ("", Path("a-x.png"))


@pytest.mark.usefixtures("moving")
def test_videos_of_one_stem_are_told_apart() -> None:
    Path("mix/b.mov").touch()
    tasks = make_plan(["mix/b.mov", "mix/b.mp4"], "out", DREAM)
    assert [task.output.name for task in tasks] == ["b.mov.mp4", "b.mp4.mp4"]


STYLES = [Path("p/oil.jpg"), Path("q/ink wash.png"), Path("q/oil.png")]


@pytest.mark.usefixtures("moving")
@pytest.mark.parametrize(
    ("inputs", "output", "names"),
    [
        (["mix/a.jpg"], None, ["a-style-oil.png", "a-style-ink-wash.png", "a-style-oil-2.png"]),
        (["mix/a.jpg"], "x.jpg", ["x-oil.jpg", "x-ink-wash.jpg", "x-oil-2.jpg"]),
        (["mix/a.jpg"], "{style}/{stem}.png", ["oil/a.png", "ink-wash/a.png", "oil-2/a.png"]),
        (["mix/a.jpg"], "{stem}-{seed}.png", ["a-0-oil.png", "a-0-ink-wash.png", "a-0-oil-2.png"]),
        (["mix/b.mp4"], None, ["b-style-oil.mp4", "b-style-ink-wash.mp4", "b-style-oil-2.mp4"]),
        (
            ["mix/a.jpg", "mix/e.gif"], "out",
            [f"out/mix/{name}" for name in ("a-oil.png", "a-ink-wash.png", "a-oil-2.png", "e-oil.gif",
                                            "e-ink-wash.gif", "e-oil-2.gif")],
        ),
    ],
)  # fmt: skip
def test_each_style_has_its_own_output(inputs: list[str], output: str | None, names: list[str]) -> None:
    tasks = plan_each_style(STYLES, output, lambda output: make_plan(inputs, output, StyleSettings()))
    assert [task.output.as_posix() for task in tasks] == names
    assert [task.style for task in tasks] == [0, 1, 2] * (len(names) // 3)


@pytest.mark.usefixtures("moving")
def test_an_input_that_is_not_there_is_one_problem_for_all_styles() -> None:
    tasks = plan_each_style(STYLES, None, lambda output: make_plan(["x*.jpg"], output, StyleSettings()))
    assert [task.problem for task in tasks] == ["no file matches this pattern"]


@pytest.mark.usefixtures("moving")
def test_results_in_each_style_are_no_inputs() -> None:
    write_picture(Path("a-style-oil.png"), Picture(scene()), RECORD)
    write_picture(Path("a.png"), Picture(scene()), RECORD)
    tasks = plan_each_style(STYLES[:1], None, lambda output: make_plan(["a*.png"], output, StyleSettings()))
    assert [str(task.source) for task in tasks] == ["a.png"]
