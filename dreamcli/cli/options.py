"""The options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from dreamcli.engine import DEVICES, PRECISIONS
from dreamcli.networks.spec import LayerSpec

Decorator = Callable[[Any], Any]


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


@dataclass(frozen=True)
class Shared:
    """The options that say with what, where to, and how loudly: all but the art form's own settings."""

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

    @classmethod
    def split(cls, options: dict[str, Any]) -> tuple[Shared, dict[str, Any]]:
        """Part a command's options into these and the rest, which are the art form's settings."""
        ours = {field.name for field in fields(cls)}
        rest = {name: value for name, value in options.items() if name not in ours}
        return cls(**{name: options[name] for name in ours}), rest


def _stack(*decorators: Decorator) -> Decorator:
    def apply(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


def layer_options(settings: Any) -> Decorator:
    """--layer and --minimize."""
    default = [str(spec) for spec in settings.layers]
    return _stack(
        click.option(
            "--layer", "layers", type=LayerParam(), multiple=True, default=default, show_default=True,
            metavar="LAYER[:CHANNEL[@Y,X]][*WEIGHT]",
            help="What to boost: low, mid, high or a layer's name; one channel of it, or one neuron of that "
            "channel; with a weight. Repeat it to add several up.",
        ),
        click.option("--minimize", is_flag=True, help="Descend instead of climbing: fade what the layer sees."),
    )  # fmt: skip


def schedule_options(settings: Any) -> Decorator:
    """--size, --steps, --octaves, --octave-scale, --strength, --color, --jitter and --seed, with these defaults."""
    return _stack(
        click.option("--size", type=int, metavar="N", default=settings.size,
                     help="Pixels on the longer side of the result.  [default: the input's own size]"),
        click.option("--steps", type=int, metavar="N", default=settings.steps, show_default=True,
                     help="Steps in each octave."),
        click.option("--octaves", type=int, metavar="N", default=settings.octaves, show_default=True,
                     help="How many sizes, from small to full."),
        click.option("--octave-scale", type=float, metavar="X", default=settings.octave_scale, show_default=True,
                     help="How much larger each octave is than the one before."),
        click.option("--strength", type=float, metavar="X", default=settings.strength, show_default=True,
                     help="How far to go, from 0 to 1; the same on every layer and model."),
        click.option("--color", type=float, metavar="X", default=settings.color, show_default=True,
                     help="How far colours may go, from 0 (they stay) to 1 (free); not used for a neuron @Y,X."),
        click.option("--jitter", type=int, metavar="N", default=settings.jitter, show_default=True,
                     help="Pixels to shift the picture by at random before each step; none for a neuron @Y,X."),
        click.option("--seed", type=int, metavar="N", default=settings.seed, show_default=True,
                     help="The same seed on the same machine gives the same bytes."),
    )  # fmt: skip


_WEIGHTS = click.option(
    "--weights", type=click.Path(path_type=Path), metavar="FILE",
    help="Your own weights for the model: a state dict, .safetensors or .pth.",
)  # fmt: skip
_MACHINE = (
    click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True, help="Where to compute."),
    click.option("--precision", type=click.Choice(PRECISIONS), default="auto", show_default=True,
                 help="Of the network; auto takes bfloat16 where the machine has instructions for it."),
)  # fmt: skip
_OUTPUT = (
    click.option("--overwrite", is_flag=True, help="Replace outputs that were made in another way."),
    click.option("--dry-run", is_flag=True, help="Show what would be made, and make nothing."),
    click.option("--json", "as_json", is_flag=True, help="Print what was done to stdout, as JSON."),
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
    click.option("-v", "--verbose", is_flag=True, help="Print a traceback with every error."),
)


def shared_options(output_help: str) -> Decorator:
    """What `Shared` holds."""
    return _stack(
        click.option("-o", "--output", metavar="PATH", help=output_help),
        click.option("-m", "--model", metavar="NAME", default="dreamnet", show_default=True,
                     help="The bundled network, or any of torchvision's classification networks by its name there."),
        _WEIGHTS,
        *_MACHINE,
        *_OUTPUT,
    )  # fmt: skip


def replay_options(output_help: str) -> Decorator:
    """The shared options that make sense where the model and the settings are in a record."""
    return _stack(click.option("-o", "--output", metavar="PATH", help=output_help), _WEIGHTS, *_OUTPUT)
