"""The other pictures that an art form works with: a guide, a mask, styles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import starmap
from typing import Any, Generic, Literal, TypeVar

from dreamcli.errors import Hint, WrongRequest, check

# how a picture is held: a Path as typed, a ReadInput in a session, a Picture in a recipe, a digest in a record
P = TypeVar("P")
Q = TypeVar("Q")
Part = Literal["all", "fine", "coarse"]


@dataclass(frozen=True)
class StyleInput(Generic[P]):
    """A style to paint in.

    Attributes:
        picture: the picture that has the style.
        weight: how much it counts relative to the other styles; more than 0.
        mask: bright where the style is learned from; None for the whole picture.
        region: bright where the style is painted; None for everywhere.
        part: what is taken from the picture: "all" of its style, its "fine" texture or its "coarse" shapes.
    """

    picture: P
    weight: float = 1.0
    mask: P | None = None
    region: P | None = None
    part: Part = "all"

    def __post_init__(self) -> None:
        check(0 < self.weight < math.inf, "a style's weight must be more than 0")

    def map(self, change: Callable[[P], Q]) -> StyleInput[Q]:
        """Apply a function to each picture."""
        mask, region = (None if each is None else change(each) for each in (self.mask, self.region))
        return StyleInput(change(self.picture), self.weight, mask, region, self.part)


@dataclass(frozen=True)
class References(Generic[P]):
    """The pictures that an art form takes besides the one it starts from.

    Attributes:
        guide: the picture whose features to climb toward.
        mask: bright where the start may change.
        styles: the styles to paint in.
        like: photographs that the result should resemble.
    """

    guide: P | None = None
    mask: P | None = None
    styles: tuple[StyleInput[P], ...] = ()
    like: tuple[P, ...] = ()

    def map(self, change: Callable[[P], Q]) -> References[Q]:
        """Apply a function to each picture, such as one that reads it from its path."""
        guide, mask = (None if each is None else change(each) for each in (self.guide, self.mask))
        return References(guide, mask, tuple(style.map(change) for style in self.styles), tuple(map(change, self.like)))

    def by_role(self) -> dict[str, P]:
        """Each picture under the name that a record gives it: guide, mask, like-1, fine, coarse, style-1 ..."""
        pictures = {"guide": self.guide, "mask": self.mask}
        pictures |= {f"like-{number}": picture for number, picture in enumerate(self.like, 1)}
        for number, style in enumerate(self.styles, 1):
            pictures[f"style-{number}" if style.part == "all" else style.part] = style.picture
            pictures[f"style-mask-{number}"] = style.mask
            pictures[f"content-mask-{number}"] = style.region
        return {role: picture for role, picture in pictures.items() if picture is not None}

    def options(self, spelled: Callable[[P], str]) -> dict[str, object]:
        """The options that name the pictures, as a preset holds them; without the masks of styles.

        Args:
            spelled: writes a picture's name.
        """
        one = {"guide": self.guide, "mask": self.mask}
        one |= {style.part: style.picture for style in self.styles if style.part != "all"}
        options: dict[str, object] = {name: spelled(each) for name, each in one.items() if each is not None}
        if self.like:
            options["like"] = list(map(spelled, self.like))
        if styles := [style for style in self.styles if style.part == "all"]:
            weights = ("" if style.weight == 1 else f"={style.weight!r}" for style in styles)
            pairs = zip(styles, weights, strict=True)
            options["style"] = [spelled(style.picture) + weight for style, weight in pairs]
        return options

    def only_style(self, number: int | None) -> References[P]:
        """The same with one of the styles, counted from 0; all of them for None."""
        return self if number is None else replace(self, styles=(self.styles[number],))

    @property
    def weights(self) -> tuple[float, ...]:
        """The styles' weights, in order."""
        return tuple(style.weight for style in self.styles)

    @classmethod
    def from_roles(cls, pictures: Mapping[str, P], weights: Sequence[float]) -> References[P]:
        """Rebuild what `by_role` and `weights` returned.

        Raises:
            WrongRequest: the weights are of other styles.
        """
        roles: list[tuple[str, Part]] = [(f"style-{number}", "all") for number in range(1, len(pictures) + 1)]
        roles += [("fine", "fine"), ("coarse", "coarse")]
        roles = [role for role in roles if role[0] in pictures]
        check(len(weights) == len(roles), f"there are {len(weights)} weights for {len(roles)} styles")
        numbers = range(1, len(roles) + 1)
        masks = [pictures.get(f"style-mask-{number}") for number in numbers]
        regions = [pictures.get(f"content-mask-{number}") for number in numbers]
        columns = [pictures[role] for role, _ in roles], weights, masks, regions, [part for _, part in roles]
        styles = tuple(starmap(StyleInput, zip(*columns, strict=True)))
        likes = (f"like-{number}" for number in range(1, len(pictures) + 1))
        like = tuple(pictures[role] for role in likes if role in pictures)
        return cls(pictures.get("guide"), pictures.get("mask"), styles, like)


def style_inputs(
    styles: Iterable[P],
    weights: Iterable[float] | None = None,
    fine: P | None = None,
    coarse: P | None = None,
    masks: Iterable[P] = (),
    regions: Iterable[P] = (),
) -> tuple[StyleInput[P], ...]:
    """Combine styles with their weights and masks, or a fine and a coarse one.

    Weights, masks and regions are none, or one for each style.

    Raises:
        WrongRequest: there are too many or too few of something.
    """
    styles, masks, regions = list(styles), list(masks), list(regions)
    has_parts = fine is not None or coarse is not None
    if styles and has_parts:
        raise WrongRequest("a fine and a coarse style can't be combined with others", Hint.STYLE)
    if not styles and not has_parts:
        raise WrongRequest("there is no style to paint in", Hint.STYLE)
    if has_parts:
        if fine is None or coarse is None:
            raise WrongRequest("a fine style needs a coarse one, and vice versa", Hint.STYLE)
        styles = [fine, coarse]
        check(not masks and not regions, "masks can't be combined with a fine and a coarse style")
    shares = [1.0] * len(styles) if weights is None else list(weights)
    for name, group in (("weights", shares), ("style masks", masks), ("content masks", regions)):
        fits = len(group) == len(styles) or (not group and name != "weights")
        check(fits, f"there are {len(group)} {name} for {len(styles)} styles: give one for each")
    parts = ["all"] * len(styles) if fine is None else ["fine", "coarse"]
    none = [None] * len(styles)
    columns: tuple[Iterable[Any], ...] = (styles, shares, masks or none, regions or none, parts)
    return tuple(starmap(StyleInput, zip(*columns, strict=True)))
