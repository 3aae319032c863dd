"""(e) How long --help and --version take, beside importing what they are made of."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from dreamcli.engine.compute import Compute

LIMIT = 2.5
ROUNDS = 7


def rows(_compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit)."""
    bare = _seconds("-c", "import click, rich")
    for option in ("--help", "--version"):
        ours = _seconds("-m", "dreamcli", option)
        yield f"dreamcli {option} / import click, rich", f"{ours / bare:.2f}  ({ours * 1e3:.0f} ms)", f"{LIMIT:.2f}"


def _seconds(*arguments: str) -> float:
    """The median time of a fresh Python process."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return sorted(times)[ROUNDS // 2]
