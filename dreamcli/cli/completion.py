"""What the Tab key gives: models, layers, classes and files, none of which takes torch to know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from dreamcli.networks.known import BUNDLED, class_names, layer_names, model_names


def complete_files(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Files and folders, by the shell itself."""
    return [CompletionItem(incomplete, type="file")]


def complete_models(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The models' names."""
    return _beginning(incomplete, model_names())


def complete_layers(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The aliases, and what is known of the layers of the model that is named."""
    return _beginning(incomplete, layer_names(_model(context)))


def complete_classes(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The classes' names, with _ for blanks."""
    return _beginning(incomplete, class_names(_model(context)))


def _model(context: click.Context) -> str:
    model: Any = context.params.get("model")
    return model if isinstance(model, str) and model else BUNDLED


def _beginning(incomplete: str, words: Iterable[str]) -> list[CompletionItem[str]]:
    """The words that begin so, in whatever case."""
    return [CompletionItem(word) for word in words if word.casefold().startswith(incomplete.casefold())]
