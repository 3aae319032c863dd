from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dreamcli.art.artwork import Artwork, Inputs
from dreamcli.art.style import StyleSettings, style_roles, stylize
from dreamcli.engine.compute import Compute
from dreamcli.errors import WrongRequest
from dreamcli.networks import zoo
from dreamcli.networks.spec import LayerSpec
from dreamcli.networks.zoo import Network
from tests.conftest import scene

PHOTO = scene(64, 80) // 2 + 64


def stripes(period: int = 6, colour: tuple[int, int, int] = (230, 60, 20)) -> np.ndarray:
    picture = np.zeros((70, 70, 3), np.uint8)
    picture[(np.arange(70) // (period // 2)) % 2 == 0] = colour
    return picture


def style(
    network: Network,
    compute: Compute,
    photo: np.ndarray | None = PHOTO,
    others: dict[str, np.ndarray] | None = None,
    alpha: np.ndarray | None = None,
    **settings,
) -> Artwork:
    inputs = Inputs(photo, others or {"style-1": stripes()}, alpha=alpha)
    wanted = StyleSettings(**{"steps": 8, "octaves": 1, "weights": (1.0,)} | settings)
    (artwork,) = stylize(wanted, network, inputs, compute)
    return artwork


@pytest.mark.parametrize("statistics", ["gram", "moments"])
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_the_style_is_approached(network: Network, compute: Compute, statistics: str, optimizer: str) -> None:
    made = style(network, compute, statistics=statistics, optimizer=optimizer)
    assert made.stopped == "done"
    assert made.score["after"] > made.score["before"]
    assert made.pixels.shape == PHOTO.shape


@pytest.mark.parametrize(
    "settings",
    [{"size": 120, "octaves": 3, "octave_scale": 1.2}, {"size": 50}, {"style_scale": 0.5}, {"tv": 0.0}],
    ids=str,
)
def test_settings_change_the_picture_and_the_size_is_exact(
    network: Network, compute: Compute, settings: dict[str, object]
) -> None:
    made = style(network, compute, **settings)
    assert made.pixels.shape[1] == settings.get("size", 80)
    if "size" not in settings:
        assert (made.pixels != style(network, compute).pixels).any()


def test_strength_goes_from_the_photograph_to_the_style(network: Network, compute: Compute) -> None:
    changes = []
    for strength in (0.0, 0.3, 0.7, 1.0):
        made = style(network, compute, strength=strength, steps=25)
        changes.append(np.abs(made.pixels.astype(float) - PHOTO).mean())
    assert changes == sorted(changes)
    assert changes[0] < 0.2 * changes[3]


def test_the_same_seed_gives_the_same_bytes(network: Network, compute: Compute) -> None:
    # of a texture: on a photograph without jitter nothing is random
    one, same, other = (style(network, compute, None, size=64, seed=seed).pixels for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def hue(pixels: np.ndarray) -> np.ndarray:
    values = pixels.astype(float)
    return values - (values @ np.array([0.299, 0.587, 0.114]))[..., None]


def test_colours_can_be_kept(network: Network, compute: Compute) -> None:
    free, kept, matched = (style(network, compute, colors=c, steps=25) for c in ("style", "luminance", "match"))
    inside = (kept.pixels > 2).all(2) & (kept.pixels < 253).all(2)
    assert np.abs(hue(kept.pixels) - hue(PHOTO))[inside].max() < 3
    departure = [np.abs(hue(a.pixels).mean((0, 1)) - hue(PHOTO).mean((0, 1))).sum() for a in (free, matched)]
    assert departure[1] < departure[0]


def half(left: bool, shape: tuple[int, int] = (64, 80)) -> np.ndarray:
    mask = np.zeros((*shape, 3), np.uint8)
    mask[:, : shape[1] // 2] = 255 if left else 0
    mask[:, shape[1] // 2 :] = 0 if left else 255
    return mask


def test_a_dark_photograph_takes_the_colours_of_a_bright_style(network: Network, compute: Compute) -> None:
    night, cream = PHOTO // 4, 255 - stripes(colour=(20, 40, 90))
    made = style(network, compute, night, {"style-1": cream}, strength=0.9, steps=120)
    # by the layers alone it goes less than a third of the way
    assert made.pixels.mean() > (night.mean() + cream.mean()) / 2 - 10


def test_each_style_paints_its_own_region(network: Network, compute: Compute) -> None:
    red, blue = stripes(colour=(240, 20, 20)), stripes(colour=(20, 20, 240))
    others, weights = style_roles([red, blue], None, None, None, [], [half(True), half(False)])
    made = style(network, compute, others=others, weights=weights, strength=1.0, steps=30).pixels.astype(float)
    redness = made[..., 0] - made[..., 2]
    assert redness[:, :32].mean() > redness[:, 48:].mean() + 10


def test_a_style_is_learnt_where_its_mask_is_bright(network: Network, compute: Compute) -> None:
    both = np.concatenate([stripes(colour=(240, 20, 20))[:, :35], stripes(colour=(20, 20, 240))[:, :35]], 1)
    red, blue = (
        style(network, compute, others={"style-1": both, "style-mask-1": half(left, (70, 70))}, strength=1.0, steps=30)
        for left in (True, False)
    )
    redness = [a.pixels[..., 0].astype(float).mean() - a.pixels[..., 2].mean() for a in (red, blue)]
    assert redness[0] > redness[1] + 20


def test_fine_and_coarse_come_from_two_pictures(network: Network, compute: Compute) -> None:
    one, other = stripes(4), stripes(24)
    this = style(network, compute, others={"fine": one, "coarse": other}, weights=(1.0, 1.0))
    that = style(network, compute, others={"fine": other, "coarse": one}, weights=(1.0, 1.0))
    assert (this.pixels != that.pixels).any()


def test_colours_go_with_what_is_fine(network: Network, compute: Compute) -> None:
    red, blue = stripes(colour=(240, 20, 20)), stripes(colour=(20, 20, 240))
    others = {"fine": red, "coarse": blue}
    made = style(network, compute, others=others, weights=(1.0, 1.0), strength=1.0, steps=40).pixels.astype(float)
    assert made[..., 0].mean() > made[..., 2].mean() + 20


def test_what_is_transparent_is_neither_painted_nor_counted(network: Network, compute: Compute) -> None:
    alpha = np.full((64, 80), 255, np.uint8)
    alpha[:, 50:] = 0
    made = style(network, compute, alpha=alpha)
    np.testing.assert_array_equal(made.pixels[:, 50:], PHOTO[:, 50:])
    assert (made.pixels[:, :40] != PHOTO[:, :40]).any()


def test_a_texture_needs_no_photograph_and_a_seamless_one_has_no_seam(network: Network, compute: Compute) -> None:
    made = style(network, compute, None, size=96, seamless=True, steps=30)
    assert made.pixels.shape == (96, 96, 3)
    assert made.score["after"] > made.score["before"]
    values = made.pixels.astype(float)
    inner = np.abs(np.diff(values, axis=1)).mean()
    seam = np.abs(values[:, 0] - values[:, -1]).mean()
    assert seam < 1.6 * inner


def test_the_styles_statistics_are_measured_once_for_many_photographs(
    network: Network, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dreamcli.art.style.REMEMBERED", 2)
    inputs = Inputs(PHOTO, {"style-1": stripes()})
    settings = StyleSettings(steps=1, octaves=1)
    stylize(settings, network, inputs, compute)
    kept = dict(inputs.cache)
    assert len(kept) == 1
    stylize(settings, network, Inputs(PHOTO[::-1].copy(), inputs.others, cache=inputs.cache), compute)
    assert inputs.cache == kept
    stylize(StyleSettings(steps=1, octaves=1, colors="match"), network, inputs, compute)
    assert inputs.cache == kept  # it follows the photograph, so it can't be kept
    for size in (64, 65, 66):
        stylize(StyleSettings(steps=1, octaves=1, size=size), network, inputs, compute)
    assert len(inputs.cache) == 2  # of a folder with pictures of many sizes, not all


@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18", "mobilenet_v2"])
def test_other_networks_have_layers_for_it(compute: Compute, name: str) -> None:
    network = zoo.load(name, random=True)
    made = style(network, compute, steps=2)
    assert made.stopped == "done"
    assert network.card.is_residual == (name == "resnet18")
    assert network.card.content_layer in network.plan.shapes


TOKENS = """
from torch import nn

class Tokens(nn.Module):
    def __init__(self, num_classes=4):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 8, stride=8)
        self.norm = nn.LayerNorm(8)
        self.block = nn.Sequential(nn.Linear(8, 8), nn.GELU())
        self.head = nn.Linear(8, num_classes)

    def forward(self, x):
        tokens = self.norm(self.patches(x).flatten(2).transpose(1, 2))
        return self.head(self.block(tokens).mean(1))
"""


@pytest.fixture
def tokens(tmp_path: Path) -> Network:
    """A network with a layer of tokens, ``block``, and a flat one, ``head``."""
    code = tmp_path / "tokens.py"
    code.write_text(TOKENS)
    return zoo.load(f"{code}:Tokens", random=True)


@pytest.mark.parametrize("content", ["block", "head"])
@pytest.mark.parametrize("statistics", ["gram", "moments"])
def test_style_is_measured_over_tokens(tokens: Network, compute: Compute, content: str, statistics: str) -> None:
    layers = (LayerSpec("block"),)
    made = style(tokens, compute, layers=layers, content=content, statistics=statistics, octaves=2, size=160, steps=20)
    assert made.stopped == "done"
    assert made.score["after"] > made.score["before"]


@pytest.mark.parametrize(
    ("layer", "content", "mask", "alpha", "message"),
    [
        ("head", "patches", None, False, "layer head of .* is flat"),
        ("block", "patches", "style-mask-1", False, "layer block of .* has no rows and columns"),
        ("block", "patches", "content-mask-1", False, "layer block of .* has no rows and columns"),
        ("block", "patches", None, True, "layer block of .* has no rows and columns"),
        ("patches", "head", None, True, "layer head of .* has no rows and columns"),
    ],
)
def test_a_layer_that_is_not_of_that_kind_is_refused(
    tokens: Network, compute: Compute, layer: str, content: str, mask: str | None, alpha: bool, message: str
) -> None:
    others = {"style-1": stripes()} | ({mask: half(True)} if mask else {})
    opacity = np.full((64, 80), 200, np.uint8) if alpha else None
    with pytest.raises(WrongRequest, match=message):
        style(tokens, compute, others=others, alpha=opacity, layers=(LayerSpec(layer),), content=content)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strength": 1.5}, "strength must be from 0 to 1"),
        ({"weights": ()}, "name one style"),
        ({"weights": (0.0,)}, "weight must be more than 0"),
        ({"statistics": "mean"}, "statistics is one of gram, moments"),
        ({"optimizer": "sgd"}, "optimizer is one of adam, lbfgs"),
        ({"colors": "red"}, "colors is one of style"),
        ({"style_scale": 0.0}, "style scale must be from 0.1"),
        ({"steps": 0}, "steps must be"),
        ({"tv": -1.0}, "tv must be"),
        ({"size": 0}, "size must be"),
        ({"octaves": 0}, "octaves must be"),
        ({"octave_scale": 1.0}, "octave scale must be"),
        ({"jitter": -1}, "jitter must be"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(WrongRequest, match=message):
        StyleSettings(**settings)


@pytest.mark.parametrize(
    ("styles", "weights", "fine", "coarse", "style_masks", "content_masks", "message"),
    [
        ([], None, None, None, [], [], "name a style: --style PICTURE"),
        (["a"], None, "b", "c", [], [], "name a style: --style PICTURE"),
        ([], None, "b", None, [], [], "fine and coarse go together"),
        (["a", "b"], None, None, None, ["m"], [], "there are 1 style-masks for 2 styles"),
        (["a"], None, None, None, [], ["m", "n"], "there are 2 content-masks for 1 styles"),
        (["a"], [1.0, 2.0], None, None, [], [], "there are 2 weights for 1 styles"),
    ],
)
def test_numbers_that_do_not_go_together_are_refused(
    styles, weights, fine, coarse, style_masks, content_masks, message: str
) -> None:
    with pytest.raises(WrongRequest, match=message):
        style_roles(styles, weights, fine, coarse, style_masks, content_masks)


def test_a_black_mask_is_refused(network: Network, compute: Compute) -> None:
    others = {"style-1": stripes(), "content-mask-1": np.zeros((8, 8, 3), np.uint8)}
    with pytest.raises(WrongRequest, match="content mask 1 is black everywhere"):
        style(network, compute, others=others)


def test_not_a_number_stops_it_and_keeps_the_picture(compute: Compute) -> None:
    network = zoo.load("squeezenet1_1", random=True)
    with torch.no_grad():
        for parameter in network.module.parameters():
            parameter.mul_(1e30)
    made = style(network, compute)
    assert made.stopped == "non-finite"
    assert made.pixels.shape == PHOTO.shape
