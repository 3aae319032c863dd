"""Weights files: read without ever running their code, and checked."""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dreamcli.errors import DreamcliError, first_line

from .wheels import file_sha256

State = dict[str, Tensor]
# torchvision's classifiers for training only, by the classes of their networks
AUXILIARY: Mapping[str, tuple[str, ...]] = {"GoogLeNet": ("aux1.", "aux2."), "Inception3": ("AuxLogits.",)}


def state_sha256(state: Mapping[str, Tensor]) -> str:
    """The SHA-256 of a state dict, in hexadecimal: of every tensor's name, dtype, shape and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_state_dict(path: Path) -> State:
    """Read a state dict from a ``.safetensors`` file, or from a ``.pth`` file with ``weights_only=True``.

    Unwraps a checkpoint that has it under "state_dict" or "model", and removes the "module." that data parallelism
    puts before every name.

    Raises:
        DreamcliError: the file can't be read, wants to run code, or isn't a state dict.
    """
    if not path.is_file():
        raise DreamcliError(f"{path}: no such weights file")
    try:
        state: object
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise DreamcliError(f"{path}: not a readable safetensors file ({error})") from error
    except Exception as error:  # torch.load may raise anything for a file that isn't its own
        if isinstance(error, pickle.UnpicklingError) and "global" in str(error).lower():
            raise DreamcliError(
                f"{path}: refused, because it isn't a plain state dict and loading it would run code; "
                "save the tensors alone with torch.save(model.state_dict(), FILE) or as safetensors"
            ) from error
        reason = f" ({first_line(error)})" if isinstance(error, OSError | RuntimeError) else ""
        raise DreamcliError(f"{path}: not a readable weights file{reason}") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    if not isinstance(state, Mapping) or not state or not all(isinstance(v, Tensor) for v in state.values()):
        raise DreamcliError(f"{path}: not a state dict (names and their tensors)")
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def assign(network: nn.Module, state: State, origin: Path) -> None:
    """Give ``network`` the weights in ``state``, as float32.

    Raises:
        DreamcliError: names or shapes don't match, or a weight isn't finite; says which.
    """
    wanted = network.state_dict()
    # the parts for training only may be missing, or left over
    names = wanted.keys() | state.keys()
    auxiliary = tuple(name for kind in type(network).__mro__ for name in AUXILIARY.get(kind.__name__, ()))
    spare = {name for name in names if name.endswith("num_batches_tracked") or name.startswith(auxiliary)}
    missing = [name for name in wanted if name not in state and name not in spare]
    unknown = [name for name in state if name not in wanted and name not in spare]
    if missing or unknown:
        parts = [f"lacks {_some(missing)}"] * bool(missing) + [f"has unknown {_some(unknown)}"] * bool(unknown)
        raise DreamcliError(f"{origin}: these are another network's weights: the file {' and '.join(parts)}")
    fitting: State = {}
    for name, tensor in state.items():
        if name not in wanted:
            continue
        if tensor.shape != wanted[name].shape:
            raise DreamcliError(
                f"{origin}: {name} has shape {tuple(tensor.shape)}, but the network needs {tuple(wanted[name].shape)}"
            )
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise DreamcliError(f"{origin}: {name} holds values that are not finite (NaN or infinity)")
        fitting[name] = tensor.float() if tensor.is_floating_point() else tensor
    for name in wanted.keys() - fitting.keys():
        fitting[name] = torch.zeros(wanted[name].shape, dtype=wanted[name].dtype)
    network.load_state_dict(fitting, assign=True)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more


def fetch(url: str, path: Path) -> str:
    """Download torchvision's weights from ``url`` to ``path``, unless they are there; return their SHA-256.

    The eight hexadecimal digits in the file's name are the start of its SHA-256. Unlike torch.hub, this checks
    them for a cached file, too.

    Raises:
        DreamcliError: there is no connection, or the file is damaged.
    """
    digits = path.stem.rpartition("-")[2]
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            in_terminal = bool(getattr(sys.stderr, "isatty", bool)())  # a notebook's may lack it
            torch.hub.download_url_to_file(url, str(path), hash_prefix=digits, progress=in_terminal)
        except OSError as error:  # URLError is one
            raise DreamcliError(
                f"{path.name} is not cached and could not be downloaded ({first_line(error)}); "
                f"download {url} on a connected machine and put it at {path}"
            ) from error
        except RuntimeError as error:
            raise DreamcliError(f"{path.name} was damaged in transit from {url}; try again") from error
    digest = file_sha256(path)
    if not digest.startswith(digits):
        raise DreamcliError(f"{path} is damaged (its SHA-256 does not begin with {digits}); delete it and try again")
    return digest
