"""mkdocs hooks: put the model cards and the gallery's pictures, which live outside docs/, on the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("models", "samples/pictures")
SUFFIXES = (".md", ".jpg", ".webp", ".py")


def on_files(files: Files, config: Any) -> Files:
    """Add the files in these folders to the site, under the same path."""
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*")):
        if path.suffix in SUFFIXES:
            files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Rewrite links to these folders, which work in the repository, so that they work on the site."""
    for folder in FOLDERS:
        markdown = markdown.replace(f"](../{folder}/", f"]({folder}/")
    return markdown
