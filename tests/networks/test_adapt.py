from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from dreamcli.engine.compute import Compute
from dreamcli.errors import WrongRequest
from dreamcli.networks import zoo
from dreamcli.networks.network import Network

Answer = namedtuple("Answer", ["maps", "logits"])
OUTPUTS = {
    "logits": lambda maps, logits: {"maps": maps, "logits": logits},
    "out": lambda maps, logits: {"maps": maps, "out": logits},
    "first of a dict": lambda maps, logits: {"length": 3, "scores": logits, "maps": maps},
    "first of a tuple": lambda maps, logits: (logits, maps),
    "first of a list in a tuple": lambda maps, logits: ([None, logits], maps),
    "named tuple": Answer,
    "tensor": lambda maps, logits: logits,
    "made from the logits": lambda maps, logits: {"maps": maps, "out": logits.log_softmax(1)},
}


class Net(nn.Module):
    """Its head isn't the last of its layers to run."""

    def __init__(self, channels: int = 3, outputs: str = "tensor") -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
        self.head, self.other = nn.Linear(4, 5), nn.Conv2d(4, 2, 1)
        self.outputs = outputs

    def forward(self, x: Tensor) -> object:
        maps = self.second(self.first(x))
        logits = self.head(maps.mean((2, 3)))
        return OUTPUTS[self.outputs](self.other(maps), logits)


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_the_answer_among_several_outputs_is_found(outputs: str) -> None:
    network = zoo.wrap(Net(outputs=outputs))
    assert network.output == "head"
    assert len(network.card.labels) == 5
    assert network.module(torch.rand(1, 3, 32, 32)).shape == (1, 5)


def gradient(network: Network, compute: Compute, image: Tensor) -> Tensor:
    leaf = image.clone().requires_grad_()
    network.activations(["second"], compute)(leaf)["second"].square().sum().backward()
    assert leaf.grad is not None
    return leaf.grad


def test_a_network_of_one_channel_sees_the_luma(compute: Compute) -> None:
    module = Net(1)
    network = zoo.wrap(module, mean=(0.5,), std=(0.25,))
    pixels = torch.randint(0, 256, (40, 48, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    luma = torch.tensor(list(Image.fromarray(pixels.numpy()).convert("L").tobytes())).view(1, 1, 40, 48) / 255
    image = pixels.permute(2, 0, 1)[None] / 255
    wanted = module.eval()((luma - 0.5) / 0.25)
    torch.testing.assert_close(network.module(network.input_format.normalize(image)), wanted, atol=0.01, rtol=0)
    assert network.card.is_grey
    assert not zoo.wrap(Net(3)).card.is_grey
    assert zoo.wrap(network.module).card.is_grey


@pytest.mark.parametrize("mean", [None, (0.4, 0.5, 0.6)])
def test_its_gradient_is_gray(compute: Compute, mean: tuple[float, ...] | None) -> None:
    network = zoo.wrap(Net(1), mean=mean, std=mean)
    red, green, blue = gradient(network, compute, torch.rand(1, 3, 40, 48))[0]
    assert float(red.abs().max()) > 0
    assert torch.equal(red, green)
    assert torch.equal(red, blue)
    # as that of the picture's brightness, so a gray picture climbs as steeply as the network's own input
    gray = torch.rand(1, 1, 40, 48, requires_grad=True)
    (gray.expand(-1, 3, -1, -1) * torch.stack([red, green, blue])).sum().backward()
    torch.testing.assert_close(gray.grad, (red + green + blue)[None, None])


class Flat(nn.Sequential):
    image_size = 28

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(28 * 28, 10))


@pytest.mark.parametrize(
    "module", [Flat(), nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 2, 3))], ids=["linear", "batch norm"]
)
def test_one_channel_is_recognized_without_a_convolution_first(module: nn.Module) -> None:
    assert zoo.wrap(module).card.is_grey


def scripted() -> list[nn.Module]:
    plain = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten())
    inside = Net()
    inside.second = torch.jit.script(inside.second)
    return [torch.jit.script(plain), torch.jit.trace(plain, torch.rand(1, 3, 8, 8)), inside]


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_what_is_scripted_is_refused_in_a_line() -> None:
    for module, name in zip(
        scripted(), ("RecursiveScriptModule", "TopLevelTracedModule", "second of Net"), strict=True
    ):
        with pytest.raises(WrongRequest, match=f"^{name} is TorchScript, which can't be taken apart; use the module"):
            zoo.wrap(module)


class OptimizedModule(nn.Module):
    """As `torch.compile` returns it; importing the real one takes longer than all these tests."""

    __module__ = "torch._dynamo.eval_frame"

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._orig_mod = module

    def __getattr__(self, name: str) -> object:
        return super().__getattr__(name) if name == "_orig_mod" else getattr(self._orig_mod, name)


def part_compiled(module: Net) -> nn.Module:
    module.second = OptimizedModule(module.second)
    return module


def both(module: Net) -> nn.Module:
    return nn.DataParallel(OptimizedModule(part_compiled(module)))


@pytest.mark.parametrize("wrap", [OptimizedModule, nn.DataParallel, AveragedModel, part_compiled, both])
def test_torchs_wrappers_are_taken_off(wrap: Callable[[Net], nn.Module]) -> None:
    module = Net().eval()
    plain, wrapped = zoo.wrap(module), wrap(module)
    before = list(wrapped.state_dict())
    network = zoo.wrap(wrapped)
    assert network.card.name == "Net"
    assert network.weights_sha256 == plain.weights_sha256
    assert network.trace.shapes == plain.trace.shapes
    assert list(wrapped.state_dict()) == before


class Normalized(nn.Module):
    """A wrapper that isn't torch's does something."""

    def __init__(self) -> None:
        super().__init__()
        self.module = Net()

    def forward(self, x: Tensor) -> object:
        return self.module(x * 2)


def test_other_wrappers_stay() -> None:
    assert zoo.wrap(Normalized()).card.name == "Normalized"


def test_lenet_sees_the_mean_as_ever() -> None:
    """Its records are replayed with the same bits."""
    module = zoo.skeleton("lenet5").module
    assert not module._forward_pre_hooks
