from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PIL import Image
from torch import nn

from dreamcli import forms
from dreamcli.art.artwork import Artwork, Step
from dreamcli.errors import DreamcliError, Hint, WrongRequest
from dreamcli.files.plan import Task
from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.references import References
from dreamcli.settings.visualization import BoostSettings
from dreamcli.studio.animate import Animation
from dreamcli.studio.batch import Begin, Outcome, PictureMaker, Reading
from dreamcli.studio.pictures import read_image
from dreamcli.studio.session import Session
from tests.conftest import scene

NAMES = ("a", "b", "c")
TASKS = [Task(Path(name), Path(f"{name}.png"), DreamSettings()) for name in NAMES]
PATIENCE = 10  # seconds, after which an event won't happen by itself any more


class Scripted(PictureMaker):
    """A picture maker that makes nothing, and notes what was called."""

    def __init__(self, troubles: dict[str, BaseException] | None = None) -> None:
        super().__init__(open_session=lambda: None)  # type: ignore[arg-type, return-value]
        self.troubles = troubles or {}
        self.events = {f"{step} {name}": Event() for step in ("read", "make", "write") for name in NAMES}

    def _note(self, step: str, name: str) -> None:
        self.events[f"{step} {name}"].set()
        if trouble := self.troubles.get(f"{step} {name}"):
            raise trouble

    def load(self, task: Task) -> Reading:
        self._note("read", task.title)
        return None, []

    def make(self, task: Task, reading: Future[Reading], begin: Begin) -> list[Outcome]:
        if reading.exception():
            return super().make(task, reading, begin)
        self._note("make", task.title)
        return [Outcome("done", task.title, "")]

    def write(self, outcome: Outcome) -> Outcome:
        self._note("write", outcome.source)
        return outcome


def reported(maker: PictureMaker) -> tuple[bool, list[tuple[str, str]]]:
    outcomes: list[Outcome] = []
    ended = maker.run(TASKS, outcomes.extend)
    return ended, [(outcome.source, outcome.status) for outcome in outcomes]


def test_everything_is_reported_in_order() -> None:
    assert reported(Scripted()) == (True, [("a", "done"), ("b", "done"), ("c", "done")])
    assert Scripted().run([], print)


def test_one_picture_is_made_while_the_next_is_read_and_the_previous_written() -> None:
    class Waiting(Scripted):
        def make(self, task: Task, reading: Future[Reading], begin: Begin) -> list[Outcome]:
            if task.title == "a":
                assert self.events["read b"].wait(PATIENCE)
            return super().make(task, reading, begin)

        def write(self, outcome: Outcome) -> Outcome:
            if outcome.source == "a":
                assert self.events["make b"].wait(PATIENCE)
            return super().write(outcome)

    assert reported(Waiting())[0]


def test_only_one_picture_is_read_ahead() -> None:
    class Looking(Scripted):
        def make(self, task: Task, reading: Future[Reading], begin: Begin) -> list[Outcome]:
            if task.title == "a":
                assert not self.events["read c"].wait(0.1)
            return super().make(task, reading, begin)

    assert reported(Looking())[0]


def test_an_unreadable_picture_does_not_stop_the_rest() -> None:
    troubles = {"read a": DreamcliError("bad"), "read c": OSError("worse")}
    assert reported(Scripted(troubles)) == (True, [("a", "failed"), ("b", "done"), ("c", "failed")])


def test_nothing_is_made_without_a_session() -> None:
    with pytest.raises(WrongRequest):
        Scripted({"make b": WrongRequest("no such layer")}).run(TASKS, lambda _outcomes: None)


def test_a_report_that_fails_ends_the_run() -> None:
    def fail(_outcomes: list[Outcome]) -> None:
        raise DreamcliError("the disk is full")

    with pytest.raises(DreamcliError, match="disk is full"):
        Scripted().run(TASKS, fail)


def test_an_interruption_drops_the_current_picture_and_writes_the_previous_one() -> None:
    maker = Scripted({"make b": KeyboardInterrupt()})
    assert reported(maker) == (False, [("a", "done"), ("b", "interrupted")])
    assert maker.events["write a"].is_set()
    assert not maker.events["make c"].is_set()


QUICK = DreamSettings(steps=2, octaves=1, layers=(LayerSpec("low"),))
OTHER = DreamSettings(steps=1, octaves=1, layers=(LayerSpec("low"),))


def task_for(photo: Path, settings: DreamSettings | BoostSettings = QUICK) -> Task:
    return Task(photo, photo.with_name("out.png"), settings)


def made(maker: PictureMaker, *tasks: Task, begin: Begin = lambda _title: None) -> list[Outcome]:
    outcomes: list[Outcome] = []
    maker.run(tasks, outcomes.extend, begin)
    return outcomes


@pytest.fixture
def make(session: Session) -> Callable[..., PictureMaker]:
    """Makes picture makers."""

    def maker(**options: object) -> PictureMaker:
        return PictureMaker(open_session=lambda: (session, References()), **options)  # type: ignore[arg-type]

    return maker


def test_a_finished_picture_is_skipped_and_another_is_not_overwritten(make, photo: Path) -> None:
    (outcome,) = made(make(), task_for(photo))
    assert (outcome.status, outcome.source, outcome.output) == ("done", str(photo), str(photo.with_name("out.png")))
    assert set(outcome.details) == {"width", "height", "seconds", "score"}
    assert outcome.details["width"] == 80
    before = photo.with_name("out.png").read_bytes()
    (outcome,) = made(make(), task_for(photo))
    assert (outcome.status, outcome.message, outcome.result) == ("skipped", "(already made)", None)
    (outcome,) = made(make(), task_for(photo, OTHER))
    assert (outcome.status, outcome.hint) == ("failed", Hint.OVERWRITE)
    assert outcome.message.endswith("out.png already exists, but was made with different settings")
    assert photo.with_name("out.png").read_bytes() == before
    (outcome,) = made(make(overwrite=True), task_for(photo, OTHER))
    assert outcome.status == "done"
    assert photo.with_name("out.png").read_bytes() != before


def test_a_file_written_meanwhile_is_not_overwritten(make, photo: Path) -> None:
    def begin(_title: str) -> None:
        Image.fromarray(scene()).save(photo.with_name("out.png"))

    (outcome,) = made(make(), task_for(photo), begin=begin)
    assert (outcome.status, outcome.hint) == ("failed", Hint.OVERWRITE)
    assert "not made by dreamcli" in outcome.message
    np.testing.assert_array_equal(read_picture(photo.with_name("out.png")).pixels, scene())


def test_numbered_pictures_have_an_outcome_each(make, photo: Path) -> None:
    settings = BoostSettings(count=2, size=40, steps=1, octaves=1)
    first, second = made(make(), Task(None, photo.with_name("two.png"), settings, name="two"))
    assert [Path(each.output).name for each in (first, second)] == ["two-1.png", "two-2.png"]
    assert [read_record(Path(each.output)).provenance.settings["index"] for each in (first, second)] == [0, 1]
    assert {each.status for each in made(make(), Task(None, photo.with_name("two.png"), settings))} == {"skipped"}


def test_the_session_is_opened_once_for_the_first_picture_that_can_be_made(session: Session, photo: Path) -> None:
    opened = []

    def open_session() -> tuple[Session, References]:
        opened.append(session)
        return session, References()

    bad = Task(photo.with_name("none.png"), photo.with_name("bad.png"), QUICK)
    known = Task(photo, photo.with_name("known.png"), QUICK, "it can't be written", Hint.OTHER_NAME)
    failed, refused = made(PictureMaker(open_session=open_session), bad, known)
    assert (failed.status, refused.status) == ("failed", "failed")
    assert (refused.message, refused.hint) == ("it can't be written", Hint.OTHER_NAME)
    assert "Traceback" in failed.trace
    assert not opened
    tasks = [Task(photo, photo.with_name(f"{number}.png"), OTHER) for number in (1, 2)]
    assert [each.status for each in made(PictureMaker(open_session=open_session), bad, *tasks)] == [
        "failed",
        "done",
        "done",
    ]
    assert len(opened) == 1


def test_a_layer_that_the_network_does_not_have_ends_the_run(make, photo: Path) -> None:
    with pytest.raises(WrongRequest, match="did you mean mid"):
        made(make(), task_for(photo, DreamSettings(layers=(LayerSpec("mif"),))))


def test_a_failure_while_making_stops_only_its_picture(make, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(title: str) -> Callable[[Step], None]:
        def on_step(_step: Step) -> None:
            if title == "one":
                raise ZeroDivisionError("oh")

        return on_step

    tasks = [Task(photo, photo.with_name(f"{name}.png"), OTHER, name=name) for name in ("one", "two")]
    first, second = made(make(), *tasks, begin=begin)
    assert (first.message, first.hint) == ("unexpected ZeroDivisionError: oh", Hint.VERBOSE)
    assert second.status == "done"


@pytest.mark.parametrize("keep_partial", [False, True])
def test_an_interrupted_picture_is_kept_only_if_it_is_alone(make, photo: Path, keep_partial: bool) -> None:
    def interrupt(_step: Step) -> None:
        raise KeyboardInterrupt

    outcomes: list[Outcome] = []
    maker = make(keep_partial=keep_partial)
    tasks = [task_for(photo), Task(photo, photo.with_name("second.png"), QUICK)]
    assert not maker.run(tasks, outcomes.extend, lambda _title: interrupt)
    (outcome,) = outcomes
    assert outcome.status == "interrupted"
    assert outcome.message == ("(the best so far)" if keep_partial else "(not kept)")
    assert photo.with_name("out.png").exists() == keep_partial
    if keep_partial:
        assert read_record(photo.with_name("out.png")).stopped == "interrupted"
        assert made(make(), task_for(photo))[0].status == "done"  # so it isn't skipped


def test_an_interruption_does_not_replace_a_finished_picture(make, photo: Path) -> None:
    made(make(), task_for(photo))
    before = photo.with_name("out.png").read_bytes()

    def interrupt(_step: Step) -> None:
        raise KeyboardInterrupt

    maker = make(overwrite=True, keep_partial=True)
    (outcome,) = made(maker, task_for(photo), begin=lambda _title: interrupt)
    assert (outcome.status, outcome.message) == ("interrupted", "(a finished one is there)")
    assert photo.with_name("out.png").read_bytes() == before


def test_notes_say_what_was_unusual(make, photo: Path) -> None:
    (outcome,) = made(make(), task_for(photo, DreamSettings(strength=0, steps=1, octaves=1)))
    assert outcome.message == "(unchanged)"
    noted = make(read=lambda path: replace(read_picture(path), notes=("repaired",)))
    (outcome,) = made(noted, Task(photo, photo.with_name("noted.png"), QUICK))
    assert outcome.message == "(repaired)"


def test_a_picture_whose_climb_stopped_early_is_noted(
    make: Callable[..., PictureMaker], photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artwork = Artwork(scene(), {"before": 1.0, "after": float("nan")}, "non-finite")
    monkeypatch.setattr(forms, "recipe", lambda _name: lambda *_: [artwork])
    (outcome,) = made(make(), task_for(photo))
    assert (outcome.status, outcome.details["score"]["after"]) == ("done", None)
    assert "stopped early: the values were no longer finite" in outcome.message


def test_a_climb_without_a_first_step_is_a_failure(photo: Path) -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )
    for parameter in module.parameters():
        nn.init.constant_(parameter, 1e30)
    with Session(module, device="cpu", precision="float32") as session:
        maker = PictureMaker(open_session=lambda: (session, References()))
        (outcome,) = made(maker, task_for(photo, replace(QUICK, layers=(LayerSpec("1"),))))
    assert (outcome.status, outcome.message) == ("failed", "the network's values aren't finite: check its weights")
    assert not Path(outcome.output).exists()


@pytest.mark.parametrize("is_made", [True, False], ids=["made", "not made"])
def test_another_animation_is_not_overwritten(make, photo: Path, is_made: bool) -> None:
    path = photo.with_name("a.gif")
    made(make(animation=Animation(path)), Task(photo, photo.with_name("other.png"), OTHER))
    before = path.read_bytes()
    if is_made:
        made(make(), task_for(photo))
    (outcome,) = made(make(animation=Animation(path)), task_for(photo))
    assert (outcome.status, outcome.hint) == ("failed", Hint.OVERWRITE_ANIMATION)
    assert outcome.message.endswith("a.gif already exists, but was made with different settings")
    assert path.read_bytes() == before
    assert photo.with_name("out.png").exists() == is_made


def test_a_missing_animation_is_made_and_a_finished_one_skipped(make, photo: Path) -> None:
    path = photo.with_name("a.gif")
    made(make(), task_for(photo))
    (outcome,) = made(make(animation=Animation(path)), task_for(photo))
    assert (outcome.status, outcome.message) == ("done", f"(animation: {path})")
    assert outcome.details["animation"] == str(path)
    assert read_record(path) == read_record(photo.with_name("out.png"))
    assert made(make(animation=Animation(path)), task_for(photo))[0].status == "skipped"


def test_references_come_from_whoever_opens_the_session(session: Session, photo: Path) -> None:
    guide = read_image(photo)
    maker = PictureMaker(open_session=lambda: (session, References(guide=guide)))
    (outcome,) = made(maker, task_for(photo))
    assert outcome.result.record.provenance.others == {"guide": guide.picture.sha256}
