"""Make the pictures that layers are chosen by in ``dreamcli web``: ``uv run python samples/layers.py [NETWORK...]``."""

from __future__ import annotations

import shutil
import sys

from dreamcli import Session
from dreamcli.settings.microscope import MicroscopeSettings
from dreamcli.studio.microscope import layers_for
from dreamcli.web.layer_pictures import FOLDER

NETWORKS = ("dreamnet", "efficientnet_lite0", "vgg19_gatys")
SIDE = 112  # pixels


def main() -> None:
    """Boost every layer of the networks named on the command line, or of all."""
    for name in sys.argv[1:] or NETWORKS:
        folder = FOLDER / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with Session(name) as session:
            for number, layer in enumerate(layers_for(session.ensemble(MicroscopeSettings).only, ())):
                (result,) = session.boost(layer=layer, size=SIDE)
                result.image.save(folder / f"{number:02}-{layer}.jpg", quality=85)
                print(f"{name} {layer}")


if __name__ == "__main__":
    main()
