"""What one unit of a layer sees of the image: its receptive field.

The arithmetic is that of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks",
Distill, 2019. Where branches meet, the fields of both count.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """What one unit of a layer sees of the input, along one axis.

    Attributes:
        first, last: the first and the last pixel that the unit at index 0 sees; padding makes the first negative.
        stride: the number of input pixels between the fields of neighboring units.
    """

    first: int = 0
    last: int = 0
    stride: int = 1

    @property
    def size(self) -> int:
        """The number of pixels that a unit sees."""
        return self.last - self.first + 1

    def through(self, kernel: int, stride: int, padding: int, dilation: int) -> Field:
        """The field of a unit in the layer after a convolution or a pool."""
        first = self.first - padding * self.stride
        return Field(first, self.last + ((kernel - 1) * dilation - padding) * self.stride, self.stride * stride)

    def joined(self, other: Field) -> Field:
        """The field of a unit that depends on both."""
        return Field(min(self.first, other.first), max(self.last, other.last), max(self.stride, other.stride))


# (down, right); None if a unit sees the whole image
Fields = tuple[Field, Field] | None


def joined(one: Fields, other: Fields) -> Fields:
    """The fields of a unit that depends on both."""
    if one is None or other is None:
        return None
    return one[0].joined(other[0]), one[1].joined(other[1])
