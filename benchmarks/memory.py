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

SIZES = (512, 1024, 2048)
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
    """Give (what, measured, no limit) for every size."""
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            photo = Path(folder, f"{size}.png")
            with Image.open(PHOTOGRAPH) as image:
                image.resize((size, size * 3 // 4)).save(photo)
            arguments = ["dream", str(photo), "-o", f"{folder}/out-{size}.png", "--steps", "1", "-q"]
            done = subprocess.run([sys.executable, "-c", _PEAK, *arguments], check=True, capture_output=True)
            gibibytes = int(done.stdout) / 2**20
            yield f"peak memory, dream at {size}x{size * 3 // 4}", f"{gibibytes:.2f} GiB", ""
