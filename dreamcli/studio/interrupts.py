"""Ctrl-C while a picture is made: heard at the end of a step, where nothing is half done."""

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
    """Holds a first Ctrl-C back until the next step; a second one is heard at once.

    So the progress is kept, even if it comes between two octaves, or after the last step. Without effect outside the
    main thread, where Python hears no signals.

    Args:
        on_held: called when one came.

    Attributes:
        is_held: whether one came.
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
        """What to call after each step: it calls ``on_step``, and raises KeyboardInterrupt if Ctrl-C came."""

        def watch(step: Step) -> None:
            if on_step:
                on_step(step)
            if self.is_held:
                raise KeyboardInterrupt

        return watch
