"""mkdocs hooks: put the model cards, which live outside docs/, on the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = (".md", ".jpg", ".py")


def on_files(files: Files, config: Any) -> Files:
    """Add the files in models/ to the site, under the same path."""
    for path in sorted((ROOT / "models").rglob("*")):
        if path.suffix in SUFFIXES:
            files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Rewrite links to ../models/, which work in the repository, so that they work on the site."""
    return markdown.replace("](../models/", "](models/")
