"""What one unit of a layer sees of the picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """What one unit of a layer sees of the input, along one axis.

    Attributes:
        first, last: the first and the last pixel that the unit at index 0 sees; padding makes the first negative.
        stride: pixels of the input between a unit's field and its neighbour's.
    """

    first: int = 0
    last: int = 0
    stride: int = 1

    @property
    def size(self) -> int:
        """How many pixels a unit sees."""
        return self.last - self.first + 1

    def through(self, kernel: int, stride: int, padding: int, dilation: int) -> Field:
        """The field of a unit of the next layer."""
        first = self.first - padding * self.stride
        return Field(first, self.last + ((kernel - 1) * dilation - padding) * self.stride, self.stride * stride)

    def joined(self, other: Field) -> Field:
        """The field of a unit that takes from both."""
        return Field(min(self.first, other.first), max(self.last, other.last), max(self.stride, other.stride))
