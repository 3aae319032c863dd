from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dreamcli.art import artwork
from dreamcli.art import style as style_form
from dreamcli.art.artwork import Artwork, Inputs, Memo, NotFinite
from dreamcli.art.style import stylize
from dreamcli.engine.compute import Compute
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Picture
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.zoo import Network
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.references import References, StyleInput, style_inputs
from dreamcli.settings.style import StyleSettings
from tests.conftest import scene

PHOTO = scene(64, 80) // 2 + 64
LAYERS = (LayerSpec("stem"), LayerSpec("fire2"))  # the first of dreamnet's own: those of many channels take long


def stripes(period: int = 6, color: tuple[int, int, int] = (230, 60, 20)) -> np.ndarray:
    picture = np.zeros((70, 70, 3), np.uint8)
    picture[(np.arange(70) // (period // 2)) % 2 == 0] = color
    return picture


def paint(
    network: Network,
    compute: Compute,
    photo: np.ndarray | None = PHOTO,
    styles: tuple[StyleInput[np.ndarray], ...] | None = None,
    alpha: np.ndarray | None = None,
    **settings,
) -> Artwork:
    start = None if photo is None else Picture(photo, alpha)
    references = References(styles=styles or (StyleInput(stripes()),)).map(Picture)
    chosen = StyleSettings(**{"steps": 8, "octaves": 1, "layers": LAYERS} | settings)
    (artwork,) = stylize(chosen, Ensemble.of(network), Inputs(start, references), compute)
    return artwork


@pytest.mark.parametrize("statistics", ["neighbors", "gram", "moments"])
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_the_style_is_approached(network: Network, compute: Compute, statistics: str, optimizer: str) -> None:
    made = paint(network, compute, statistics=statistics, optimizer=optimizer)
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
    made = paint(network, compute, **settings)
    assert made.pixels.shape[1] == settings.get("size", 80)
    if "size" not in settings:
        assert (made.pixels != paint(network, compute).pixels).any()


def test_strength_goes_from_the_photograph_to_the_style(network: Network, compute: Compute) -> None:
    changes, likenesses = [], []
    for strength in (0.0, 0.3, 0.7, 1.0):
        made = paint(network, compute, strength=strength, steps=60)
        changes.append(np.abs(made.pixels.astype(float) - PHOTO).mean())
        likenesses.append(np.corrcoef(made.pixels.mean(2).ravel(), PHOTO.mean(2).ravel())[0, 1])
    assert changes == sorted(changes)
    assert likenesses == sorted(likenesses, reverse=True)
    assert changes[0] < 0.2 * changes[3]


def test_the_same_seed_gives_the_same_bytes(network: Network, compute: Compute) -> None:
    # a texture: on a photograph without jitter nothing is random
    one, same, other = (paint(network, compute, None, size=64, seed=seed).pixels for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def hue(pixels: np.ndarray) -> np.ndarray:
    values = pixels.astype(float)
    return values - (values @ np.array([0.299, 0.587, 0.114]))[..., None]


def test_colors_can_be_kept(network: Network, compute: Compute) -> None:
    free, kept, matched = (paint(network, compute, colors=c, steps=25) for c in ("style", "luminance", "match"))
    inside = (kept.pixels > 2).all(2) & (kept.pixels < 253).all(2)
    assert np.abs(hue(kept.pixels) - hue(PHOTO))[inside].max() < 3
    departure = [np.abs(hue(a.pixels).mean((0, 1)) - hue(PHOTO).mean((0, 1))).sum() for a in (free, matched)]
    assert departure[1] < departure[0]


def half(left: bool, shape: tuple[int, int] = (64, 80)) -> np.ndarray:
    mask = np.zeros((*shape, 3), np.uint8)
    mask[:, : shape[1] // 2] = 255 if left else 0
    mask[:, shape[1] // 2 :] = 0 if left else 255
    return mask


def test_a_dark_photograph_takes_on_the_colors_of_a_bright_style(network: Network, compute: Compute) -> None:
    night, cream = PHOTO // 4, 255 - stripes(color=(20, 40, 90))
    made = paint(network, compute, night, (StyleInput(cream),), strength=0.9, steps=120)
    # with the layers alone it goes less than a third of the way
    assert made.pixels.mean() > (night.mean() + cream.mean()) / 2 - 10


def test_each_style_paints_its_own_region(network: Network, compute: Compute) -> None:
    red, blue = stripes(color=(240, 20, 20)), stripes(color=(20, 20, 240))
    styles = style_inputs([red, blue], regions=[half(True), half(False)])
    made = paint(network, compute, styles=styles, strength=1.0, steps=30).pixels.astype(float)
    redness = made[..., 0] - made[..., 2]
    assert redness[:, :32].mean() > redness[:, 48:].mean() + 10


def test_a_style_is_learned_where_its_mask_is_bright(network: Network, compute: Compute) -> None:
    both = np.concatenate([stripes(color=(240, 20, 20))[:, :35], stripes(color=(20, 20, 240))[:, :35]], 1)
    red, blue = (
        paint(network, compute, styles=(StyleInput(both, mask=half(left, (70, 70))),), strength=1.0, steps=30)
        for left in (True, False)
    )
    redness = [a.pixels[..., 0].astype(float).mean() - a.pixels[..., 2].mean() for a in (red, blue)]
    assert redness[0] > redness[1] + 20


def test_fine_and_coarse_come_from_two_pictures(network: Network, compute: Compute) -> None:
    one, other = stripes(4), stripes(24)
    this = paint(network, compute, styles=style_inputs([], fine=one, coarse=other))
    that = paint(network, compute, styles=style_inputs([], fine=other, coarse=one))
    assert (this.pixels != that.pixels).any()


def test_colors_come_from_the_fine_style(network: Network, compute: Compute) -> None:
    red, blue = stripes(color=(240, 20, 20)), stripes(color=(20, 20, 240))
    styles = style_inputs([], fine=red, coarse=blue)
    made = paint(network, compute, styles=styles, strength=1.0, steps=40).pixels.astype(float)
    assert made[..., 0].mean() > made[..., 2].mean() + 20


def test_transparent_parts_are_not_painted(network: Network, compute: Compute) -> None:
    alpha = np.full((64, 80), 255, np.uint8)
    alpha[:, 50:] = 0
    made = paint(network, compute, alpha=alpha)
    np.testing.assert_array_equal(made.pixels[:, 50:], PHOTO[:, 50:])
    assert (made.pixels[:, :40] != PHOTO[:, :40]).any()


def test_a_style_is_painted_where_its_region_is_opaque(network: Network, compute: Compute) -> None:
    alpha = np.full((64, 80), 255, np.uint8)
    alpha[:, 50:] = 0
    red, blue = stripes(color=(240, 20, 20)), stripes(color=(20, 20, 240))
    styles = style_inputs([red, blue], regions=[half(True), half(False)])
    made = paint(network, compute, styles=styles, alpha=alpha, strength=1.0, steps=30)
    np.testing.assert_array_equal(made.pixels[:, 50:], PHOTO[:, 50:])
    redness = made.pixels[..., 0].astype(float) - made.pixels[..., 2]
    assert redness[:, :28].mean() > redness[:, 42:50].mean() + 10


def test_every_step_shows_the_picture_as_it_will_be(network: Network, compute: Compute) -> None:
    alpha = np.full((64, 80), 255, np.uint8)
    alpha[:, 50:] = 0
    inputs = Inputs(Picture(PHOTO, alpha), References(styles=(StyleInput(Picture(stripes())),)))
    shown: list[np.ndarray] = []
    settings = StyleSettings(steps=3, octaves=1, colors="luminance")
    (made,) = stylize(settings, Ensemble.of(network), inputs, compute, lambda step: shown.append(step.picture()))
    assert len(shown) == 3
    np.testing.assert_array_equal(shown[-1], Picture(made.pixels, alpha).on_white)
    assert all((picture[:, 50:] == 255).all() for picture in shown)
    assert (shown[0] != shown[-1]).any()


def test_a_texture_needs_no_photograph_and_a_seamless_one_has_no_seam(network: Network, compute: Compute) -> None:
    made = paint(network, compute, None, size=96, seamless=True, steps=30)
    assert made.pixels.shape == (96, 96, 3)
    assert made.score["after"] > made.score["before"]
    values = made.pixels.astype(float)
    inner = np.abs(np.diff(values, axis=1)).mean()
    seam = np.abs(values[:, 0] - values[:, -1]).mean()
    assert seam < 1.6 * inner


def test_what_is_compared_depends_on_whether_there_is_a_photograph(network: Network, compute: Compute) -> None:
    for photo, statistics, other in ((PHOTO, "neighbors", "moments"), (None, "moments", "gram")):
        usual, same, different = (
            paint(network, compute, photo, size=64, statistics=s).pixels for s in ("auto", statistics, other)
        )
        np.testing.assert_array_equal(usual, same)
        assert (usual != different).any()


def test_neighbors_need_a_photograph(network: Network, compute: Compute) -> None:
    with pytest.raises(WrongRequest, match="neighbors need a photograph"):
        paint(network, compute, None, statistics="neighbors")


def test_average_pooling_changes_the_picture_and_not_the_network(network: Network, compute: Compute) -> None:
    usual, averaged, again = (
        paint(network, compute, average_pooling=average).pixels for average in (False, True, False)
    )
    assert (usual != averaged).any()
    np.testing.assert_array_equal(usual, again)


def test_average_pooling_needs_maxima(compute: Compute) -> None:
    with pytest.raises(WrongRequest, match="mobilenet_v2 has no max pooling to replace"):
        paint(zoo.load("mobilenet_v2", random=True), compute, average_pooling=True, layers=())


def test_a_styles_statistics_are_measured_once_for_many_photographs(
    network: Network, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artwork, "MAX_REMEMBERED", 2)
    memo = Memo()
    references = References(styles=(StyleInput(Picture(stripes(), sha256="ab")),))
    inputs = Inputs(Picture(PHOTO), references, memo=memo)
    settings = StyleSettings(steps=1, octaves=1, layers=LAYERS)
    stylize(settings, Ensemble.of(network), inputs, compute)
    kept = dict(memo._results)
    assert len(kept) == 1
    stylize(settings, Ensemble.of(network), Inputs(Picture(PHOTO[::-1].copy()), references, memo=memo), compute)
    assert memo._results == kept
    stylize(replace(settings, colors="match"), Ensemble.of(network), inputs, compute)
    assert memo._results == kept  # it follows the photograph, so it can't be kept
    nameless = References(styles=(StyleInput(Picture(stripes())),))
    stylize(settings, Ensemble.of(network), Inputs(Picture(PHOTO), nameless, memo=memo), compute)
    assert memo._results == kept  # nothing says whether two pictures without a digest are the same
    for size in (64, 65, 66):
        stylize(replace(settings, size=size), Ensemble.of(network), inputs, compute)
    assert len(memo._results) == 2  # in a folder with pictures of many sizes, not all are remembered


@pytest.mark.parametrize(
    ("change", "settings"),
    [
        ({"picture": Picture(stripes(20), sha256="cd")}, {}),
        ({"mask": Picture(half(True, (70, 70)), sha256="ef")}, {}),
        ({}, {"layers": (LayerSpec("fire2"),)}),
        ({}, {"style_scale": 0.5}),
        ({}, {"average_pooling": True}),
    ],
    ids=["picture", "mask", "layers", "scale", "pooling"],
)
def test_remembered_statistics_serve_only_the_same_request(
    network: Network, compute: Compute, change: dict, settings: dict
) -> None:
    def painted(change: dict, settings: dict, memo: Memo) -> np.ndarray:
        style = replace(StyleInput(Picture(stripes(), sha256="ab")), **change)
        inputs = Inputs(Picture(PHOTO), References(styles=(style,)), memo=memo)
        chosen = StyleSettings(**{"steps": 3, "octaves": 1, "layers": LAYERS} | settings)
        return stylize(chosen, Ensemble.of(network), inputs, compute)[0].pixels

    memo = Memo()
    first = painted({}, {}, memo)
    second = painted(change, settings, memo)
    np.testing.assert_array_equal(second, painted(change, settings, Memo()))
    assert (second != first).any()


@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18", "mobilenet_v2"])
def test_other_networks_have_style_layers(compute: Compute, name: str) -> None:
    network = zoo.load(name, random=True)
    made = paint(network, compute, steps=2, layers=())
    assert made.stopped == "done"
    assert network.card.is_residual == (name == "resnet18")
    assert network.card.content_layer in network.trace.shapes


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
@pytest.mark.parametrize("statistics", ["auto", "gram", "moments"])
def test_style_is_measured_over_tokens(tokens: Network, compute: Compute, content: str, statistics: str) -> None:
    layers = (LayerSpec("block"),)
    made = paint(tokens, compute, layers=layers, content=content, statistics=statistics, octaves=2, size=160, steps=20)
    assert made.stopped == "done"
    assert made.score["after"] > made.score["before"]


@pytest.mark.parametrize(
    ("layer", "content", "mask", "alpha", "message"),
    [
        ("head", "patches", None, False, "layer head of .* has no rows and columns"),
        ("block", "patches", "mask", False, "layer block of .* has no rows and columns"),
        ("block", "patches", "region", False, "layer block of .* has no rows and columns"),
        ("block", "patches", None, True, "layer block of .* has no rows and columns"),
        ("patches", "head", None, True, "layer head of .* has no rows and columns"),
    ],
)
def test_a_layer_that_cannot_measure_style_is_refused(
    tokens: Network, compute: Compute, layer: str, content: str, mask: str | None, alpha: bool, message: str
) -> None:
    styles = (StyleInput(stripes(), **({mask: half(True)} if mask else {})),)
    opacity = np.full((64, 80), 200, np.uint8) if alpha else None
    with pytest.raises(WrongRequest, match=message):
        paint(tokens, compute, styles=styles, alpha=opacity, layers=(LayerSpec(layer),), content=content)


def test_tokens_have_no_places_to_match(tokens: Network, compute: Compute) -> None:
    with pytest.raises(WrongRequest, match="has no positions to match"):
        paint(tokens, compute, layers=(LayerSpec("block"),), content="block", statistics="neighbors")


def test_a_black_mask_is_refused(network: Network, compute: Compute) -> None:
    styles = (StyleInput(stripes(), region=np.zeros((8, 8, 3), np.uint8)),)
    with pytest.raises(WrongRequest, match="content mask 1 is black everywhere"):
        paint(network, compute, styles=styles)


@pytest.mark.parametrize("settings", [{"seamless": True}, {"jitter": 3}], ids=str)
@pytest.mark.parametrize("placed", ["photograph", "content mask"])
def test_only_a_texture_may_be_shifted(network: Network, compute: Compute, settings: dict, placed: str) -> None:
    photo = PHOTO if placed == "photograph" else None
    styles = (StyleInput(stripes(), region=None if placed == "photograph" else half(True)),)
    with pytest.raises(WrongRequest, match="seamless and jitter are for textures"):
        paint(network, compute, photo, styles, size=64, **settings)
    assert paint(network, compute, None, size=64, steps=1, **settings).stopped == "done"


def test_a_style_is_needed(network: Network, compute: Compute) -> None:
    with pytest.raises(WrongRequest, match="name at least one style"):
        stylize(StyleSettings(steps=1, octaves=1), Ensemble.of(network), Inputs(Picture(PHOTO)), compute)


def test_values_that_are_not_finite_are_refused(compute: Compute) -> None:
    network = zoo.load("squeezenet1_1", random=True)
    with torch.no_grad():
        for parameter in network.module.parameters():
            parameter.mul_(1e30)
    with pytest.raises(NotFinite):
        paint(network, compute, layers=())


def test_no_color_is_far_from_those_of_the_style(
    network: Network, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gray style makes a gray picture, to its last pixel."""

    def most_colorful() -> float:
        gray = np.repeat(stripes()[..., :1], 3, axis=2)
        pixels = paint(network, compute, styles=(StyleInput(gray),), steps=40).pixels
        return float(np.quantile(pixels.max(2).astype(int) - pixels.min(2), 0.999))

    found = most_colorful()
    monkeypatch.setattr(style_form, "GAMUT_WEIGHT", 0.0)
    assert found < 0.8 * most_colorful()
