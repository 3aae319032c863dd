"""Ctrl-C while a picture is made: it takes effect at the end of a step, when nothing is half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dreamcli.art.artwork import OnStep, Step

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # of these, the ones that raise KeyboardInterrupt now


class HeldInterrupts(AbstractContextManager["HeldInterrupts"]):
    """Delays the first Ctrl-C until the end of the step; a second one takes effect at once.

    That keeps the progress so far, even if Ctrl-C comes between two octaves or after the last step. Does nothing
    outside the main thread, where Python delivers no signals.

    Args:
        on_held: called when Ctrl-C is pressed.

    Attributes:
        is_held: whether it was pressed.
    """

    def __init__(self, on_held: Callable[[], None] = lambda: None) -> None:
        self.is_held = False
        self._on_held = on_held
        self._restore = ExitStack()

    def __enter__(self) -> HeldInterrupts:
        if threading.current_thread() is threading.main_thread():
            for name in SIGNALS:
                number = getattr(signal, name, None)  # Windows has no SIGHUP
                if number and signal.getsignal(number) is signal.default_int_handler:
                    self._restore.callback(signal.signal, number, signal.signal(number, self._hold))
        return self

    def __exit__(self, *_: object) -> None:
        self._restore.close()

    def _hold(self, number: int, frame: FrameType | None) -> None:
        if self.is_held:
            signal.default_int_handler(number, frame)
        self.is_held = True
        self._on_held()

    def watching(self, on_step: OnStep | None) -> OnStep:
        """A callback for each step: calls ``on_step``, and raises KeyboardInterrupt if Ctrl-C was pressed."""

        def watch(step: Step) -> None:
            if on_step:
                on_step(step)
            if self.is_held:
                raise KeyboardInterrupt

        return watch
