"""Reading pictures and records in a separate process, so that a decoder that hangs or crashes takes nothing else down.

The pipes and limits are our own: multiprocessing would run the main module again, could import code from the folder
of pictures, and unpickles whatever the child sends.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock, Timer
from typing import IO

import numpy as np

from dreamcli.errors import DreamcliError, Hint, Install

from .reading import Picture, Pixels, read_picture
from .record import Record
from .regular import MAX_TEXT
from .resume import record_in

if sys.platform != "win32":
    import resource

SECONDS = 10.0  # for each picture
MEMORY = 2 << 30  # bytes of address space
_MAX_HEADER = 4 * MAX_TEXT  # bytes


def reader(safe: bool) -> Callable[[Path], Picture]:
    """Choose how to read pictures: in a separate process if it has to be safe, otherwise by `read_picture`."""
    return Decoder().read if safe else read_picture


class DecoderCrash(DreamcliError):
    """The process that decoded a picture ended without an answer."""


class Decoder:
    """Reads like `read_picture`, in a child process with limits; one child serves many pictures.

    This is no sandbox: a file that takes over the child can do what its user can. Threads may share a decoder. Memory
    is limited on Linux only, processor time on POSIX, and time everywhere.

    Args:
        seconds: the time limit for each picture.
        memory: the limit of the child's address space, in bytes.
    """

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.seconds = seconds
        self.memory = memory
        self._lock = Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def read(self, path: Path) -> Picture:
        """Read a picture.

        Raises:
            DreamcliError: as `read_picture`, or if it takes too long.
            DecoderCrash: the picture crashes the child.
        """
        picture = self._ask("picture", path)
        assert isinstance(picture, Picture)
        return picture

    def record(self, path: Path) -> Record | None:
        """Read the record inside a picture or a film, as `record_in`.

        Raises:
            DreamcliError, DecoderCrash: as `read`.
        """
        text = self._ask("record", path)
        assert isinstance(text, str)
        return Record.from_json(text) if text else None

    def _ask(self, wanted: str, path: Path) -> Picture | str:
        """Ask the child for what is in a file; once more if it crashed, as an earlier file may have broken it."""
        with self._lock:
            was_used = self._child is not None
            try:
                return self._ask_once(wanted, path)
            except DecoderCrash:
                if not was_used:
                    raise
                return self._ask_once(wanted, path)

    def _ask_once(self, wanted: str, path: Path) -> Picture | str:
        """Send a path to the child, and wait for the answer as long as a picture may take."""
        child = self._child or self._start()
        self._child = None  # until it has answered, it can't be asked again
        deadline = time.monotonic() + self.seconds
        timer = Timer(self.seconds, child.kill)
        timer.start()
        try:
            answer = _exchange(child, wanted, os.path.abspath(path))
            self._child = child
        except (EOFError, OSError) as error:
            code = child.wait()
            if time.monotonic() >= deadline or code == -getattr(signal, "SIGXCPU", sys.maxsize):
                raise DreamcliError(f"refused: decoding it took more than {self.seconds:g} seconds") from error
            reason = signal.strsignal(-code) if code < 0 else f"exit code {code}"
            raise DecoderCrash(f"refused: decoding it crashed ({reason})") from error
        finally:
            timer.cancel()
            if self._child is None:
                self._end()
        if isinstance(answer, DreamcliError):
            raise answer
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: a folder of pictures may hold a numpy.py
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", __spec__.name, str(math.ceil(self.seconds)), str(self.memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libtiff prints warnings there
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each thread would take address space
            start_new_session=True,  # Ctrl-C is for the parent; on Windows, the flags say so
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._end = weakref.finalize(self, _end, child)
        assert child.stdout
        child.stdout.readline()  # wait for its imports, so that no picture is blamed for them
        return child


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(OSError), child:  # a dead child takes nothing more from its pipe
        child.kill()


def _exchange(child: subprocess.Popen[bytes], wanted: str, path: str) -> Picture | str | DreamcliError:
    """Ask for a picture or a record's text, or why it can't be read. EOFError and OSError mean that the child ended."""
    assert child.stdin
    assert child.stdout
    child.stdin.write(_line([wanted, path]))
    child.stdin.flush()
    line = child.stdout.readline(_MAX_HEADER)
    if not line.endswith(b"\n"):
        raise EOFError
    header = json.loads(line)
    if "error" in header:
        hint = Hint[header["hint"]] if header["hint"] else Install(header["extra"]) if header["extra"] else None
        return DreamcliError(str(header["error"]), hint)
    if "record" in header:
        return str(header["record"])
    pixels, *alpha = (_receive(child.stdout, shape) for shape in header["shapes"])
    return Picture(pixels, alpha[0] if alpha else None, header["sha256"], tuple(header["notes"]))


def _receive(stream: IO[bytes], shape: list[int]) -> Pixels:
    array = np.empty(shape, np.uint8)
    if stream.readinto(array.data.cast("B")) != array.size:  # type: ignore[attr-defined]
        raise EOFError
    return array


def _line(value: object) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"


def _serve(seconds: int, memory: int) -> None:
    """The child: read the pictures whose paths come in, and send them out."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries may print, but not among the answers
    if sys.platform == "linux":  # elsewhere shared memory counts, or the limit can't be set
        _lower("AS", memory)
    _lower("FSIZE", 0)
    _lower("CORE", 0)
    answers.write(b"\n")
    answers.flush()
    for line in sys.stdin.buffer:
        # a child that hangs ends even if nobody waits for it any more
        _lower("CPU", int(time.process_time()) + seconds + 1)
        wanted, path = json.loads(line)
        try:
            found = record_in(Path(path)) if wanted == "record" else read_picture(Path(path))
        except DreamcliError as error:
            hint = error.hint.name if isinstance(error.hint, Hint) else ""
            extra = error.hint.extra if isinstance(error.hint, Install) else ""
            answers.write(_line({"error": str(error), "hint": hint, "extra": extra}))
        else:
            if isinstance(found, Picture):
                arrays = [array for array in (found.pixels, found.alpha) if array is not None]
                shapes = [array.shape for array in arrays]
                answers.write(_line({"shapes": shapes, "sha256": found.sha256, "notes": found.notes}))
                for array in arrays:
                    answers.write(array.data)
            else:
                answers.write(_line({"record": found.to_json() if found else ""}))
        answers.flush()


def _lower(name: str, wanted: int) -> None:
    """Lower one of this process's limits, or keep a stricter one that it was started with."""
    if sys.platform != "win32":
        limit = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(limit)
        resource.setrlimit(limit, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
