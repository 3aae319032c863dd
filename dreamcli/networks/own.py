"""The user's own networks: a class, or a function, in a Python file."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable

import torch
from torch import nn

from dreamcli.errors import DreamcliError, WrongRequest, did_you_mean

from .catalog import code_of


def own_builder(name: str) -> Callable[..., nn.Module]:
    """Run the file in ``FILE.py:CLASS`` and return what builds the network.

    It is the user's own code, and it runs because the user asked for it.

    Raises:
        WrongRequest: the file or the class doesn't exist.
        DreamcliError: the file can't be run.
    """
    path = code_of(name)
    spec = importlib.util.spec_from_file_location(f"dreamcli_own_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up their annotations
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[spec.name]
        raise DreamcliError(f"{path} can't be run: {type(error).__name__}: {error}") from error
    wanted = name.rpartition(":")[2]
    found = getattr(module, wanted, None)
    if not callable(found):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise WrongRequest(f"{path} has no class or function {wanted!r}" + did_you_mean(wanted, known))

    return checked_builder(name, found)


def checked_builder(name: str, found: Callable[..., object]) -> Callable[..., nn.Module]:
    """Wrap somebody else's network builder: the same network each time, and errors that name it."""

    def build(**options: object) -> nn.Module:
        try:
            # always on the CPU: its constructor may look at its tensors, and keep some that no state dict holds
            with torch.device("cpu"), torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                network = found(**options)
        except Exception as error:
            raise DreamcliError(f"{name} can't be built: {type(error).__name__}: {error}") from error
        if not isinstance(network, nn.Module):
            raise WrongRequest(f"{name} returns {type(network).__name__}, not a torch.nn.Module")
        return network

    return build
