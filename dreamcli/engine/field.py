"""What one unit of a layer sees of the image: its receptive field.

The arithmetic is that of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks",
Distill, 2019. Where branches meet, the fields of both count. Upsampling puts several units in place of one: their
fields aren't evenly spaced, but repeat after a fixed number of units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Field:
    """What one unit of a layer sees of the input, along one axis.

    Attributes:
        first, last: the first and the last pixel that the unit at index 0 sees; padding makes the first negative.
        step: the number of input pixels after which the fields repeat.
        others: (first, last) of the units at index 1, 2, ... if several units share a step, as after upsampling.
    """

    first: int = 0
    last: int = 0
    step: int = 1
    others: tuple[tuple[int, int], ...] = ()

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """(first, last) of each of the units that share a step."""
        return ((self.first, self.last), *self.others)

    @property
    def stride(self) -> Fraction | int:
        """The number of input pixels from one unit to the next: less than 1 if there are more units than pixels."""
        stride = Fraction(self.step, 1 + len(self.others))
        return int(stride) if stride.denominator == 1 else stride

    @property
    def size(self) -> int:
        """The number of pixels that a unit sees; the maximum, if units differ."""
        return max(last - first for first, last in self.spans) + 1

    @property
    def before(self) -> int:
        """The most pixels that a unit sees before the start of its step."""
        return max(0, *(-first for first, _ in self.spans))

    @property
    def beyond(self) -> int:
        """The most pixels that a unit sees after the end of its step."""
        return max(0, *(last + 1 - self.step for _, last in self.spans))

    def through(self, kernel: int, stride: int, padding: int, dilation: int) -> Field:
        """The field of a unit in the layer after a convolution or a pool."""
        return self.mapped(1, stride, lambda _: range(-padding, (kernel - 1) * dilation - padding + 1, dilation))

    def back_through(self, kernel: int, stride: int, padding: int, dilation: int) -> Field:
        """The field of a unit in the layer after a transposed convolution."""

        def inputs(unit: int) -> list[int]:
            taps = [unit + padding - dilation * index for index in range(kernel)]
            found = [tap // stride for tap in taps if tap % stride == 0]
            # a stride larger than the kernel leaves units that see nothing, between two that see something
            return found or [(unit + padding) // stride, (unit + padding) // stride + 1]

        return self.mapped(stride, 1, inputs)

    def mapped(self, ahead: int, back: int, inputs: Callable[[int], Iterable[int]]) -> Field:
        """The field of a unit in a layer where every ``ahead`` units take the place of ``back`` units here.

        Args:
            inputs: which units here a unit there sees, for the first ``ahead`` units there.
        """
        count = len(self.spans)
        rounds = count // math.gcd(count, back)  # until the pattern here and the one there repeat together
        spans = []
        for unit in range(ahead * rounds):
            turn, place = divmod(unit, ahead)
            seen = [self._span(index + turn * back) for index in inputs(place)]
            spans.append((min(first for first, _ in seen), max(last for _, last in seen)))
        return Field(*spans[0], self.step * back * rounds // count, tuple(spans[1:]))

    def _span(self, unit: int) -> tuple[int, int]:
        turn, place = divmod(unit, len(self.spans))
        first, last = self.spans[place]
        return first + turn * self.step, last + turn * self.step

    def joined(self, other: Field) -> Field:
        """The field of a unit that depends on both, which have the same stride."""
        step = math.lcm(self.step, other.step)
        pairs = [(self._span(unit), other._span(unit)) for unit in range(int(step / self.stride))]
        spans = [(min(one[0], two[0]), max(one[1], two[1])) for one, two in pairs]
        return Field(*spans[0], step, tuple(spans[1:]))


# (down, right); None if a unit sees the whole image
Fields = tuple[Field, Field] | None


def joined(one: Fields, other: Fields) -> Fields:
    """The fields of a unit that depends on both; the whole image if their strides differ."""
    if one is None or other is None or any(a.stride != b.stride for a, b in zip(one, other, strict=True)):
        return None
    return one[0].joined(other[0]), one[1].joined(other[1])
