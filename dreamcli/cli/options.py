"""The options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from dreamcli.engine import DEVICES, PRECISIONS
from dreamcli.files.formats import PIPE
from dreamcli.files.shard import Shard
from dreamcli.files.walk import find_some
from dreamcli.networks.registry import AUTO, BUNDLED
from dreamcli.settings.base import ClimbSettings, Option, Settings
from dreamcli.settings.references import References
from dreamcli.settings.setup import Setup
from dreamcli.settings.spelling import NUMBER

from .completion import complete_files, complete_layers, complete_models, complete_presets
from .parameters import SHARD, spelled

Decorator = Callable[[Any], Any]
OWN_ALPHA = Path("alpha")  # as a mask: the picture's own transparency
MAX_LIKE = 32  # photographs, which a record names one by one


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """The options that say how to report.

    Attributes:
        left_out: the pictures in folders that were left out because dreamcli made them.
    """

    as_json: bool
    verbose: bool
    quiet: bool = False
    show: bool = False
    left_out: set[Path] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class SharedOptions(ReportOptions):
    """The options that aren't settings of the art form: the networks, the output, the verbosity."""

    setup: Setup
    output: str | None = None
    overwrite: bool = False
    dry_run: bool = False
    start: str | None = None
    references: References[Path] = field(default_factory=References)
    follow_links: bool = False
    safe_decode: bool = False
    log: Path | None = None
    shard: Shard | None = None
    cluster: str | None = None
    worker_cores: int = 1
    animate: Path | None = None
    watch: bool = False
    keep_frames: bool = False
    each_style: bool = False

    @classmethod
    def split(cls, options: dict[str, Any]) -> tuple[SharedOptions, dict[str, Any]]:
        """Split a command's options into these and the art form's settings."""
        left_out: set[Path] = set()
        like = find_some(options.pop("like", ()), MAX_LIKE, options.get("follow_links", False), left_out)
        mask = options.pop("mask", None)
        is_alpha = mask == OWN_ALPHA and not OWN_ALPHA.exists()
        references = References[Path](options.pop("guide", None), None if is_alpha else mask, like=like)
        parts = [{each.name for each in fields(part)} for part in (Setup, cls)]
        setup, shared = ({name: options[name] for name in names & options.keys()} for names in parts)
        rest = {name: value for name, value in options.items() if name not in setup and name not in shared}
        if is_alpha:
            rest["alpha_mask"] = True
        return cls(**shared, setup=Setup(**setup), references=references, left_out=left_out), rest

    @property
    def to_stdout(self) -> bool:
        """Whether the picture is piped on."""
        return self.output == PIPE

    @property
    def start_path(self) -> Path | None:
        """The picture to start from; None for noise, or if nothing was said."""
        return None if self.start in (None, "noise") else Path(str(self.start))


@dataclass(frozen=True, kw_only=True)
class ReplayOptions(ReportOptions):
    """What was typed for `replay`. A model, judge, device or precision of None means: as recorded."""

    picture: Path
    given: Path | None
    moved: tuple[str, ...]
    model: str | None
    judge: str | None
    device: str | None
    precision: str | None
    output: str | None
    safe_decode: bool
    weights: Path | None
    download: bool
    overwrite: bool
    dry_run: bool


def _stack(*decorators: Decorator) -> Decorator:
    def apply(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


def form_options(form: type[Settings], *, leave_out: tuple[str, ...] = ()) -> Decorator:
    """An option for every setting of an art form that its command doesn't declare itself: the schedule comes last."""
    options = form.options_for_help()
    return _stack(
        *(setting_option(each) for each in options if not each.setting.by_command and each.name not in leave_out)
    )


def setting_option(option: Option) -> Decorator:
    """The option of one setting, with the type that its spelling has."""
    known, default, flag = option.setting, option.default, f"--{option.word}"
    if isinstance(default, bool):
        both = f"{flag}/--no-{option.word}"
        return click.option(both if default else flag, is_flag=True, default=default, help=option.help)
    shows_default = not known.default_help and default != ()
    attributes: dict[str, Any] = {"help": option.help, "default": default, "show_default": shows_default}
    if known.choices:
        return click.option(flag, type=click.Choice(known.choices), **attributes)
    metavar = known.metavar or ("X" if option.spelling is NUMBER else "N")
    if "LAYER" in metavar:
        attributes["shell_complete"] = complete_layers
    if option.spelling.is_list:
        attributes |= {"multiple": True, "default": option.spelling.written(default)}
    return click.option(flag, option.name, type=spelled(option.spelling), metavar=metavar, **attributes)


def start_options(guided: bool) -> Decorator:
    """--start, --mask, and --guide if the art form takes one."""
    guide = click.option("--guide", type=click.Path(path_type=Path), metavar="PICTURE",
                         help="Move toward this picture's features in the layers.")  # fmt: skip
    return _stack(
        click.option("--start", metavar="noise|PICTURE", shell_complete=complete_files, help="What to start from."),
        *([guide] if guided else []),
        click.option("--mask", type=click.Path(path_type=Path), metavar="PICTURE|alpha",
                     help="Change only the areas that are bright in this picture, or opaque if it has "
                     "transparency; edges are blended. alpha takes the photo's own transparency."),
    )  # fmt: skip


def like_option(function: Any) -> Any:
    """--like."""
    return click.option(
        "--like", type=click.Path(path_type=Path), multiple=True, metavar="PICTURE|FOLDER",
        shell_complete=complete_files,
        help="Make the result resemble these photographs: colors, textures and parts, not their arrangement. Of a "
        f"folder, up to {MAX_LIKE} are taken, evenly spaced.",
    )(function)  # fmt: skip


def keep_frames_option(function: Any) -> Any:
    """--keep-frames."""
    return click.option(
        "--keep-frames", is_flag=True, help="Keep the frames of a film, as PNG, in a folder next to it."
    )(function)


def images_argument(
    metavar: str = "IMAGE...", name: str = "images", required: bool = False, watch: bool = True
) -> Decorator:
    """The pictures that a command takes: files, folders and globs; and --watch."""
    argument = click.argument(name, nargs=-1, required=required, metavar=metavar, shell_complete=complete_files)
    option = click.option("--watch", is_flag=True,
                          help="Keep watching the folders, and process new pictures, until Ctrl-C.")  # fmt: skip
    return _stack(argument, option) if watch else argument


class EnvironmentOption(click.Option):
    """An option that an environment variable can set, unless a preset does."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        return None if self.name in (ctx.default_map or {}) else super().resolve_envvar_value(ctx)


def environment_option(*names: str, **attributes: Any) -> Decorator:
    """An option with the environment variable DREAMCLI_NAME."""
    variable = "DREAMCLI_" + names[-1].removeprefix("--").upper()
    return click.option(*names, cls=EnvironmentOption, envvar=variable, show_envvar=True, **attributes)


_SAFE_DECODE = click.option(
    "--safe-decode", is_flag=True,
    help="Decode pictures in a separate process, each within 10 seconds and (on Linux) 2 GiB: for untrusted files.",
)  # fmt: skip
input_options = _stack(
    click.option("--follow-links", is_flag=True,
                 help="Follow symbolic links in folders. Links named as inputs are always followed."),
    _SAFE_DECODE,
)  # fmt: skip
_WEIGHTS = click.option("--weights", type=click.Path(path_type=Path), metavar="FILE",
                        help="Your own weights for the model: a state dict, .safetensors or .pth.")  # fmt: skip


def model_options(form: type[Settings], several: bool = False) -> Decorator:
    """--model and --weights."""
    name = 'A network that "dreamcli models" lists, or your own: FILE.py:CLASS.'
    together = " Join several with +, as in NAME+NAME*0.5. NAME=FILE loads your own weights."
    model = environment_option(
        "-m", "--model", metavar="NAME", default=form.model, show_default=True, shell_complete=complete_models,
        help=name + together if several else name,
    )  # fmt: skip
    return _stack(model, _WEIGHTS)


def model_argument(function: Any) -> Any:
    """[MODEL], or --model as in other commands. Either becomes the command's ``model``."""

    @wraps(function)
    def choose(named: str | None, model: str, **options: Any) -> Any:
        typed = click.get_current_context().get_parameter_source("model") is ParameterSource.COMMANDLINE
        if named and typed:
            raise click.UsageError("MODEL and --model can't be combined")
        return function(model=named or model, **options)

    return _stack(
        click.argument("named", required=False, metavar="[MODEL]", shell_complete=complete_models),
        environment_option("-m", "--model", metavar="NAME", default=BUNDLED, show_default=True,
                           shell_complete=complete_models, help="The same as MODEL."),
    )(choose)  # fmt: skip


machine_options = _stack(
    environment_option("--device", type=click.Choice(DEVICES), default="auto", show_default=True,
                       help="Where to compute."),
    environment_option("--precision", type=click.Choice(PRECISIONS), default="auto", show_default=True,
                       help="The network's precision; auto is bfloat16 where it is faster, but float32 "
                       "on CPUs if an efficientnet_lite is used."),
)  # fmt: skip
shard_option = click.option(
    "--shard", type=SHARD, metavar="I/N",
    help="Process only the I-th of N shares, for N machines. Each picture is in exactly one share.",
)  # fmt: skip
_SHOW = environment_option("--show", is_flag=True, help="Preview each finished picture in the terminal.")
_ANIMATE = click.option(
    "--animate", type=click.Path(path_type=Path), metavar="FILE.gif|.webp|.mp4",
    help="Also write a film of how one picture forms, of at most 64 frames and 512 pixels.",
)  # fmt: skip
_REPORT = click.option(
    "--report", "log", type=click.Path(path_type=Path), metavar="FILE.jsonl",
    help="Append a line of JSON to this file for each picture.",
)  # fmt: skip
_BATCH = (
    shard_option,
    click.option("--cluster", metavar="auto|ADDRESS",
                 help="Run on Ray: on all GPUs or cores of this machine (auto), or on the cluster at this address."),
    click.option("--worker-cores", type=click.IntRange(1), metavar="N", default=1, show_default=True,
                 help="With --cluster: cores for each worker without a GPU."),
)  # fmt: skip
_OUTPUT = (
    click.option("--overwrite", is_flag=True, help="Overwrite existing outputs."),
    click.option("--dry-run", is_flag=True, help="Show what would be made, without making it."),
    click.option("--json", "as_json", is_flag=True, help="Print the results to stdout, as JSON."),
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
    click.option("-v", "--verbose", is_flag=True, help="Print a traceback with every error."),
)


def _apply_preset(context: click.Context, _parameter: click.Parameter, name: str | None) -> None:
    """Typed options override a preset; it overrides the environment and the defaults."""
    if name is not None and not context.resilient_parsing:
        from .preset_option import apply_preset

        apply_preset(context, name)


def shared_options(form: type[Settings], output_help: str, plain: bool = False, films: bool = False) -> Decorator:
    """What `SharedOptions` holds, and --preset; --judge and --animate only if the art form climbs.

    ``plain`` leaves out these two, --show, and --model, for which there is `model_argument`; ``films`` these two,
    --show, and what is for several pictures.
    """
    climbs = issubclass(form, ClimbSettings) and not plain and not films
    preset = click.option(
        "--preset", metavar="NAME", is_eager=True, expose_value=False, callback=_apply_preset,
        shell_complete=complete_presets,
        help="Take options from this preset; typed ones override it. \"dreamcli presets\" lists them.",
    )  # fmt: skip
    judge = environment_option(
        "--judge", metavar="auto|none|MODEL[=FILE]", default=AUTO, show_default=True, shell_complete=complete_models,
        help="Another network, which picks among --best-of attempts, or else says what it sees in the result; FILE has "
        "its weights. auto judges ImageNet's classes: one efficientnet_lite picks, another says what it sees.",
    )  # fmt: skip
    notes = "" if plain else " {stem}, {ext}, {folder} and any {setting} are filled in; - writes a PNG to stdout."
    if films:
        notes = " {stem} and any {setting} are filled in."
    meaning, mark, default = output_help.partition("  [default: ")
    return _stack(
        preset,
        output_option(f"{meaning}{notes}{mark}{default}"),
        _SAFE_DECODE if films else input_options,
        _WEIGHTS if plain else model_options(form, several=climbs or films),
        *([judge] if climbs else []),
        machine_options,
        _REPORT,
        *([] if films else _BATCH),
        *([_ANIMATE] if climbs else []),
        *([] if plain or films else [_SHOW]),
        *_OUTPUT,
    )


def replay_options(output_help: str) -> Decorator:
    """The shared options that make sense if the model and the settings are in a record."""
    return _stack(output_option(output_help), _SAFE_DECODE, _WEIGHTS, _SHOW, *_OUTPUT)


def output_option(help: str) -> Decorator:
    """--output."""
    return click.option("-o", "--output", metavar="PATH", shell_complete=complete_files, help=help)
