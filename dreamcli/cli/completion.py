"""What the Tab key completes: models, layers, classes and files. None of it needs torch."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from dreamcli.errors import WrongRequest
from dreamcli.networks.model_spec import parse_models
from dreamcli.networks.registry import class_names, layer_names, model_names


def complete_files(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Files and folders, by the shell itself."""
    return [CompletionItem(incomplete, type="file")]


def complete_models(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The names of models, also of further ones after a ``+``."""
    before, plus, last = incomplete.rpartition("+")
    return [CompletionItem(before + plus + item.value) for item in _starting(last, model_names())]


def complete_layers(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The aliases, and the known layers of the models that were typed."""
    return _starting(incomplete, dict.fromkeys(name for model in _models(context) for name in layer_names(model)))


def complete_classes(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The names of classes, with _ for spaces."""
    return _starting(incomplete, class_names(_models(context)[0]))


def complete_presets(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The names of presets, with what each does; only those for the command that is typed."""
    from .preset_option import readable_presets

    return [
        CompletionItem(preset.name, help=preset.about)
        for preset in readable_presets()
        if preset.name.startswith(incomplete) and context.command.name in ("presets", *preset.options)
    ]


def _models(context: click.Context) -> list[str]:
    """The models that were typed, or else the command's own."""
    own = next((option.default for option in context.command.params if option.name == "model"), None)
    text = str(context.params.get("model") or own)
    try:
        return [spec.name for spec in parse_models(text)]
    except WrongRequest:
        return [text]


def _starting(incomplete: str, words: Iterable[str]) -> list[CompletionItem[str]]:
    """The words that start with what was typed, ignoring case."""
    return [CompletionItem(word) for word in words if word.casefold().startswith(incomplete.casefold())]
