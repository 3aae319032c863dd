"""Build a copy of dreamcli with the art form from extending.md: ``uv run python docs/extending.py FOLDER``.

Then run it in FOLDER with ``python -m dreamcli invert PHOTO``.
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
    """Copy dreamcli to a folder, and apply every titled code block on the page to the copy.

    Raises:
        ValueError: a diff on the page doesn't fit the code.
    """
    shutil.copytree(ROOT / "dreamcli", folder / "dreamcli", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "models", folder / "dreamcli" / "models", ignore=shutil.ignore_patterns("training"))
    for kind, name, text in BLOCK.findall(PAGE.read_text()):
        path = folder / name
        path.write_text(text if kind == "python" else patched(path.read_text(), text))


def patched(text: str, diff: str) -> str:
    """Apply a diff whose hunks are separated by ``@@`` alone: a hunk's place is where its old lines are.

    Raises:
        ValueError: the old lines aren't in the text, or more than once.
    """
    for hunk in diff.split("@@\n"):
        lines = [line or " " for line in hunk.splitlines()]
        old, new = ("\n".join(line[1:] for line in lines if line[0] in kinds) for kinds in (" -", " +"))
        if text.count(old) != 1:
            raise ValueError(f"extending.md patches lines that occur {text.count(old)} times: {old}")
        text = text.replace(old, new)
    return text


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/extending.py FOLDER")
    build(Path(sys.argv[1]))
