"""Weight files: reading state dicts without ever running their code, and checking them."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dreamcli.errors import DreamcliError

State = dict[str, Tensor]


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def read_state_dict(path: Path) -> State:
    """Read a state dict from a ``.safetensors`` file, or from a ``.pth`` with ``weights_only=True``.

    A checkpoint that wraps it under "state_dict" or "model" is unwrapped, and the "module." that data
    parallelism puts before every name is taken off.

    Raises:
        DreamcliError: the file can't be read, wants to run code, or is no state dict.
    """
    if not path.is_file():
        raise DreamcliError(f"{path}: there is no such weights file")
    try:
        state = _load(path)
    except pickle.UnpicklingError as error:
        if "global" not in str(error).lower():
            raise DreamcliError(f"{path}: not a readable weights file") from error
        raise DreamcliError(
            f"{path}: refused, because it is no plain state dict and loading it would run code; "
            "save the tensors alone with torch.save(model.state_dict(), FILE) or as safetensors"
        ) from error
    except SafetensorError as error:
        raise DreamcliError(f"{path}: not a readable safetensors file ({error})") from error
    except Exception as error:  # torch.load fed with anything may raise anything
        reason = f" ({_first_line(error)})" if isinstance(error, OSError | RuntimeError) else ""
        raise DreamcliError(f"{path}: not a readable weights file{reason}") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    if not isinstance(state, Mapping) or not state or not all(isinstance(v, Tensor) for v in state.values()):
        raise DreamcliError(f"{path}: holds no state dict (names and their tensors)")
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def _load(path: Path) -> object:
    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def assign(network: nn.Module, state: State, origin: Path) -> None:
    """Give ``network`` the weights of ``state``, as float32.

    Raises:
        DreamcliError: names or shapes don't match, or a weight is not finite; says which.
    """
    wanted = network.state_dict()
    # parts that only training needs may be absent, or be left over
    spare = {n for n in wanted.keys() | state.keys() if _is_for_training_only(n)}
    missing = [name for name in wanted if name not in state and name not in spare]
    unexpected = [name for name in state if name not in wanted and name not in spare]
    if missing or unexpected:
        parts = [f"lacks {_some(missing)}"] * bool(missing) + [f"has unknown {_some(unexpected)}"] * bool(unexpected)
        raise DreamcliError(f"{origin}: the weights are of another network: it {' and '.join(parts)}")
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


def _is_for_training_only(name: str) -> bool:
    return name.endswith("num_batches_tracked") or name.lower().startswith("aux")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more


def fetch(url: str, path: Path) -> str:
    """See that torchvision's weights at ``url`` are at ``path``, downloading them if need be; give their SHA-256.

    The eight hexadecimal digits in the file's name begin its SHA-256; unlike torch.hub, we check them for
    a cached file too.

    Raises:
        DreamcliError: there is no network connection, or the file is damaged.
    """
    digits = path.stem.rpartition("-")[2]
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), hash_prefix=digits, progress=sys.stderr.isatty())
        except OSError as error:  # URLError is one
            raise DreamcliError(
                f"{path.name} is not cached and could not be downloaded ({_first_line(error)}); "
                f"fetch {url} on a connected machine and put it at {path}"
            ) from error
        except RuntimeError as error:
            raise DreamcliError(f"{path.name} was damaged on its way from {url}; try again") from error
    digest = sha256(path)
    if not digest.startswith(digits):
        raise DreamcliError(f"{path} is damaged (its SHA-256 does not begin with {digits}); delete it and try again")
    return digest
