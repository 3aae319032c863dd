"""Requests in work_queue, and their progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

import numpy as np
import pytest

from dreamcli.art.artwork import OnStep, Step
from dreamcli.errors import WrongRequest
from dreamcli.web import queue
from dreamcli.web.queue import Work, WorkQueue


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
    work_queue, order, gate = WorkQueue(), [], Event()

    def make(number: int) -> Work:
        return Work(lambda on_step: (gate.wait(10), order.append(number))[:0] or [number])

    works = [make(number) for number in range(4)]
    for each in works:
        work_queue.join(each)
    assert [work_queue.before(each) for each in works] == [0, 1, 2, 3]
    gate.set()
    assert [each.results() for each in works] == [[0], [1], [2], [3]]
    assert order == [0, 1, 2, 3]
    wait_for(lambda: not work_queue._waiting)
    again = make(4)
    work_queue.join(again)
    assert again.results() == [4]


def test_a_stopped_picture_is_what_it_was_by_then() -> None:
    work_queue, one = WorkQueue(), Work(endless)
    work_queue.join(one)
    wait_for(lambda: one.progress().preview is not None)
    one.stop()
    assert one.results() == ["what there was"]


def test_what_is_stopped_in_line_is_never_begun() -> None:
    work_queue, one, two = WorkQueue(), Work(endless), Work(endless)
    work_queue.join(one)
    work_queue.join(two)
    two.stop()
    one.stop()
    assert one.results() == ["what there was"]
    assert two.results() == []


def test_what_nobody_asks_about_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ABANDONED_SECONDS", 0.2)
    work_queue, one = WorkQueue(), Work(endless)
    work_queue.join(one)
    assert one.results() == ["what there was"]


def test_a_failure_is_handed_on_and_the_next_one_is_made() -> None:
    def fail(on_step: OnStep) -> list:
        raise ValueError("no")

    work_queue, one, two = WorkQueue(), Work(fail), Work(lambda on_step: ["made"])
    work_queue.join(one)
    work_queue.join(two)
    with pytest.raises(ValueError, match="no"):
        one.results()
    assert two.results() == ["made"]


def test_a_line_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MAX_WAITING", 2)
    work_queue, waiting = WorkQueue(), [Work(endless), Work(endless), Work(endless)]
    for each in waiting:
        work_queue.join(each)
    with pytest.raises(WrongRequest, match="2 others are waiting"):
        work_queue.join(Work(endless))
    for each in waiting:
        each.stop()


def test_every_octave_begins_with_a_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "PREVIEW_SECONDS", 1000)
    shown = []

    def make(on_step: OnStep) -> list:
        for octave in (1, 2):
            for number in range(1, 11):
                on_step(step(number, octave))
                shown.append(one.progress().text)
        return []

    one = Work(make)
    WorkQueue().join(one)
    assert one.results() == []
    assert [text.partition(",")[0] for text in dict.fromkeys(shown)] == ["octave 1 of 2", "octave 2 of 2"]
