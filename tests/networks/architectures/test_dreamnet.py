from __future__ import annotations

import pytest
import torch

from dreamcli.networks.architectures.dreamnet import dreamnet


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 31), (64, 64), (113, 96)])
def test_takes_any_size_and_gives_logits(height: int, width: int) -> None:
    network = dreamnet(num_classes=7).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 3, height, width)).shape == (2, 7)


def test_every_pixel_is_seen_equally_often_by_the_stem() -> None:
    """No checkerboard: with constant weights, the gradient is flat away from the border."""
    network = dreamnet().eval()
    torch.nn.init.ones_(network.stem.conv.weight)
    image = torch.zeros(1, 3, 48, 49, requires_grad=True)
    network.stem.conv(image).sum().backward()
    inside = image.grad[:, :, 8:-8, 8:-8]
    assert float(inside.min()) == float(inside.max()) > 0
    assert float(image.grad.min()) > 0


def test_the_bundled_weights_know_their_classes(network, shared) -> None:
    """A floor well below the figures on the card: fails if weights and architecture drift apart."""
    import io
    import zipfile

    import numpy as np
    from PIL import Image

    with zipfile.ZipFile(shared / "data" / "imagenet-samples" / "images.zip") as archive:
        names = sorted(archive.namelist())[::10]
        pictures = [Image.open(io.BytesIO(archive.read(n))).convert("RGB").resize((160, 160)) for n in names]
    images = torch.stack([torch.tensor(np.asarray(p)).permute(2, 0, 1) for p in pictures]) / 255
    mean, std = (torch.tensor(t).view(3, 1, 1) for t in (network.input_format.mean, network.input_format.std))
    with torch.no_grad():
        top5 = network.module((images - mean) / std).topk(5).indices
    right = [int(name[:3]) in row for name, row in zip(names, top5.tolist(), strict=True)]
    assert sum(right) / len(right) > 0.35
