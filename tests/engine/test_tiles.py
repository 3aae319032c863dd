from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dreamcli.engine.activations import Activations, InputFormat
from dreamcli.engine.ascent import NormalizedGradient, ascend
from dreamcli.engine.compute import Compute
from dreamcli.engine.field import Field
from dreamcli.engine.objectives import Channel, Guide, LayerEnergy, Neuron, Objective
from dreamcli.engine.parameterization import Pixels
from dreamcli.engine.redirect import RedirectedReLUs
from dreamcli.engine.tiles import MIN_TILE, Cut, TiledActivations, TileError, cuts
from dreamcli.engine.trace import TRACE_SIZE, trace
from dreamcli.engine.transforms import Jitter
from dreamcli.networks import zoo
from dreamcli.networks.zoo import Network
from tests.networks.exactness import check_tiles

SIZE = (300, 411)  # pixels: not a multiple of any stride, and at least 2 x 3 of the smallest tiles


def both(network: Network, layers: list[str], compute: Compute, room: int = 1) -> tuple[Activations, TiledActivations]:
    form, trace = network.input_format, network.trace
    fields = {layer: field for layer in layers if (field := trace.fields[layer])}
    return (
        Activations(network.module, layers, form, compute, trace),
        TiledActivations(network.module, fields, form, compute, trace, room),
    )


@pytest.fixture
def image() -> Tensor:
    torch.manual_seed(0)
    return F.avg_pool2d(torch.rand(1, 3, *SIZE), 5, 1, 2).contiguous(memory_format=torch.channels_last)


def value_and_gradient(objective: Objective, activations: Activations, image: Tensor) -> tuple[float, Tensor]:
    image = image.clone().requires_grad_()
    value = objective(activations(image), image)
    (gradient,) = torch.autograd.grad(value, image)
    return value.item(), gradient


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("dreamnet", ["fire4"]),
        ("dreamnet", ["stem", "fire9"]),
        ("squeezenet1_0", ["features.8"]),
        ("alexnet", ["features.7"]),
        ("resnet18", ["layer3"]),
        ("googlenet", ["inception4a"]),
        ("densenet121", ["features.denseblock2"]),
        ("convnext_tiny", ["features.3"]),
    ],
)
def test_tiles_equal_the_whole(name: str, layers: list[str], image: Tensor, compute: Compute) -> None:
    network = zoo.load(name, random=name != "dreamnet")
    whole, tiled = both(network, layers, compute)
    with torch.no_grad():
        wanted, found = whole(image), tiled(image)
    for layer in layers:
        torch.testing.assert_close(found[layer], wanted[layer], rtol=1e-4, atol=1e-5 * float(wanted[layer].abs().max()))
    objective = sum((LayerEnergy(layer) for layer in layers), start=0)
    value, wanted_gradient = value_and_gradient(objective, whole, image)
    value_in_tiles, gradient = value_and_gradient(objective, tiled, image)
    assert value_in_tiles == pytest.approx(value, rel=1e-5, abs=1e-6)
    torch.testing.assert_close(gradient, wanted_gradient, rtol=0, atol=1e-4 * float(wanted_gradient.abs().max()))


class UNet(nn.Module):
    """Halves the image twice and enlarges it again, with skips."""

    def __init__(self, *ups: nn.Module) -> None:
        super().__init__()
        self.downs = nn.ModuleList([nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)])
        self.pool = nn.MaxPool2d(2)
        self.bottom = nn.Conv2d(4, 4, 3, padding=1)
        self.ups = nn.ModuleList(ups)
        self.mix = nn.ModuleList([nn.Conv2d(8, 4, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)])
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.downs:
            skips.append(down(x).relu())
            x = self.pool(skips[-1])
        x = self.bottom(x).relu()
        for up, mix in zip(self.ups, self.mix, strict=True):
            x = mix(torch.cat([up(x), skips.pop()], 1)).relu()
        return self.head(x)


def shuffle() -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 16, 1), nn.PixelShuffle(2))


@pytest.mark.parametrize("layers", [["head"], ["ups.0"], ["downs.1", "mix.0"]], ids=str)
@pytest.mark.parametrize(
    "ups",
    [
        (nn.ConvTranspose2d(4, 4, 2, 2), nn.ConvTranspose2d(4, 4, 4, 2, 1)),
        (shuffle(), nn.Upsample(scale_factor=2)),
        (nn.Upsample(scale_factor=2, mode="bilinear"), nn.Upsample(scale_factor=2, mode="bicubic")),
    ],
    ids=["transposed", "shuffled", "interpolated"],
)
def test_tiles_of_a_u_net_equal_the_whole(
    ups: tuple[nn.Module, nn.Module], layers: list[str], image: Tensor, compute: Compute
) -> None:
    check_tiles(UNet(*ups).eval(), layers, image[:, :, :180, :264].contiguous(), InputFormat(), compute)


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2d(3, 4, 9, 2), nn.Conv2d(4, 4, 9, 2), nn.Conv2d(4, 4, 9)),  # fields of 57, no padding
        nn.Sequential(nn.Conv2d(3, 4, 160, 160)),  # a stride larger than the least tile
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(4, 4, 2, 4)),  # units that see nothing; 4 in a pixel
    ],
    ids=str,
)
def test_tiles_of_unusual_networks_equal_the_whole(network: nn.Sequential, image: Tensor, compute: Compute) -> None:
    part = image[:, :, :170, :333].contiguous()
    check_tiles(network.eval(), [str(len(network) - 1)], part, InputFormat(), compute, size=(192, 208))


class Choosy(nn.Module):
    """Treats large images differently."""

    def __init__(self, in_large_ones: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.out = nn.Identity()
        self.in_large_ones = in_large_ones

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.out(self.in_large_ones(x) if x.shape[-1] > 100 else x)


def whole_numbers(x: Tensor) -> Tensor:
    if x.shape[-1] % 32:
        raise ValueError("the width must be a multiple of 32\nand more")
    return x


@pytest.mark.parametrize(
    ("in_large_ones", "problem"),
    [
        (lambda x: x[..., ::2, ::2], r"layer out has the shape 4x\d+x\d+ for a tile of \d+x\d+ pixels"),
        (lambda x: x.repeat(1, 1, 2, 1), "layer out has the shape"),
        (lambda x: x.flatten(2), "layer out has the shape"),
        (whole_numbers, r"a tile of \d+x\d+ pixels doesn't go through: the width must be a multiple of 32$"),
    ],
)
def test_a_network_that_gives_something_else_for_tiles_is_refused(
    in_large_ones: Callable[[Tensor], Tensor], problem: str, image: Tensor, compute: Compute
) -> None:
    network = Choosy(in_large_ones)
    fields = trace(network, TRACE_SIZE).fields["out"]
    assert fields
    tiled = TiledActivations(network, {"out": fields}, InputFormat(), compute, trace(network, TRACE_SIZE), room=1)
    with pytest.raises(TileError, match=problem):
        tiled(image)


@pytest.mark.parametrize(
    "objective",
    [
        Channel("fire6", 3),
        Neuron("fire6", 3, 0.4, 0.7),
        -Guide("fire6", torch.rand(40, 384, generator=torch.Generator().manual_seed(0))),
        LayerEnergy("fire6") + 0.5 * Channel("fire4", 9),
    ],
)
def test_any_objective_of_maps_has_the_same_gradient(
    objective: Objective, image: Tensor, network: Network, compute: Compute
) -> None:
    whole, tiled = both(network, ["fire4", "fire6"], compute)  # some objectives need only one of them
    _, wanted = value_and_gradient(objective, whole, image)
    _, found = value_and_gradient(objective, tiled, image)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4 * float(wanted.abs().max()))


def test_a_tile_where_a_channel_is_dead_is_not_rescued(image: Tensor, network: Network, compute: Compute) -> None:
    bright = image.clone()
    bright[..., 150:] = 0.5  # flat: edge detectors are silent here
    whole, tiled = both(network, ["stem"], compute)
    for channel in range(0, 64, 8):
        with RedirectedReLUs():
            _, wanted = value_and_gradient(Channel("stem", channel), whole, bright)
            _, found = value_and_gradient(Channel("stem", channel), tiled, bright)
        if bool((wanted[..., :140] != 0).any()):  # alive somewhere
            torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4 * float(wanted.abs().max()))


def test_small_images_are_processed_whole_and_large_ones_in_tiles(
    image: Tensor, network: Network, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[tuple[int, int]] = []
    plain = Activations.__call__

    def noted(self: Activations, image: Tensor) -> dict[str, Tensor]:
        fed.append(tuple(image.shape[2:]))
        return plain(self, image)

    monkeypatch.setattr(Activations, "__call__", noted)
    room = SIZE[0] * SIZE[1]
    _, enough = both(network, ["fire4"], compute, room)
    _, less = both(network, ["fire4"], compute, room - 1)
    with torch.no_grad():
        enough(image)
        assert fed == [SIZE]
        fed.clear()
        less(image)
    assert len(fed) > 4
    assert max(height * width for height, width in fed) < room / 2


@pytest.mark.parametrize("length", [200, 257, 300, 1000, 4001])
@pytest.mark.parametrize("field", [Field(0, 255, 256), Field(-20, 180, 150), Field(0, 399, 400)])
def test_no_tile_is_empty(length: int, field: Field) -> None:
    found = cuts(length, 1, [field])
    assert found[-1].stop == length
    assert all(cut.first <= cut.start < cut.stop <= cut.last + 1 for cut in found)


@pytest.mark.parametrize("length", [129, 256, 257, 1000, 4001])
@pytest.mark.parametrize("fields", [[Field(-31, 44, 8)], [Field(-3, 4, 2), Field(-63, 92, 16)], [Field(0, 10, 4)]])
def test_cuts_cover_each_pixel_and_each_unit_once(length: int, fields: list[Field]) -> None:
    found = cuts(length, 1, fields)
    assert [cut.start for cut in found] == [0, *(cut.stop for cut in found[:-1])]
    assert found[-1].stop == length
    assert all(cut.stop - cut.start <= MIN_TILE + 16 for cut in found)
    for field in fields:
        units = range(-(-length // field.stride))
        assert [unit for cut in found for unit in units[cut.units(field.stride)]] == list(units)
        for cut in found[:-1]:
            last_unit = units[cut.units(field.stride)][-1]
            assert cut.first <= max(0, cut.start + field.first)
            assert cut.last >= min(length - 1, field.last + last_unit * field.stride)


def test_a_dream_in_tiles_has_no_seam_and_repeats(image: Tensor, network: Network, compute: Compute) -> None:
    def dreamed(activations: Activations) -> Tensor:
        pixels = Pixels(image)
        ascend(
            pixels, LayerEnergy("fire6"), activations, steps=4, optimizer=NormalizedGradient(0.01),
            transforms=[Jitter(0)], generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
        return pixels.render().detach()

    whole, tiled = both(network, ["fire6"], compute)
    wanted, found = dreamed(whole), dreamed(tiled)
    assert torch.equal(found, dreamed(tiled))
    across, across_whole = ((picture - image).diff(dim=3).abs().mean((0, 1, 2)) for picture in (found, wanted))
    borders = [cut.stop for cut in cuts(SIZE[1], 1, [Field(-31, 44, 8)])][:-1]
    assert len(borders) == 3
    for border in borders:  # the step across the border, compared to a dream without tiles
        assert float(across[border - 1] / across_whole[border - 1]) == pytest.approx(1, abs=0.01)
    # rounding differences grow from step to step
    assert float((found - wanted).abs().mean()) < 0.02 * float((wanted - image).abs().mean())


def test_control_c_between_tiles_interrupts(
    image: Tensor, network: Network, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: TiledActivations, image: Tensor, tile: tuple[Cut, Cut]) -> list[Tensor]:
        if torch.is_grad_enabled():  # on the way back
            raise KeyboardInterrupt
        return plain(self, image, tile)

    _, tiled = both(network, ["fire4"], compute)
    plain = TiledActivations.of_tile
    monkeypatch.setattr(TiledActivations, "of_tile", interrupt)
    ascent = ascend(
        Pixels(image), LayerEnergy("fire4"), tiled, steps=2, optimizer=NormalizedGradient(0.01),
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert ascent.stopped == "interrupted"
