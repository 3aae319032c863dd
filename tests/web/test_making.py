"""Requests in line, and their progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

import numpy as np
import pytest

from dreamcli.art.artwork import OnStep, Step
from dreamcli.errors import WrongRequest
from dreamcli.web import making
from dreamcli.web.making import Line, Making


def step(number: int, octave: int = 1) -> Step:
    return Step(number, 10, octave, 2, 0.0, number / 10, lambda: np.full((4, 4, 3), number, np.uint8))


def endless(on_step: OnStep) -> list:
    """Works until it is stopped, as the engine does."""
    try:
        while True:
            on_step(step(1))
            time.sleep(0.01)
    except KeyboardInterrupt:
        return ["what there was"]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_request_at_a_time_in_order() -> None:
    line, order, gate = Line(), [], Event()

    def make(number: int) -> Making:
        return Making(lambda on_step: (gate.wait(10), order.append(number))[:0] or [number])

    makings = [make(number) for number in range(4)]
    for each in makings:
        line.join(each)
    assert [line.before(each) for each in makings] == [0, 1, 2, 3]
    gate.set()
    assert [each.results() for each in makings] == [[0], [1], [2], [3]]
    assert order == [0, 1, 2, 3]
    wait_for(lambda: not line._waiting)
    again = make(4)
    line.join(again)
    assert again.results() == [4]


def test_a_stopped_picture_is_what_it_was_by_then() -> None:
    line, one = Line(), Making(endless)
    line.join(one)
    wait_for(lambda: one.progress().preview is not None)
    one.stop()
    assert one.results() == ["what there was"]


def test_what_is_stopped_in_line_is_never_begun() -> None:
    line, one, two = Line(), Making(endless), Making(endless)
    line.join(one)
    line.join(two)
    two.stop()
    one.stop()
    assert one.results() == ["what there was"]
    assert two.results() == []


def test_what_nobody_asks_about_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "ABANDONED_SECONDS", 0.2)
    line, one = Line(), Making(endless)
    line.join(one)
    assert one.results() == ["what there was"]


def test_a_failure_is_handed_on_and_the_next_one_is_made() -> None:
    def fail(on_step: OnStep) -> list:
        raise ValueError("no")

    line, one, two = Line(), Making(fail), Making(lambda on_step: ["made"])
    line.join(one)
    line.join(two)
    with pytest.raises(ValueError, match="no"):
        one.results()
    assert two.results() == ["made"]


def test_a_line_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "MAX_WAITING", 2)
    line, waiting = Line(), [Making(endless), Making(endless), Making(endless)]
    for each in waiting:
        line.join(each)
    with pytest.raises(WrongRequest, match="2 others are waiting"):
        line.join(Making(endless))
    for each in waiting:
        each.stop()


def test_every_octave_begins_with_a_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "PREVIEW_SECONDS", 1000)
    shown = []

    def make(on_step: OnStep) -> list:
        for octave in (1, 2):
            for number in range(1, 11):
                on_step(step(number, octave))
                shown.append(one.progress().text)
        return []

    one = Making(make)
    Line().join(one)
    assert one.results() == []
    assert [text.partition(",")[0] for text in dict.fromkeys(shown)] == ["octave 1 of 2", "octave 2 of 2"]
