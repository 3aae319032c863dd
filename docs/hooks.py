"""For mkdocs: the cards of the networks lie outside of docs/, and links to them hold in both places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
SHOWN = (".md", ".jpg", ".py")


def on_files(files: Files, config: Any) -> Files:
    """Add what is under models/ to the site, at the same place below its root."""
    for path in sorted((ROOT / "models").rglob("*")):
        if path.suffix in SHOWN:
            files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Turn a page's way out of docs/ into the way to the place on the site."""
    return markdown.replace("](../models/", "](models/")
