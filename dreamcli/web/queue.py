"""Make pictures one request after another, and report their progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Lock, Thread

from dreamcli.art.artwork import OnStep, Step
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Pixels
from dreamcli.studio.pictures import Result

PREVIEW_SECONDS = 0.7  # between previews; each octave begins with one, too
ABANDONED_SECONDS = 30.0  # after which a picture that nobody asks about is given up
MAX_WAITING = 40  # requests, besides the one that is being made


@dataclass(frozen=True)
class Progress:
    """How far a picture is: the share that is done, from 0 to 1, in words, and how it looks; None for no preview."""

    share: float
    text: str
    preview: Pixels | None = None


class Work:
    """The work on one request.

    Args:
        make: makes the pictures; called once, in another thread.
    """

    def __init__(self, make: Callable[[OnStep], list[Result]]) -> None:
        self._make = make
        self._stopped, self._done = Event(), Event()
        self._progress = Progress(0, "loading the networks")
        self._octave, self._shown, self._began = 0, 0.0, 0.0
        self._asked = time.monotonic()
        self._results: list[Result] = []
        self._error: BaseException | None = None

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self._done.is_set()

    def stop(self) -> None:
        """End it after the current step, and keep what there is."""
        self._stopped.set()

    def progress(self) -> Progress:
        """How far it is. If nobody asks for a while, it is given up."""
        self._asked = time.monotonic()
        return self._progress

    def results(self) -> list[Result]:
        """The pictures, as far as they got; none if it was stopped before it began. Waits for the end.

        Raises:
            Exception: whatever ended it.
        """
        self._done.wait()
        if self._error and not isinstance(self._error, KeyboardInterrupt):
            raise self._error
        return self._results

    def run(self) -> None:
        """Make the pictures now, unless it was stopped already."""
        self._began = time.monotonic()
        try:
            if not self._is_unwanted():
                self._results = self._make(self._on_step)
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def _is_unwanted(self) -> bool:
        return self._stopped.is_set() or time.monotonic() - self._asked > ABANDONED_SECONDS

    def _on_step(self, step: Step) -> None:
        if self._is_unwanted():
            raise KeyboardInterrupt  # the engine keeps what it has reached
        now = time.monotonic()
        if step.octave == self._octave and now - self._shown < PREVIEW_SECONDS:
            return
        self._octave, self._shown = step.octave, now
        left = (now - self._began) * (1 - step.share) / step.share
        text = f"octave {step.octave} of {step.octaves}, {step.share:.0%}, {left:.0f} s left"
        self._progress = Progress(step.share, text, step.picture())


class WorkQueue:
    """Requests that wait for a device, which works on one at a time."""

    def __init__(self) -> None:
        self._waiting: list[Work] = []
        self._lock = Lock()

    def join(self, work: Work) -> None:
        """Put a request at the end of the line.

        Raises:
            WrongRequest: the line is too long.
        """
        with self._lock:
            if len(self._waiting) > MAX_WAITING:
                raise WrongRequest(f"{MAX_WAITING} others are waiting already; try again later")
            self._waiting.append(work)
            if len(self._waiting) == 1:
                Thread(target=self._work, daemon=True).start()

    def before(self, work: Work) -> int:
        """How many requests come first."""
        with self._lock:
            return self._waiting.index(work) if work in self._waiting else 0

    def _work(self) -> None:
        """Work on requests until there are no more."""
        while True:
            self._waiting[0].run()
            with self._lock:
                del self._waiting[0]
                if not self._waiting:
                    return
