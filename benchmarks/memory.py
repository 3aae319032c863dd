"""(c) Peak memory of the whole command; on Linux."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from dreamcli.engine.compute import Compute

from .whole import PHOTOGRAPH

SIZES = ((512, 384), (1024, 768), (2048, 1536), (6000, 4000))
LIMITS = {6000: "4 GiB"}  # by width
_PEAK = """
import sys
from dreamcli.cli import run
code = run(sys.argv[1:])
# not getrusage, whose peak is also that of the process which started this one
status = open("/proc/self/status").read()
print(status.split("VmHWM:")[1].split()[0])
sys.exit(code)
"""


def rows(_compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit) for every size."""
    with tempfile.TemporaryDirectory() as folder:
        for width, height in SIZES:
            photo = Path(folder, f"{width}.png")
            with Image.open(PHOTOGRAPH) as image:
                image.resize((width, height)).save(photo)
            arguments = ["dream", str(photo), "-o", f"{folder}/out-{width}.png", "--steps", "1", "-q"]
            done = subprocess.run([sys.executable, "-c", _PEAK, *arguments], check=True, capture_output=True)
            gibibytes = int(done.stdout) / 2**20
            yield f"peak memory, dream at {width}x{height}", f"{gibibytes:.2f} GiB", LIMITS.get(width, "")
