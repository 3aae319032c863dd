"""Pictures of what each layer of a network draws, to choose layers by. ``samples/layers.py`` makes them."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "layers"  # NETWORK/NUMBER-LAYER.jpg


def layer_pictures(network: str) -> list[tuple[Path, str]]:
    """(picture, layer) of the layers of a network, from the first to the last; empty if it has no pictures."""
    return [(path, path.stem.partition("-")[2]) for path in sorted((FOLDER / network).glob("*.jpg"))]
