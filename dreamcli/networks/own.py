"""The user's own networks: a class, a function or a finished network in a Python file."""

from __future__ import annotations

import copy
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from dreamcli.errors import DreamcliError, WrongRequest, did_you_mean

from .adapt import original
from .registry import code_of
from .wheels import file_sha256


class OwnBuilder:
    """Builds the network that ``FILE.py:CLASS`` names, once the file has been run.

    It is the user's own code, and it runs because the user asked for it.

    Raises:
        WrongRequest: the file or the class doesn't exist.
        DreamcliError: the file can't be run.
    """

    def __init__(self, name: str) -> None:
        self._path = code_of(name)
        self._home = _Home(self._path)
        with self._home.entered():
            module = self._run()
        wanted = name.rpartition(":")[2]
        found = getattr(module, wanted, None)
        if not callable(found):
            known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
            raise WrongRequest(f"{self._path} has no class or function {wanted!r}" + did_you_mean(wanted, known))
        self._build = checked_builder(name, _copies_of(found) if isinstance(found, nn.Module) else found)

    def __call__(self, **options: object) -> nn.Module:
        """Build the network, as `checked_builder` does."""
        with self._home.entered():
            return self._build(**options)

    def sha256(self) -> str:
        """The SHA-256 of the code: of the file, together with those next to it that it has imported so far."""
        digests = [file_sha256(path) for path in (self._path, *self._home.imported)]
        return digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest()

    def _run(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location(self._home.name, self._path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # where dataclasses look up their annotations
        try:
            # as in `checked_builder`, for a network that is built here
            with torch.device("cpu"), torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                spec.loader.exec_module(module)
        except Exception as error:
            raise DreamcliError(f"{self._path} can't be run: {type(error).__name__}: {error}") from error
        return module


class _Home:
    """The folder of a file, from which it imports its siblings as if Python had been started there.

    They are kept apart from everybody else's: two files may each have a sibling called ``blocks``.

    Attributes:
        name: what the file's module is called; with the packages around it, so that its relative imports work.
    """

    def __init__(self, path: Path) -> None:
        folder, package = path.resolve().parent, ""
        self._folders = [folder]
        while (folder / "__init__.py").is_file():
            package = f"{folder.name}.{package}"
            folder = folder.parent
            self._folders = [path.resolve().parent, folder]
        self.name = package + path.stem if package else f"dreamcli_own_{path.stem}"
        self._modules: dict[str, ModuleType] = {}

    @property
    def imported(self) -> list[Path]:
        """The other files that were imported from here, in the order of their names."""
        others = (each for name, each in self._modules.items() if name != self.name)
        return sorted({Path(each.__file__) for each in others if each.__file__})

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Import from here first. Afterwards, ``sys.path`` and ``sys.modules`` are as before."""
        # what was imported from here before, such as dreamcli, may stay; but not the package to be imported again
        known = self._packages() - {_top(self.name)}
        others = {top for top in set(map(_top, list(sys.modules))) - known if self._has(top)}
        hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if _top(name) in others}
        sys.modules.update(self._modules)
        folders = list(map(str, self._folders))
        sys.path[:0] = folders
        importlib.invalidate_caches()
        try:
            yield
        finally:
            for folder in folders:
                sys.path.remove(folder)
            new = self._packages() - known
            self._modules = {name: sys.modules.pop(name) for name in list(sys.modules) if _top(name) in new}
            sys.modules.update(hidden)

    def _packages(self) -> set[str]:
        """The modules and packages that were imported from here."""
        found = {_top(self.name)}
        for name, module in list(sys.modules.items()):
            if "." not in name:
                # a package without an __init__.py has no file
                places = getattr(module, "__path__", None) or [getattr(module, "__file__", None) or ""]
                found |= {name for place in places if place and Path(place).parent in self._folders}
        return found & sys.modules.keys()

    def _has(self, top: str) -> bool:
        """Whether a file here would be imported by this name, if nothing else had been."""
        files = (place for folder in self._folders for place in (folder / f"{top}.py", folder / top / "__init__.py"))
        return top not in sys.stdlib_module_names and any(file.is_file() for file in files)


def _top(name: str) -> str:
    return name.partition(".")[0]


def _copies_of(network: nn.Module) -> Callable[..., nn.Module]:
    """Build a finished network: a copy each time, since it gets other weights."""

    def build(**options: object) -> nn.Module:
        if options:
            raise TypeError(f"a finished network takes no {', '.join(options)}")
        return copy.deepcopy(network).to("cpu", torch.float32)

    return build


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
        return original(network, name)

    return build
