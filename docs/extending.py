"""Build a dreamcli that has the art form of extending.md: ``uv run python docs/extending.py FOLDER``.

Then, in FOLDER: ``python -m dreamcli invert PHOTO``.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_name("extending.md")
BLOCK = re.compile(r'^```(python|diff) title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def build(folder: Path) -> None:
    """Copy the program into a folder, and change it there as the page says.

    Raises:
        ValueError: what the page changes is not in the program.
    """
    shutil.copytree(ROOT / "dreamcli", folder / "dreamcli", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "models", folder / "dreamcli" / "models", ignore=shutil.ignore_patterns("training"))
    for kind, name, text in BLOCK.findall(PAGE.read_text()):
        path = folder / name
        path.write_text(text if kind == "python" else changed(path.read_text(), text))


def changed(text: str, difference: str) -> str:
    """Apply a difference whose hunks are parted by lines of ``@@`` and may end within a line."""
    for hunk in difference.split("@@\n"):
        lines = hunk.splitlines()
        before, after = ("\n".join(line[1:] for line in lines if line[0] in kinds) for kinds in (" -", " +"))
        if text.count(before) != 1:
            raise ValueError(f"extending.md changes what is not there once: {before}")
        text = text.replace(before, after)
    return text


if __name__ == "__main__":
    build(Path(sys.argv[1]))
