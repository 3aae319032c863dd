"""Checkpoints as people save them: which of a file's tensors are a network's weights, and by which names.

Nothing here knows how any program calls its wrappers and prefixes: the network's own names decide.
"""

from __future__ import annotations

import argparse
import pickle
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from dreamcli.errors import DreamcliError, first_line

State = dict[str, Tensor]
MAX_DEPTH = 3  # of wrappers within wrappers
SAVE_TENSORS = "save the tensors alone with torch.save(model.state_dict(), FILE) or as safetensors"
# classes of the arguments and results that people keep with their weights; what their objects hold isn't needed
_BYSTANDERS = (
    f"{argparse.Namespace.__module__}.{argparse.Namespace.__qualname__}",
    *(
        f"{module}.{kind}"
        for module in ("pathlib", "pathlib._local")
        for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
    ),
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
)


class _Bystander:
    """Stands for an object of one of these classes, whose own code isn't run: it ignores all that the file says."""

    def __new__(cls, *_values: object) -> _Bystander:
        return super().__new__(cls)

    def __init__(self, *_values: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass


@dataclass(frozen=True)
class Match:
    """The weights in a checkpoint that fit a network best.

    Attributes:
        state: by the network's names, as far as these fit.
        notes: for people: what else there was.
    """

    state: State
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    """One of the file's state dicts, its names shifted by a prefix.

    Attributes:
        place: where it lies in the file; empty for the file itself.
        removed, added: in front of the names: what the file has and the network hasn't, and the reverse.
        fit: the numbers of weights whose names and shapes fit, and whose names fit.
    """

    place: str
    state: State
    removed: str
    added: str
    fit: tuple[int, int]

    @property
    def label(self) -> str:
        return ".".join(filter(None, (self.place, self.removed.rstrip("."))))


def read_state_dicts(path: Path) -> dict[str, State]:
    """Read all the state dicts in a file, by where they lie in it; see `matched` for the right one.

    Whether it is safetensors or torch's format, read with ``weights_only=True``, is decided by the contents.

    Raises:
        DreamcliError: the file can't be read, wants to run code, or holds no state dict.
    """
    if not path.is_file():
        raise DreamcliError(f"{path}: no such weights file")
    if _is_torchscript(path):
        kind = "a TorchScript file, which is code as well as weights"
        raise DreamcliError(f"{path}: {kind}; load it in Python and {SAVE_TENSORS}")
    try:
        found: object
        if _is_safetensors(path):
            found = load_file(path)
        else:
            bystanders = torch.serialization.safe_globals([(_Bystander, name) for name in _BYSTANDERS])
            with bystanders, open(path, "rb") as file:  # given a path, torch would go by its suffix
                found = torch.load(file, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise DreamcliError(f"{path}: not a readable safetensors file ({error})") from error
    except Exception as error:  # torch.load may raise anything for a file that isn't its own
        raise DreamcliError(f"{path}: {_why_unreadable(error)}") from error
    states = dict(_state_dicts(found))
    if not states:
        raise DreamcliError(f"{path}: not a state dict (names and their tensors)")
    return states


def _is_safetensors(path: Path) -> bool:
    with open(path, "rb") as file:
        head = file.read(9)
    length = int.from_bytes(head[:8], "little")  # of the JSON that follows
    if head[8:] == b"{" and length <= path.stat().st_size - 8:
        return True
    return path.suffix.lower() == ".safetensors" and not head.startswith((b"PK\x03\x04", b"\x80"))


def _why_unreadable(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError) and "global" in str(error).lower():
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        which = f" ({found[1]})" if found else ""
        return f"refused, because it isn't a plain state dict and loading it would run code{which}; {SAVE_TENSORS}"
    reason = f" ({first_line(error)})" if isinstance(error, OSError | RuntimeError) else ""
    return f"not a readable weights file{reason}"


def _is_torchscript(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.count("/") == 1 and name.endswith("/constants.pkl") for name in archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _state_dicts(found: object, place: str = "", depth: int = 0) -> Iterator[tuple[str, State]]:
    if not isinstance(found, Mapping):
        return
    if state := {str(name): value for name, value in found.items() if isinstance(value, Tensor)}:
        yield place, state
    if depth < MAX_DEPTH:
        for name, value in found.items():
            yield from _state_dicts(value, f"{place}.{name}".lstrip("."), depth + 1)


def matched(states: Mapping[str, State], wanted: Mapping[str, Tensor]) -> Match:
    """Choose the state dict, and the prefix of its names, with which most of a network's weights are found.

    Args:
        states: from `read_state_dicts`.
        wanted: the network's own state dict.
    """
    candidates = [each for place, state in states.items() for each in _candidates(place, state, wanted)]
    best = max(candidates, key=lambda each: (each.fit, len(each.state) if not each.fit[1] else 0))
    removed, added = best.removed, best.added
    state = {
        added + name.removeprefix(removed): tensor for name, tensor in best.state.items() if name.startswith(removed)
    }
    others = [name for name, tensor in best.state.items() if not name.startswith(removed) and tensor.numel() > 1]
    rivals = [each.label for each in candidates if each.fit == best.fit and each is not best]
    if rivals and best.fit[1]:
        return Match(state, (f"of its weights, {best.label or 'the outermost'} were taken; {rivals[0]} fit, too",))
    return Match(state, (f"{some(others)} left out of its weights",) if others else ())


def _candidates(place: str, state: State, wanted: Mapping[str, Tensor]) -> list[_Candidate]:
    """The state dict as it is, and with every prefix removed or added that lets any of its names fit."""
    exact: Counter[tuple[str, str]] = Counter()
    named: Counter[tuple[str, str]] = Counter({("", ""): 0})
    pairs = [((prefix, ""), name, rest) for name in state for prefix, rest in _splits(name) if rest in wanted]
    pairs += [
        (("", prefix), rest, name) for name in wanted for prefix, rest in _splits(name) if prefix and rest in state
    ]
    for shift, own, name in pairs:
        named[shift] += 1
        exact[shift] += state[own].shape == wanted[name].shape
    return [_Candidate(place, state, *shift, (exact[shift], count)) for shift, count in named.items()]


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Every way to split a name at a dot, with the dot in front, from the empty prefix on."""
    yield "", name
    for place, letter in enumerate(name):
        if letter == ".":
            yield name[: place + 1], name[place + 1 :]


def some(names: list[str]) -> str:
    """The first three names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
