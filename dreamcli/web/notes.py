"""Notifications on the page."""

from __future__ import annotations

from nicegui import ui

from dreamcli.errors import describe


def warn(message: str) -> None:
    """Show what went wrong, until it is closed."""
    ui.notify(message, type="warning", timeout=0, close_button="Close", multi_line=True)


def warn_of(error: Exception) -> None:
    """Show an error: in words, if it is one of ours."""
    warn(describe(error)[0])
