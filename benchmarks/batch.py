"""(h) A folder, against a bare loop over pictures that are in memory already; and the plan of a huge folder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from dreamcli.__main__ import main
from dreamcli.art.artwork import Inputs
from dreamcli.art.dream import dream
from dreamcli.engine.compute import Compute
from dreamcli.files.reading import Picture, read_picture
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.dream import DreamSettings

from .whole import PHOTOGRAPH

PICTURES, SIZE = 20, 256
LIMIT = 0.90
ROUNDS = 3
FILES = 100_000
FILES_LIMIT = 200  # MB

# on Linux; in a process of its own, whose peak is its own
_PLAN = """
import sys, time
def peak():
    return int(open("/proc/self/status", encoding="utf-8").read().split("VmHWM:")[1].split()[0]) / 1024
from dreamcli.files.plan import make_plan
from dreamcli.settings.dream import DreamSettings
before, started = peak(), time.perf_counter()
assert len(make_plan([sys.argv[1]], sys.argv[2], DreamSettings())) == int(sys.argv[3])
print(time.perf_counter() - started, peak() - before)
"""


def rows(compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit)."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = _pictures(Path(folder, "in"))
        ratios = []
        for round_ in range(ROUNDS):  # in turns, so that a busy moment of the machine hits both
            bare = _bare_seconds(pictures, compute)
            whole = _command_seconds(f"{folder}/in", f"{folder}/out-{round_}")
            ratios.append((bare / whole, 60 * PICTURES / bare, 60 * PICTURES / whole))
    ratio, bare, whole = sorted(ratios)[ROUNDS // 2]
    what = f"throughput of a folder / of a bare loop: {PICTURES} pictures of {SIZE} px"
    yield what, f"{ratio:.2f}  ({whole:.0f} / {bare:.0f} a minute)", f"at least {LIMIT:.2f}"
    with tempfile.TemporaryDirectory() as folder:
        for i in range(FILES):
            path = Path(folder, "in", str(i // 500), f"{i}.jpg")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        command = [sys.executable, "-c", _PLAN, f"{folder}/in", f"{folder}/out", str(FILES)]
        seconds, megabytes = map(float, subprocess.run(command, check=True, capture_output=True).stdout.split())
    yield f"the plan of {FILES} files", f"{seconds:.1f} s, {megabytes:.0f} MB", f"{FILES_LIMIT} MB"


def _pictures(folder: Path) -> list[Picture]:
    """Different parts of the photograph, as files and in memory."""
    folder.mkdir()
    with Image.open(PHOTOGRAPH) as image:
        for i in range(PICTURES):
            image.crop((i, i, i + SIZE, i + SIZE)).save(folder / f"{i:03d}.png")
    return [read_picture(path) for path in sorted(folder.iterdir())]


def _bare_seconds(pictures: list[Picture], compute: Compute) -> float:
    network, settings = zoo.load(), DreamSettings()
    started = time.perf_counter()
    for picture in pictures:
        dream(settings, Ensemble.of(network), Inputs(picture), compute)
    return time.perf_counter() - started


def _command_seconds(source: str, output: str) -> float:
    """The command without the start of Python: planning, loading the network, reading, writing."""
    started = time.perf_counter()
    assert main(["dream", source, "-o", output, "-q", "--model", zoo.BUNDLED, "--judge", "none"]) == 0
    return time.perf_counter() - started
