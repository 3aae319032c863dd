"""(c) Peak memory of the whole command; on Linux."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from dreamcli.engine.compute import Compute

from .whole import PHOTOGRAPH, STYLE_PICTURE

DREAM = ("dream", "--steps", "1")
STYLE = ("style", "--style", str(STYLE_PICTURE), "--steps", "1")
JOBS = (
    (DREAM, (512, 384), ""),
    (DREAM, (1024, 768), ""),
    (DREAM, (2048, 1536), ""),
    (DREAM, (6000, 4000), "4 GiB"),
    (STYLE, (1024, 1024), "3 GiB"),
)
_PEAK = """
import sys
from dreamcli.__main__ import main
code = main(sys.argv[1:])
# not getrusage, whose peak is also that of the process which started this one
status = open("/proc/self/status", encoding="utf-8").read()
print(status.split("VmHWM:")[1].split()[0])
sys.exit(code)
"""


def rows(_compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit) for every command at its size."""
    with tempfile.TemporaryDirectory() as folder:
        for (command, *options), (width, height), limit in JOBS:
            photo = Path(folder, f"{width}.png")
            with Image.open(PHOTOGRAPH) as image:
                image.resize((width, height)).save(photo)
            arguments = [command, str(photo), *options, "-o", f"{folder}/{command}-{width}.png", "-q"]
            done = subprocess.run([sys.executable, "-c", _PEAK, *arguments], check=True, capture_output=True)
            gibibytes = int(done.stdout) / 2**20
            yield f"peak memory, {command} at {width}x{height}", f"{gibibytes:.2f} GiB", limit
