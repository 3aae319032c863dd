"""Settings as they are typed on a command line."""

from __future__ import annotations

from dataclasses import MISSING, fields

from .base import Settings

MAX_CHANNELS = 4096  # in one range


def option_name(name: str) -> str:
    """The option of a setting: ``--layer`` for ``layers``, otherwise the setting's name with dashes."""
    return "--layer" if name == "layers" else f"--{name.replace('_', '-')}"


def typed(settings: Settings) -> list[str]:
    """The options that differ from their defaults, such as ``["--layer", "mid", "--size", "512"]``."""
    words: list[str] = []
    for each in fields(settings):
        value = getattr(settings, each.name)
        if value == each.default or each.default is MISSING or settings.setting(each.name) is None:
            continue
        option = option_name(each.name)
        if isinstance(value, bool):
            words.append(option if value else f"--no-{option.removeprefix('--')}")
        elif each.name == "layers":
            words += [word for spec in value for word in (option, str(spec))]
        else:
            words += [option, ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
    return words


def parse_channels(text: str) -> tuple[int, ...]:
    """Read channels such as ``0-15`` or ``3,7,12-14``.

    Raises:
        ValueError: the text has another form, a range runs backwards, or it is too long.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"{text!r} is not of the form 0-15 or 3,7,12-14")
        if dash and int(last) < int(first):
            raise ValueError(f"{part.strip()} runs backwards")
        if dash and int(last) - int(first) >= MAX_CHANNELS:
            raise ValueError(f"{part.strip()} is more than {MAX_CHANNELS} channels")
        found += range(int(first), int(last or first) + 1)
    return tuple(dict.fromkeys(found))
