"""Make the example atlas in the docs, and its screenshot: ``uv run python docs/example.py``. Needs Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
ATLAS, SCREENSHOT = HERE / "atlas", HERE / "atlas.jpg"
COMMAND = ("microscope", "--layer", "fire4", "--layer", "fire9", "--channels", "0-7")
PAGE, WINDOW = "fire9/3.html", (1100, 900)


def main() -> None:
    """Make both anew."""
    from dreamcli.__main__ import main as run

    os.chdir(HERE.parent)
    shutil.rmtree(ATLAS, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        for photograph in Path("samples").glob("*.jpg"):
            shutil.copy(photograph, folder)
        if code := run([*COMMAND, "--photos", folder, "-o", str(ATLAS)]):
            sys.exit(code)
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        size = f"--window-size={WINDOW[0]},{WINDOW[1]}"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", size, f"--screenshot={shot}"]
        subprocess.run(["chromium", *options, (ATLAS / PAGE).as_uri()], check=True)
        with Image.open(shot) as picture:
            picture.convert("RGB").save(SCREENSHOT, quality=88, optimize=True)


if __name__ == "__main__":
    main()
