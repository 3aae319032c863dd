"""(e) How long commands take to start, beside importing what they are made of."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from dreamcli.engine.compute import Compute

from .whole import PHOTOGRAPH

HELP_LIMIT, DREAM_LIMIT = 1.3, 1.15
ROUNDS = 7
DREAM = ("-m", "dreamcli", "dream", str(PHOTOGRAPH), "--size", "256", "--steps", "1", "--octaves", "1", "--overwrite")
# the same without the command around it: the networks of a dream, loaded, and one step of each
NETWORKS = """
import time
import torch
from dreamcli.studio.session import Session
started = time.perf_counter()
session = Session()
session.dream({photo!r}, size=256, steps=1, octaves=1)
print(time.perf_counter() - started)
"""


def rows(_compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit)."""
    bare = _seconds("-c", "import click, rich")
    for arguments in (("--help",), ("dream", "--help"), ("--version",)):
        ours = _seconds("-m", "dreamcli", *arguments)
        title = f"dreamcli {' '.join(arguments)} / import click, rich"
        limit = f"{HELP_LIMIT:.2f}" if arguments == ("--help",) else ""
        yield title, f"{ours / bare:.2f}  ({ours * 1e3:.0f} ms)", limit
    torch = _seconds("-c", "import torch")
    script = NETWORKS.format(photo=str(PHOTOGRAPH))
    own = statistics.median(float(_output("-c", script)) for _ in range(ROUNDS))
    with tempfile.TemporaryDirectory() as folder:
        whole = _seconds(*DREAM, "-o", f"{folder}/dream.png")
    title = "dream of one step at 256 px, whole command / import torch and the picture itself"
    measured = f"{whole / (torch + own):.2f}  ({whole:.2f} s; {torch:.2f} and {own:.2f} s)"
    yield title, measured, f"{DREAM_LIMIT:.2f}"


def _seconds(*arguments: str) -> float:
    """The median time of a fresh Python process."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        _output(*arguments)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _output(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True, encoding="utf-8"
    ).stdout
