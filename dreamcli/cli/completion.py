"""What the Tab key completes: models, layers, classes and files. None of it takes torch."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from dreamcli.networks.catalog import BUNDLED, class_names, layer_names, model_names


def complete_files(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Files and folders, by the shell itself."""
    return [CompletionItem(incomplete, type="file")]


def complete_models(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The names of models."""
    return _starting(incomplete, model_names())


def complete_layers(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The aliases, and the known layers of the model that was typed."""
    return _starting(incomplete, layer_names(_model(context)))


def complete_classes(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The names of classes, with _ for spaces."""
    return _starting(incomplete, class_names(_model(context)))


def complete_presets(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The names of presets, with what each does; only those for the command that is typed."""
    from .preset_option import readable_presets

    return [
        CompletionItem(preset.name, help=preset.about)
        for preset in readable_presets()
        if preset.name.startswith(incomplete) and context.command.name in ("presets", *preset.options)
    ]


def _model(context: click.Context) -> str:
    model = context.params.get("model")
    return model if isinstance(model, str) and model else BUNDLED


def _starting(incomplete: str, words: Iterable[str]) -> list[CompletionItem[str]]:
    """The words that start with what was typed, ignoring case."""
    return [CompletionItem(word) for word in words if word.casefold().startswith(incomplete.casefold())]
