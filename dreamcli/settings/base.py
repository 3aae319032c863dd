"""What all settings have in common: a default, a range, a help text and a spelling, each written once; and JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from numbers import Real
from types import UnionType
from typing import Any, ClassVar, Self, TypeVar, cast, get_args, get_origin, get_type_hints

from dreamcli.errors import WrongRequest, check

from .layer_spec import LayerSpec
from .spelling import SPELLINGS, Spelling

T = TypeVar("T")

LATEST_RECIPE = 3
MAX_STEPS = 10_000
SMALLEST_SIDE = 224  # pixels on the longer side, where a climb begins by default: what most networks are used to
MAX_JITTER = 10_000  # pixels
MAX_WEIGHT = 1_000_000  # of a penalty

BOOSTED_LAYERS = (
    "What to boost: low, mid, high or a layer's name, one of its channels, or one neuron of a channel. "
    "Repeat to combine several, by weight."
)
BOOSTED_METAVAR = "[NETWORK/]LAYER[:CHANNEL[@Y,X]][*WEIGHT]"


@dataclass(frozen=True)
class Setting:
    """A setting's help, range and spelling.

    Attributes:
        help: what it does, for ``--help``.
        low, high: its range, inclusive unless marked open.
        low_open, high_open: whether the range excludes its ends.
        choices: its possible values, if there are only a few.
        metavar: the placeholder for its value in ``--help``; by default it depends on the type.
        default_help: the default in words, if its value (None, an empty string) doesn't say.
        spelling: how its values are written and read; by default, it depends on the type.
        by_command: whether the command declares the option itself.
    """

    help: str
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    choices: tuple[str, ...] = ()
    metavar: str = ""
    default_help: str = ""
    spelling: Spelling | None = None
    by_command: bool = False

    def check(self, name: str, value: object) -> None:
        """Raise WrongRequest if a value is out of range, isn't a number, or isn't one of the choices."""
        if self.choices and value not in self.choices:
            raise WrongRequest(f"{name} must be one of {', '.join(self.choices)}, not {value!r}")
        if self.low == -math.inf and self.high == math.inf:
            return
        if not isinstance(value, Real):
            raise WrongRequest(f"{name} must be a number, not {value!r}")
        number = cast("float", value)  # or numpy's; mypy can't compare a Real
        above = number > self.low if self.low_open else number >= self.low
        below = number < self.high if self.high_open or self.high == math.inf else number <= self.high
        check(above and below, f"{name} must be {self._range}, not {_number(number)}")

    @property
    def _range(self) -> str:
        low, high = _number(self.low), _number(self.high)
        if self.high == math.inf:
            return f"{'more than' if self.low_open else 'at least'} {low}"
        if self.low_open:
            return f"more than {low} and at most {high}"
        return f"from {low} to {'less than ' if self.high_open else ''}{high}"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def setting(
    help: str,
    default: T = MISSING,  # type: ignore[assignment]
    *,
    low: float = -math.inf,
    high: float = math.inf,
    low_open: bool = False,
    high_open: bool = False,
    choices: tuple[str, ...] = (),
    metavar: str = "",
    default_help: str = "",
    spelling: Spelling | None = None,
    by_command: bool = False,
) -> T:
    """A field of a settings class: its default, if it has one, and what `Setting` holds."""
    known = Setting(help, low, high, low_open, high_open, choices, metavar, default_help, spelling, by_command)
    return field(default=default, metadata={"setting": known})


def size_setting(
    default_help: str = "the input's size", help: str = "Pixels on the longer side of the result."
) -> int | None:
    """The field for the size; None keeps the input's."""
    return setting(help, None, low=1, high=100_000, default_help=default_help)


@dataclass(frozen=True)
class Option:
    """A setting as a command's option, a preset's key and a control of the page.

    Attributes:
        name, default: of the setting; `MISSING` if it has no default.
        setting: what else is known of it.
        spelling: how its values are written and read.
    """

    name: str
    default: Any
    setting: Setting
    spelling: Spelling

    @property
    def help(self) -> str:
        """What it does, with its default if that is in words."""
        return self.setting.help + (f"  [default: {self.setting.default_help}]" if self.setting.default_help else "")

    @property
    def word(self) -> str:
        """What is typed for it, without the dashes in front: ``layer`` for ``layers``."""
        return "layer" if self.name == "layers" else self.name.replace("_", "-")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be adjusted about an art form. Defaults are written in these classes and nowhere else.

    Attributes:
        recipe: which version of the art form makes the picture. Version 1 ignored transparency, and changed the
            photograph even outside its mask. Version 2 filmed pixels, and some of its networks meant another layer
            by ``high``.
    """

    command: ClassVar[str]  # its name
    model: ClassVar[str] = "dreamnet"  # the networks that it uses by default
    references: ClassVar[tuple[str, ...]] = ()  # the pictures it takes besides the start: guide, mask, styles, like
    takes_videos: ClassVar[bool] = False  # whether it makes a film of a video or an animated picture
    makes_films: ClassVar[bool] = False  # whether it makes a film of a picture
    climbs: ClassVar[bool] = False  # whether it changes a picture step by step
    takes_names: ClassVar[bool] = False  # whether its command takes names of classes where others take pictures
    shows_network: ClassVar[bool] = False  # whether it shows a network by itself, without a photograph
    size_from_noise: ClassVar[int] = 0  # pixels on each side of a picture from noise; 0 if the form never starts there
    # what older records stand for that lack a setting, where that isn't its default: the default changed the picture
    added: ClassVar[Mapping[str, object]] = {"recipe": 1}

    size: int | None = size_setting()
    recipe: int = LATEST_RECIPE

    def __post_init__(self) -> None:
        """Raise WrongRequest for a setting that is out of range."""
        check(self.recipe in range(1, LATEST_RECIPE + 1), "it was made by a newer version of dreamcli")
        for each in fields(self):
            value, known = getattr(self, each.name), self.setting(each.name)
            if known and value is not each.default:  # a default is trusted: None may stand for the input's size
                name = each.name.replace("_", "-")
                known.check(name, value)
                is_whole = each.type not in ("int", "int | None") or not isinstance(value, float)
                check(is_whole, f"{name} must be a whole number, not {value}")

    @classmethod
    def setting(cls, name: str) -> Setting | None:
        """A setting's help, range and spelling; None if it has no option of its own.

        A subclass that gives a setting another default, ``steps: int = 12``, inherits the rest.
        """
        for base in cls.__mro__:
            known = base.__dict__.get("__dataclass_fields__", {}).get(name)
            if known and "setting" in known.metadata:
                return known.metadata["setting"]  # type: ignore[no-any-return]
        return None

    @classmethod
    @cache
    def options(cls) -> tuple[Option, ...]:
        """The settings that have an option, in the order of their definition."""
        types = get_type_hints(cls)
        return tuple(
            Option(each.name, each.default, known, known.spelling or SPELLINGS[types[each.name]])
            for each in fields(cls)
            if (known := cls.setting(each.name))
        )

    @classmethod
    def option(cls, name: str) -> Option:
        """The option of a setting that has one."""
        return next(each for each in cls.options() if each.name == name)

    def written(self, name: str) -> object:
        """A setting's value as a preset holds it; see `Spelling.written`."""
        return self.option(name).spelling.written(getattr(self, name))

    @classmethod
    def options_for_help(cls) -> list[Option]:
        """The same with the layers first and the schedule last."""
        of_schedule = {each.name for each in fields(ClimbSettings)}
        return sorted(cls.options(), key=lambda each: (each.name in of_schedule, each.name != "layers"))

    def changed(self, options: Sequence[Option] = ()) -> dict[str, object]:
        """The options that differ from their defaults, as a preset holds them, by what is typed for them.

        Args:
            options: those to look at, in order; by default, all.
        """
        return {
            each.word: self.written(each.name)
            for each in options or self.options()
            if each.default is not MISSING and getattr(self, each.name) != each.default
        }

    def title(self, labels: Sequence[str], model: str) -> str:
        """What to call the pictures if they aren't made from one.

        Args:
            labels: the names of the classes.
            model: the networks, as typed.
        """
        return "noise" if self.climbs else model

    def start_options(self, has_start: bool) -> dict[str, object]:
        """The options that say what the pictures start from, if it isn't a picture, or how they are combined."""
        return {}

    def side(self, start: int | None) -> int:
        """Pixels on the longer side of a picture.

        Args:
            start: that of the picture it starts from; None for noise.
        """
        return self.size or (self.size_from_noise if start is None else start)

    @property
    def is_sheet(self) -> bool:
        """Whether the result is a contact sheet, whose size isn't known in advance."""
        return False

    @property
    def names_classes(self) -> bool:
        """Whether the picture should show a class that a judge can recognize."""
        return False

    @property
    def has_judge(self) -> bool:
        """Whether a judge picks the best of several attempts."""
        return False

    @property
    def output_count(self) -> int:
        """How many pictures are made from one input."""
        return 1

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the pictures are called, if they have names of their own."""
        return ()

    @property
    def layer_specs(self) -> tuple[LayerSpec, ...]:
        """The layers that these settings name."""
        return getattr(self, "layers", ())

    def to_json(self) -> dict[str, object]:
        """The settings as JSON values, by name."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return values | ({"layers": [str(spec) for spec in values["layers"]]} if "layers" in values else {})

    @classmethod
    def of_older_records(cls) -> dict[str, object]:
        """The values that a record stands for if it lacks a setting, by the setting's name."""
        defaults = {each.name: each.default for each in fields(cls) if each.name != "layers"}
        return {**{name: value for name, value in defaults.items() if value is not MISSING}, **cls.added}

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> Self:
        """Rebuild settings from what `to_json` returned.

        Raises:
            ValueError, TypeError, WrongRequest: the values aren't settings of this art form.
        """
        types = get_type_hints(cls)
        arguments: dict[str, Any] = {name: _from_json(name, value) for name, value in values.items()}
        for name, value in arguments.items():
            if name in types and not _is_of(value, types[name]):
                raise TypeError(f"{name} has a value of the wrong type")
        return cls(**arguments)


def _from_json(name: str, value: object) -> object:
    if isinstance(value, list):
        return tuple(LayerSpec.parse(item) if name == "layers" else item for item in value)
    return value


def _is_of(value: object, annotation: Any) -> bool:
    """Whether a value is of an annotated type: a plain one, a union of those, or a tuple of many of one of them."""
    if get_origin(annotation) is tuple:
        return isinstance(value, tuple) and all(_is_of(each, get_args(annotation)[0]) for each in value)
    if isinstance(annotation, UnionType):
        return any(_is_of(value, each) for each in get_args(annotation))
    if isinstance(value, bool):
        return annotation is bool
    return isinstance(value, (int, float) if annotation is float else annotation)


@dataclass(frozen=True, kw_only=True)
class ClimbSettings(Settings):
    """The settings of every art form that climbs through octaves.

    Attributes:
        alpha_mask: change a photograph only where it is opaque, as if its alpha were its mask.
    """

    climbs: ClassVar[bool] = True

    steps: int = setting("Steps per octave.", low=1, high=MAX_STEPS)
    octaves: int | None = setting("Number of sizes, from small to full.", low=1, high=100)
    octave_scale: float = setting("Size of each octave relative to the previous one.", low=1, high=100, low_open=True)
    strength: float = setting("How far to go, from 0 to 1; comparable across layers and models.", low=0, high=1)
    jitter: int = setting("Largest random shift before each step, in pixels.", low=0, high=MAX_JITTER)
    seed: int = setting("Random seed; the same one gives the same bytes on the same machine.", 0, low=0, high=2**63 - 1)
    alpha_mask: bool = False


def check_whole(layers: tuple[LayerSpec, ...], rule: str) -> None:
    """Raise WrongRequest, with the rule, if not all layers are whole ones without a weight."""
    plain = all(spec.channel is None and spec.weight == 1 for spec in layers)
    check(plain, f"{rule}: leave out the channel and the weight")


def check_layers(layers: tuple[LayerSpec, ...]) -> None:
    """Raise WrongRequest if no layer is named."""
    check(len(layers) > 0, "name at least one layer")
