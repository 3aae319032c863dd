from __future__ import annotations

import copy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dreamcli.art.artwork import Artwork, Inputs
from dreamcli.art.explain import explain
from dreamcli.art.score import top
from dreamcli.engine.compute import Compute
from dreamcli.errors import DreamcliError, Install, WrongRequest
from dreamcli.files.reading import Picture
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.settings.explain import ExplainSettings
from dreamcli.settings.layer_spec import LayerSpec

CAT = Path(__file__).resolve().parents[2] / "samples" / "chelsea.jpg"
PHOTO = np.asarray(Image.open(CAT).resize((120, 96)))
METHODS = ("gradient", "integrated gradients", "Grad-CAM, softplus")


def explained(network: Network, compute: Compute, photo: np.ndarray = PHOTO, **settings: object) -> Artwork:
    pytest.importorskip("captum", reason="needs the extra `explain`")
    chosen = ExplainSettings(**{"steps": 4, "size": 120, **settings})
    (made,) = explain(chosen, Ensemble.of(network), Inputs(Picture(photo)), compute)
    return made


def test_each_class_and_method_has_a_map(network: Network, compute: Compute) -> None:
    made = explained(network, compute, top=2)
    assert [name.rpartition(", ")[2] for name in made.maps] == [method.rpartition(", ")[2] for method in METHODS] * 2
    assert list(explained(network, compute, classes=(7, 1)).maps)[::3] == ["cock, gradient", "goldfish, gradient"]
    for values in made.maps.values():
        assert values.shape == (1, 96, 120)
        assert values.dtype == np.float32
        assert values.min() >= 0
        assert values.max() == 1
    assert list(explained(network, compute, top=1, layers=(LayerSpec("mid"),)).maps)[2].endswith("Grad-CAM, fire6")
    assert len(explained(network, compute, top=3).maps) == 9


def test_the_gradient_is_that_of_the_class(network: Network, compute: Compute) -> None:
    """The value at each pixel is how much the score changes with it."""
    made = explained(network, compute, classes=(7,))
    (found,) = made.maps[f"{network.card.labels[7]}, gradient"]
    image = (torch.tensor(PHOTO).permute(2, 0, 1)[None].float() / 255).requires_grad_()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (network.input_format.mean, network.input_format.std))
    network.module((image - mean) / std)[0, 7].backward()
    assert image.grad is not None
    wanted = image.grad[0].abs().amax(0).numpy()
    assert np.corrcoef(found.ravel(), np.minimum(wanted, np.quantile(wanted, 0.995)).ravel())[0, 1] > 0.999


@pytest.mark.parametrize("method", METHODS)
def test_other_weights_give_another_map(network: Network, compute: Compute, method: str) -> None:
    """The sanity check of Adebayo et al., "Sanity Checks for Saliency Maps", 2018 (arXiv:1810.03292)."""
    random = copy.deepcopy(network.module)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in random.parameters():
            weight.copy_(weight.flatten()[torch.randperm(weight.numel(), generator=generator)].view(weight.shape))
    label, _ = top(network, PHOTO, 1)[0]
    classes = (network.card.labels.index(label),)
    trained, again, shuffled = (
        explained(each, compute, classes=classes).maps[f"{label}, {method}"].ravel()
        for each in (network, network, replace(network, module=random))
    )
    np.testing.assert_array_equal(trained, again)
    trained, shuffled = trained - trained.mean(), shuffled - shuffled.mean()
    assert trained.any()
    assert trained @ shuffled < 0.6 * np.linalg.norm(trained) * np.linalg.norm(shuffled) + 1e-9


def test_what_is_unknown_is_refused(network: Network, compute: Compute) -> None:
    with pytest.raises(WrongRequest, match="1000 classes, from 0"):
        explained(network, compute, classes=(1000,))
    with pytest.raises(WrongRequest, match=r"flatten .* isn't a feature map"):
        explained(network, compute, layers=(LayerSpec("flatten"),))
    with pytest.raises(WrongRequest, match="did you mean high"):
        explained(network, compute, layers=(LayerSpec("hihg"),))
    with pytest.raises(WrongRequest, match="a whole layer"):
        ExplainSettings(layers=(LayerSpec("mid", 3),))


def test_without_captum_it_says_how_to_get_it(
    network: Network, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(DreamcliError, match="Captum") as caught:
        explain(ExplainSettings(), Ensemble.of(network), Inputs(Picture(PHOTO)), compute)
    assert caught.value.hint == Install("explain")
