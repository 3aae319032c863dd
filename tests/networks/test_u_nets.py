"""Networks of one's own that enlarge their maps, in pictures that don't fit the memory budget."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dreamcli.engine.compute import Compute
from dreamcli.files.reading import read_picture
from tests.conftest import scene

U_NET = """
from torch import cat, nn

class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.pool = nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(4)
        self.up, self.mix = nn.ConvTranspose2d(4, 4, 4, 4), nn.Conv2d(8, 4, 3, padding=1)

    def forward(self, x):
        down = self.down(x).relu()
        return self.mix(cat([down, self.up(self.pool(down))], 1))

class Choosy(UNet):
    def forward(self, x):
        if x.shape[-1] not in (96, 264):
            raise ValueError("the width is wrong")
        return super().forward(x)
"""


def test_a_u_net_of_your_own_is_used_in_tiles_or_refused(run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("net.py").write_text(U_NET)
    space: dict[str, type[torch.nn.Module]] = {}
    exec(U_NET, space)
    torch.manual_seed(0)
    torch.save(space["UNet"]().state_dict(), "net.pth")
    Image.fromarray(scene(200, 264)).save("large.png")
    quick = (
        "dream",
        "large.png",
        "--weights",
        "net.pth",
        "--steps",
        2,
        "--octaves",
        1,
        "--layer",
        "mix",
        "--jitter",
        0,
    )
    assert run(*quick, "-m", "net.py:UNet", "-o", "whole.png").code == 0
    monkeypatch.setattr("dreamcli.art.memory_plan.bytes_of_pass", lambda *_: 2 * Compute.budget / (200 * 264))
    assert run(*quick, "-m", "net.py:UNet", "-o", "tiles.png").code == 0
    whole, tiles = (read_picture(Path(name)).pixels.astype(int) for name in ("whole.png", "tiles.png"))
    assert np.abs(whole - scene(200, 264)).mean() > 1
    assert np.abs(whole - tiles).max() <= 1
    outcome = run(*quick, "-m", "net.py:Choosy", "-o", "choosy.png")
    assert outcome.code == 1
    assert re.fullmatch(
        r"dreamcli: large\.png: the picture is so large that the network must see it in tiles, but a tile of \d+x\d+ "
        r"pixels doesn't go through: the width is wrong; make the picture smaller with --size\n",
        outcome.err,
    )
