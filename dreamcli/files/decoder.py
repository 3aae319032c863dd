"""Reading pictures in a process of its own, so that a decoder that hangs or crashes takes nothing else with it."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Timer
from typing import IO

import numpy as np

from dreamcli.errors import DreamcliError

from .reading import Picture, Pixels, read_picture

SECONDS = 10.0  # for each picture
MEMORY = 2 << 30  # bytes of address space
_LONGEST_HEADER = 1 << 16  # bytes


def reader(safe: bool) -> Callable[[Path], Picture]:
    """What reads a picture: `Decoder.read` if it has to be safe, otherwise `read_picture`."""
    return Decoder().read if safe else read_picture


class DecoderCrash(DreamcliError):
    """The process that decoded a picture ended without an answer."""


class Decoder:
    """Reads as `read_picture`, in a child process with limits; one child serves many pictures.

    It is no jail: a file that takes the child over can do what its user can. Threads may share a decoder. Memory is
    limited on Linux alone, processor time wherever there is POSIX, time everywhere.

    Args:
        seconds: that each picture may take.
        memory: bytes of address space that the child may have.
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
            DecoderCrash: it crashes the child.
        """
        with self._lock:
            served = self._child is not None
            try:
                return self._ask(path)
            except DecoderCrash:
                if not served:
                    raise
                return self._ask(path)  # an earlier picture may have left the child broken

    def _ask(self, path: Path) -> Picture:
        """Send a path to the child, and wait for its answer no longer than a picture may take."""
        child = self._child or self._start()
        # until there is an answer, there is no child that could be asked again
        self._child = None
        late = Event()

        def stop() -> None:
            late.set()
            child.kill()

        timer = Timer(self.seconds, stop)
        timer.start()
        try:
            answer = _exchange(child, os.path.abspath(path))
            self._child = child
        except (EOFError, OSError) as error:
            code = child.wait()
            if late.is_set() or code == -getattr(signal, "SIGXCPU", 0):
                raise DreamcliError(f"refused: decoding it took more than {self.seconds:g} seconds") from error
            reason = signal.strsignal(-code) if code < 0 else f"exit code {code}"
            raise DecoderCrash(f"refused: decoding it crashed ({reason})") from error
        finally:
            timer.cancel()
            if self._child is None:
                self._end()
        if isinstance(answer, str):
            raise DreamcliError(answer)
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: a folder of pictures may hold a numpy.py
        command = [sys.executable, "-P", "-m", __spec__.name, str(math.ceil(self.seconds)), str(self.memory)]
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libtiff writes there what it thinks of a file
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # whose threads would each take from the address space
            start_new_session=True,  # Ctrl-C is for us
        )
        self._end = weakref.finalize(self, _end, child)
        assert child.stdout
        child.stdout.readline()  # it has imported what it needs; that is no picture's fault
        return child


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with suppress(OSError):  # of what it was not told any more
            assert pipe
            pipe.close()


def _exchange(child: subprocess.Popen[bytes], path: str) -> Picture | str:
    """Ask for a picture; gives it, or why it could not be read.

    Raises:
        EOFError, OSError: the child ended.
    """
    assert child.stdin
    assert child.stdout
    child.stdin.write(json.dumps(path).encode("ascii") + b"\n")
    child.stdin.flush()
    line = child.stdout.readline(_LONGEST_HEADER)
    if not line.endswith(b"\n"):
        raise EOFError
    header = json.loads(line)
    if "error" in header:
        return str(header["error"])
    height, width = header["size"]
    pixels = _receive(child.stdout, (height, width, 3))
    alpha = _receive(child.stdout, (height, width)) if header["alpha"] else None
    return Picture(pixels, alpha, header["sha256"], tuple(header["notes"]))


def _receive(stream: IO[bytes], shape: tuple[int, ...]) -> Pixels:
    array = np.empty(shape, np.uint8)
    if stream.readinto(array.data.cast("B")) != array.size:  # type: ignore[attr-defined]
        raise EOFError
    return array


def _serve(seconds: int, memory: int) -> None:
    """What the child does: read the pictures whose paths come in, and send them out."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # so that nothing but answers is among them
    _limit(memory)
    answers.write(b"\n")
    answers.flush()
    for line in sys.stdin.buffer:
        _allow(seconds)
        try:
            _send(answers, read_picture(Path(json.loads(line))))
        except DreamcliError as error:
            answers.write(json.dumps({"error": str(error)}).encode("ascii") + b"\n")
        answers.flush()


def _send(answers: IO[bytes], picture: Picture) -> None:
    height, width = picture.pixels.shape[:2]
    header = {
        "size": [height, width],
        "alpha": picture.alpha is not None,
        "sha256": picture.sha256,
        "notes": picture.notes,
    }
    answers.write(json.dumps(header).encode("ascii") + b"\n")
    answers.write(picture.pixels.data)
    if picture.alpha is not None:
        answers.write(picture.alpha.data)


def _lower(which: int, wanted: int) -> None:
    """Lower one of this process's limits; a stricter one that it was started with stays."""
    import resource

    _, hard = resource.getrlimit(which)
    resource.setrlimit(which, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _limit(memory: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    if sys.platform == "linux":  # elsewhere it counts what is shared, too, or can't be set
        _lower(resource.RLIMIT_AS, memory)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CORE, 0)


def _allow(seconds: int) -> None:
    """Grant so much processor time from now on: one that hangs ends, even when nobody waits for it any more."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds + 1)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
