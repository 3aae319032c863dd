"""The options that commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from dreamcli.art.visualization import PARAMETERIZATIONS
from dreamcli.engine import DEVICES, PRECISIONS
from dreamcli.files.shard import Shard
from dreamcli.networks.known import BUNDLED
from dreamcli.networks.spec import LayerSpec

from .completion import complete_files, complete_layers, complete_models
from .preset_option import preset_option

MOST_CHANNELS = 4096
ROLES = ("guide", "mask")  # the options that name a picture with a part of its own
NO_NEURON = "; not for a neuron @Y,X"
NO_PIXELS = "; not with pixels as the parameterization"
Decorator = Callable[[Any], Any]


class ChannelsParam(click.ParamType[tuple[int, ...]]):
    """``0-15`` or ``3,7,12-14``."""

    name = "CHANNELS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        found: list[int] = []
        for part in value.split(","):
            first, dash, last = part.strip().partition("-")
            if not first.isdecimal() or (dash and not last.isdecimal()):
                self.fail(f"{value!r} is not of the form 0-15 or 3,7,12-14", param, ctx)
            if dash and int(last) < int(first):
                self.fail(f"{part.strip()} runs backwards", param, ctx)
            if dash and int(last) - int(first) >= MOST_CHANNELS:
                self.fail(f"{part.strip()} are more than {MOST_CHANNELS} channels", param, ctx)
            found += range(int(first), int(last or first) + 1)
        return tuple(dict.fromkeys(found))


class LayerParam(click.ParamType[LayerSpec]):
    """``LAYER[:CHANNEL[@Y,X]][*WEIGHT]``."""

    name = "SPEC"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> LayerSpec:
        if isinstance(value, LayerSpec):
            return value
        try:
            return LayerSpec.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        return complete_layers(ctx, param, incomplete)


@dataclass(frozen=True)
class Shared:
    """The options that say with what, where to, and how loudly: all but the art form's own settings.

    Attributes:
        others: the pictures that all are made from, beside their own, by role; see `Inputs`.
    """

    output: str | None
    model: str
    weights: Path | None
    device: str
    precision: str
    overwrite: bool
    dry_run: bool
    as_json: bool
    quiet: bool
    verbose: bool
    judge: str | None = None
    start: str | None = None
    others: dict[str, Path] = field(default_factory=dict)
    follow_links: bool = False
    safe_decode: bool = False
    log: Path | None = None
    shard: Shard | None = None
    cluster: str | None = None
    worker_cores: int = 1
    show: bool = False
    animate: Path | None = None

    @classmethod
    def split(cls, options: dict[str, Any]) -> tuple[Shared, dict[str, Any]]:
        """Part a command's options into these and the rest, which are the art form's settings."""
        others = {role: path for role in ROLES if (path := options.pop(role, None))}
        ours = {field.name for field in fields(cls)}
        rest = {name: value for name, value in options.items() if name not in ours}
        return cls(**{name: value for name, value in options.items() if name in ours}, others=others), rest


def _stack(*decorators: Decorator) -> Decorator:
    def apply(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


def setting_option(
    name: str, settings: Any, help: str, *, metavar: str | None = None, choices: Iterable[str] = ()
) -> Decorator:
    """An option for the setting of the same name, with its default: a number, or one of some choices."""
    default = getattr(settings, name.removeprefix("--").replace("-", "_"))
    if choices:
        return click.option(name, type=click.Choice(list(choices)), default=default, show_default=True, help=help)
    metavar = metavar or ("N" if isinstance(default, int) else "X")
    return click.option(name, type=type(default), metavar=metavar, default=default, show_default=True, help=help)


def size_option(help: str, own_size: str = "the input's own size") -> Decorator:
    """--size, which by default depends on the input."""
    return click.option("--size", type=int, metavar="N", help=f"{help}  [default: {own_size}]")


def layer_option(settings: Any) -> Decorator:
    """--layer, for what is boosted."""
    return click.option(
        "--layer", "layers", type=LayerParam(), multiple=True, default=[str(spec) for spec in settings.layers],
        show_default=True, metavar="LAYER[:CHANNEL[@Y,X]][*WEIGHT]",
        help="What to boost: low, mid, high or a layer's name; one channel of it, or one neuron of that "
        "channel; with a weight. Repeat it to add several up.",
    )  # fmt: skip


def minimize_option() -> Decorator:
    """--minimize."""
    return click.option("--minimize", is_flag=True, help="Descend instead of climbing: fade what is seen.")


def start_options(guided: bool) -> Decorator:
    """--start, --mask and, if the layers can be spoken to by a guide, --guide."""
    guide = click.option("--guide", type=click.Path(path_type=Path), metavar="PICTURE",
                         help="Climb towards this picture's features in the layers.")  # fmt: skip
    return _stack(
        click.option("--start", metavar="noise|PICTURE", shell_complete=complete_files, help="What to start from."),
        *([guide] if guided else []),
        click.option("--mask", type=click.Path(path_type=Path), metavar="PICTURE",
                     help="Paint only where this picture is bright; its edges are softened."),
    )  # fmt: skip


def schedule_options(settings: Any, own_size: str, *, jitter: str = "", color: str = "") -> Decorator:
    """--size, --steps, --octaves, --octave-scale, --strength, --jitter, --seed; --color if the settings have it.

    Args:
        settings: the art form's, for the defaults.
        own_size: what size is the default.
        jitter, color: when these are used, or not.
    """
    shift = f"Pixels to shift the picture by at random before each step{jitter}."
    colors = f"How far colours may go, from 0 (they stay) to 1 (free){color}."
    return _stack(
        size_option("Pixels on the longer side of the result.", own_size),
        setting_option("--steps", settings, "Steps in each octave."),
        setting_option("--octaves", settings, "How many sizes, from small to full."),
        setting_option("--octave-scale", settings, "How much larger each octave is than the one before."),
        setting_option("--strength", settings, "How far to go, from 0 to 1; the same on every layer and model."),
        *([setting_option("--color", settings, colors)] if hasattr(settings, "color") else []),
        setting_option("--jitter", settings, shift),
        setting_option("--seed", settings, "The same seed on the same machine gives the same bytes."),
    )  # fmt: skip


def visualization_options(settings: Any) -> Decorator:
    """What `class` and `boost` share, beside the schedule."""
    return _stack(
        minimize_option(),
        setting_option("--parameterization", settings, "What is climbed: frequencies and colours as photographs have "
                       "them, their phases alone (with the amplitudes of photographs), or pixels.",
                       choices=PARAMETERIZATIONS),
        setting_option("--turn", settings, "Rotate the picture by up to so much before each step.", metavar="DEGREES"),
        setting_option("--zoom", settings, "Scale it by up to this share."),
        setting_option("--noise", settings, "Add noise of this standard deviation, 1 being from black to white."),
        setting_option("--crop", settings, "Look at random parts, of this share of the side at least."),
        setting_option("--tv", settings, "How much total variation counts against the picture."),
        setting_option("--l2", settings, "How much contrast counts against it."),
        setting_option("--prior", settings, "How much it counts against it that its statistics are not those that the "
                       "model's batch normalisation saw in training."),
        setting_option("--blur", settings, "Blur after each of the first steps, falling to 0; for the parameterization "
                       "pixels.", metavar="PIXELS"),
        setting_option("--count", settings, "How many different pictures to make of the same wish."),
        setting_option("--diversity", settings, "How much their difference counts."),
        setting_option("--best-of", settings, "Make so many and keep the best: by the judge, or by the objective."),
        click.option("--sheet", is_flag=True, help="All on one contact sheet with captions."),
    )  # fmt: skip


_SAFE_DECODE = click.option(
    "--safe-decode", is_flag=True,
    help="Decode pictures in another process, each in at most 10 seconds and (on Linux) 2 GiB: for strangers' files.",
)  # fmt: skip


def input_options() -> Decorator:
    """--follow-links and --safe-decode."""
    links = click.option("--follow-links", is_flag=True,
                         help="Follow symbolic links in folders; those that you name always are.")  # fmt: skip
    return _stack(links, _SAFE_DECODE)


def images_argument(metavar: str = "IMAGE...", name: str = "images", required: bool = False) -> Decorator:
    """The pictures that a command takes: files, folders and globs."""
    return click.argument(name, nargs=-1, required=required, metavar=metavar, shell_complete=complete_files)


class EnvironmentOption(click.Option):
    """An option that an environment variable stands in for, unless a preset has it."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        return None if self.name in (ctx.default_map or {}) else super().resolve_envvar_value(ctx)


def environment_option(*names: str, **attributes: Any) -> Decorator:
    """An option with an environment variable: DREAMCLI_ and its name."""
    variable = "DREAMCLI_" + names[-1].removeprefix("--").upper()
    return click.option(*names, cls=EnvironmentOption, envvar=variable, show_envvar=True, **attributes)


_SHOW = environment_option(
    "--show", is_flag=True, help="Preview the finished picture in the terminal.",
)  # fmt: skip
_ANIMATE = click.option(
    "--animate", type=click.Path(path_type=Path), metavar="FILE.gif|.webp",
    help="Write the ascent, too, as a GIF or WebP of at most 64 frames and 512 pixels. For one picture.",
)  # fmt: skip
_WEIGHTS = click.option(
    "--weights", type=click.Path(path_type=Path), metavar="FILE",
    help="Your own weights for the model: a state dict, .safetensors or .pth.",
)  # fmt: skip
_OUTPUT = (
    click.option("--overwrite", is_flag=True, help="Make everything anew, in place of what is there already."),
    click.option("--dry-run", is_flag=True, help="Show what would be made, and make nothing."),
    click.option("--json", "as_json", is_flag=True, help="Print what was done to stdout, as JSON."),
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
    click.option("-v", "--verbose", is_flag=True, help="Print a traceback with every error."),
)


class ShardParam(click.ParamType[Shard]):
    """``I/N``."""

    name = "I/N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        try:
            return value if isinstance(value, Shard) else Shard.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def shard_option() -> Decorator:
    """--shard."""
    return click.option(
        "--shard", type=ShardParam(), metavar="I/N",
        help="Only the I-th of N shares of the pictures, for as many machines: each picture is in exactly one.",
    )  # fmt: skip


_BATCH = (
    click.option("--report", "log", type=click.Path(path_type=Path), metavar="FILE.jsonl",
                 help="Add a line of JSON to this file for each picture as it ends."),
    shard_option(),
    click.option("--cluster", metavar="auto|ADDRESS",
                 help="Work by Ray: on all GPUs or cores of this machine (auto), or on the cluster at this address."),
    click.option("--worker-cores", type=click.IntRange(1), metavar="N", default=1, show_default=True,
                 help="With --cluster: cores for each worker, where it gets no GPU."),
)  # fmt: skip


def model_options() -> Decorator:
    """--model and --weights."""
    return _stack(
        environment_option("-m", "--model", metavar="NAME", default=BUNDLED, show_default=True,
                           shell_complete=complete_models,
                           help="dreamnet or lenet5, any of torchvision's classification networks by its name there, "
                           "or your own: FILE.py:CLASS."),
        _WEIGHTS,
    )  # fmt: skip


def machine_options() -> Decorator:
    """--device and --precision."""
    return _stack(
        environment_option("--device", type=click.Choice(DEVICES), default="auto", show_default=True,
                           help="Where to compute."),
        environment_option("--precision", type=click.Choice(PRECISIONS), default="auto", show_default=True,
                           help="Of the network; auto takes bfloat16 where the machine has instructions for it."),
    )  # fmt: skip


def shared_options(output_help: str, *, climbs: bool = True) -> Decorator:
    """What `Shared` holds, and --preset; --judge and --animate only where there is an ascent."""
    judge = environment_option(
        "--judge", metavar="MODEL[=FILE]", shell_complete=complete_models,
        help="A second network, which says what it sees in the result; FILE has its weights.",
    )  # fmt: skip
    return _stack(
        preset_option(),
        output_option(output_help),
        input_options(),
        model_options(),
        *([judge] if climbs else []),
        machine_options(),
        *_BATCH,
        *([_ANIMATE] if climbs else []),
        _SHOW,
        *_OUTPUT,
    )  # fmt: skip


def replay_options(output_help: str) -> Decorator:
    """The shared options that make sense where the model and the settings are in a record."""
    return _stack(output_option(output_help), _SAFE_DECODE, _WEIGHTS, _SHOW, *_OUTPUT)


def output_option(help: str) -> Decorator:
    """--output."""
    return click.option("-o", "--output", metavar="PATH", shell_complete=complete_files, help=help)
