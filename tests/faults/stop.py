"""Stop a batch at random moments, resume it, and check that nothing is lost, torn or left behind.

    python -m tests.faults.stop --signal KILL --times 50
    python -m tests.faults.stop --signal INT --times 20
    python -m tests.faults.stop --signal INT --twice --times 20

Prints what it found as JSON, and exits with 1 if anything is wrong. Each run is a fork of this process, which has
imported torch already, so it is stopped during the work itself, at moments drawn with --seed. After --times stops, the
batch is resumed to its end and compared with one that was never stopped. If a run ends before its stop, its outputs are
compared as well, and the batch starts over.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from dreamcli.__main__ import main as run_dreamcli
from dreamcli.errors import DreamcliError
from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record

QUICK = ("--steps", "1", "--octaves", "1", "--device", "cpu", "-q")
INTERRUPTED = 130


@dataclass
class Seen:
    """What became of the runs.

    Attributes:
        stops: runs that were stopped before their end.
        ends: runs that came to their end.
        leftovers: temporary files left after a stop; all are gone at the end.
        slowest: seconds from the last signal to the end of a run.
        wrong: everything that went wrong.
    """

    stops: int = 0
    ends: int = 0
    leftovers: int = 0
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signal", choices=("KILL", "INT"), default="KILL")
    parser.add_argument("--twice", action="store_true", help="send the signal again at once")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--size", type=int, default=64, help="pixels on each side of a picture")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("options", nargs="*", help="more options of dreamcli dream, after --")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_pictures(Path("in"), given.pictures, given.size)
        seen = stop_often(getattr(signal, f"SIG{given.signal}"), given)
    print(json.dumps(asdict(seen)))
    return 1 if seen.wrong else 0


def make_pictures(folder: Path, count: int, size: int) -> None:
    """Save pictures of noise, which take long to write, in two folders."""
    chance = np.random.default_rng(0)
    for index in range(count):
        path = folder / ("even" if index % 2 == 0 else "odd") / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (size, size, 3), np.uint8)).save(path)


def stop_often(kind: signal.Signals, given: argparse.Namespace) -> Seen:
    chance, seen = random.Random(given.seed), Seen()
    import dreamcli.studio.session  # noqa: F401 (so that no fork has to import torch)

    start = time.monotonic()
    code = wait(start_run("whole", given.options))
    span = time.monotonic() - start
    if code:
        seen.wrong.append(f"a run that was not stopped exits with {code}")
    while seen.stops < given.times and not seen.wrong:
        run = start_run("out", given.options)
        time.sleep(chance.uniform(0, span))
        last = stop(run, kind, given.twice, chance)
        code = wait(run)
        seen.slowest = max(seen.slowest, time.monotonic() - last)
        if code == 0:
            seen.ends += 1
            seen.wrong += differences(Path("whole"), Path("out"))
            shutil.rmtree("out")
            continue
        seen.stops += 1
        if kind == signal.SIGINT and code != INTERRUPTED:
            seen.wrong.append(f"Ctrl-C gives the exit code {code}")
        seen.wrong += broken(Path("out"))
        seen.leftovers += len(list(Path("out").rglob("*.partial")))
    code = wait(start_run("out", given.options))
    if code:
        seen.wrong.append(f"the last run exits with {code}")
    seen.wrong += differences(Path("whole"), Path("out"))
    return seen


def start_run(output: str, options: list[str]) -> int:
    """Start a batch in a new process and return its id."""
    if child := os.fork():
        return child
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os._exit(run_dreamcli(["dream", "in", "-o", output, *QUICK, *options]))


def stop(run: int, kind: signal.Signals, twice: bool, chance: random.Random) -> float:
    """Send the signal once or twice, and return when the last one was sent."""
    os.kill(run, kind)
    if twice:
        time.sleep(chance.uniform(0, 0.05))
        os.kill(run, kind)
    return time.monotonic()


def wait(run: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(run, 0)[1])


def broken(folder: Path) -> list[str]:
    """The visible files that are not whole pictures with a record."""
    wrong = []
    for path in (p for p in folder.rglob("[!.]*") if p.is_file()):
        try:
            read_picture(path)
            if not read_record(path):
                wrong.append(f"{path} has no record")
        except DreamcliError as error:
            wrong.append(f"{path}: {error}")
    return wrong


def differences(whole: Path, other: Path) -> list[str]:
    """The files that differ between two folders by any byte, hidden ones included."""
    contents = [{p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
                for folder in (whole, other)]  # fmt: skip
    names = sorted({*contents[0], *contents[1]})
    return [f"{name} differs, or is in one only" for name in names if contents[0].get(name) != contents[1].get(name)]


if __name__ == "__main__":
    sys.exit(main())
