from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from dreamcli.batch import Begin, Bench, Commission, Made, Material, Outcome, work
from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.plan import Task

NAMES = ("a", "b", "c")
PLAN: list[Commission] = [(Task(Path(name), Path(f"{name}.png")), None) for name in NAMES]
PATIENCE = 10  # seconds, after which what has not begun by itself never will


class Scripted(Bench):
    """A bench that makes nothing, and notes what it was asked for."""

    def __init__(self, troubles: dict[str, BaseException] | None = None) -> None:
        super().__init__(lambda _settings: None)  # type: ignore[arg-type, return-value]
        self.troubles = troubles or {}
        self.events = {f"{step} {name}": Event() for step in ("read", "make", "write") for name in NAMES}

    def _note(self, step: str, name: str) -> None:
        self.events[f"{step} {name}"].set()
        if trouble := self.troubles.get(f"{step} {name}"):
            raise trouble

    def read(self, commission: Commission) -> Material:
        self._note("read", commission[0].title)
        return Material(None, [])

    def make(self, commission: Commission, material: Material, begin: Begin) -> list[Made | Outcome]:
        self._note("make", commission[0].title)
        return [Outcome("done", commission[0].title, "")]

    def write(self, made: Made | Outcome) -> Outcome:
        assert isinstance(made, Outcome)
        self._note("write", made.source)
        return made


def told(bench: Bench) -> tuple[bool, list[tuple[str, str]]]:
    outcomes: list[Outcome] = []
    ended = work(PLAN, bench, outcomes.extend)
    return ended, [(outcome.source, outcome.status) for outcome in outcomes]


def test_everything_is_told_in_order() -> None:
    assert told(Scripted()) == (True, [("a", "done"), ("b", "done"), ("c", "done")])
    assert work([], Scripted(), print)


def test_the_next_is_read_and_the_last_written_while_one_is_made() -> None:
    class Waiting(Scripted):
        def make(self, commission: Commission, material: Material, begin: Begin) -> list[Made | Outcome]:
            if commission[0].title == "a":
                assert self.events["read b"].wait(PATIENCE)
            return super().make(commission, material, begin)

        def write(self, made: Made | Outcome) -> Outcome:
            assert isinstance(made, Outcome)
            if made.source == "a":
                assert self.events["make b"].wait(PATIENCE)
            return super().write(made)

    assert told(Waiting())[0]


def test_no_more_than_one_picture_is_read_ahead() -> None:
    class Looking(Scripted):
        def make(self, commission: Commission, material: Material, begin: Begin) -> list[Made | Outcome]:
            if commission[0].title == "a":
                assert not self.events["read c"].wait(0.1)
            return super().make(commission, material, begin)

    assert told(Looking())[0]


def test_one_that_can_not_be_read_stops_no_other() -> None:
    troubles = {"read a": DreamcliError("bad"), "read c": OSError("worse")}
    assert told(Scripted(troubles)) == (True, [("a", "failed"), ("b", "done"), ("c", "failed")])


def test_without_a_studio_there_is_no_work() -> None:
    with pytest.raises(WrongRequest):
        work(PLAN, Scripted({"make b": WrongRequest("no such layer")}), lambda _outcomes: None)


def test_what_can_not_be_reported_ends_the_work() -> None:
    def fail(_outcomes: list[Outcome]) -> None:
        raise DreamcliError("the disk is full")

    with pytest.raises(DreamcliError, match="disk is full"):
        work(PLAN, Scripted(), fail)


def test_an_interruption_drops_what_is_made_and_writes_what_was() -> None:
    bench = Scripted({"make b": KeyboardInterrupt()})
    assert told(bench) == (False, [("a", "done"), ("b", "interrupted")])
    assert bench.events["write a"].is_set()
    assert not bench.events["make c"].is_set()
