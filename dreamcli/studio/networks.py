"""The networks of a session, each loaded when it is first needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from dreamcli.art.artwork import Memo, OnStep
from dreamcli.engine.compute import Compute
from dreamcli.engine.footprint import is_out_of_memory
from dreamcli.engine.modes import default_modes
from dreamcli.engine.tiles import TileError
from dreamcli.errors import DreamcliError, Hint
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.networks.registry import AUTO, DEFAULT_JUDGES, NO_JUDGE, imagenet_labels, listing
from dreamcli.settings.base import Settings

T = TypeVar("T")
BUDGET_SHARE_AFTER_FAILURE = 1 / 8  # of the memory budget, for a second try once memory has run out
IN_SMALLER_TILES = "memory ran out, so it was made in smaller tiles"


@dataclass
class Opened:
    """What an art form works with: its networks, the device and precision, and results kept for later pictures.

    Attributes:
        too_large: pixels of the smallest picture that memory ran out for; larger ones go through in smaller tiles.
    """

    ensemble: Ensemble
    compute: Compute
    memo: Memo
    too_large: float = math.inf

    def within_memory(
        self, seed: int, pixels: int, make: Callable[[Compute, OnStep | None], T], on_step: OnStep | None
    ) -> tuple[T, tuple[str, ...]]:
        """Make something; if memory runs out, once more in smaller tiles. Also return notes for its record.

        Args:
            seed: of the networks' own random numbers, if they draw any.
            pixels: of the picture that is made. Once memory has run out, pictures of this size or more start with the
                smaller tiles.
            make: called with where and how precisely to compute, and ``on_step``.

        Raises:
            DreamcliError: there isn't enough memory for tiles, either, or the network can't be used in tiles.
        """
        whole = self.compute
        smaller = replace(whole, budget=int(whole.budget * BUDGET_SHARE_AFTER_FAILURE))
        notes = (IN_SMALLER_TILES,) if pixels >= self.too_large else ()
        for compute in (smaller,) if notes else (whole, smaller):
            try:
                with compute.repeatable(seed):
                    return make(compute, on_step), notes
            except TileError as error:
                problem = f"the picture is so large that the network must see it in tiles, but {error}"
                raise DreamcliError(problem, Hint.SMALLER) from error
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                cause = error.with_traceback(None)  # the traceback holds on to the first attempt's memory
                notes = (IN_SMALLER_TILES,)
                self.too_large = min(self.too_large, pixels)
                for network in self.ensemble.networks:
                    network.forget()
        raise DreamcliError("not enough memory for a picture of this size", Hint.SMALLER) from cause


class OpenNetworks:
    """Loads the networks of each art form, and keeps them.

    Args:
        compute: the device and the precision.
        is_precise: whether the user chose the precision.
        judge: see `dreamcli.Session`.
        blank: build networks whose weights aren't here without them, instead of downloading any.

    Attributes:
        named: the networks for every art form; None for each form's own.

    Raises:
        WrongRequest, DreamcliError: the judge can't be loaded.
    """

    def __init__(self, compute: Compute, is_precise: bool, judge: str, blank: bool) -> None:
        self.named: Ensemble | None = None
        self._compute, self._is_precise, self._blank = compute, is_precise, blank
        self._judge_name = judge
        self._named_judge = None if judge in (AUTO, NO_JUDGE) else zoo.load_judge(judge, blank=blank)
        self._opened: dict[str, Opened] = {}  # by the model that a form has
        self._default_judges: dict[str, Network] = {}

    @default_modes()
    def of(self, form: type[Settings]) -> Opened:
        """The networks that were named, or else the art form's own.

        Raises:
            DreamcliError: their weights can't be loaded.
        """
        model = "" if self.named else form.model
        if model not in self._opened:
            ensemble = self.named or zoo.load_all(model, blank=self._blank)
            compute = self._compute
            if not self._is_precise and compute.device.type == "cpu" and ensemble.prefers_float32:
                compute = replace(compute, precision=torch.float32)
            self._opened[model] = Opened(ensemble, compute, Memo(compute.device))
        return self._opened[model]

    def judge(self, settings: Settings) -> Network | None:
        """The network that picks among attempts: the one that was named, or else a default one; None if none is needed.

        Raises:
            DreamcliError: a default judge's weights can't be loaded.
        """
        if not settings.has_judge or self._judge_name == NO_JUDGE:
            return None
        return self._named_judge or self._default_judge(self._independent(settings)[:1])

    def witness(self, settings: Settings) -> Network | None:
        """The network that says what it sees in the result, and took no part in making it; None if there is none.

        Raises:
            DreamcliError: a default judge's weights can't be loaded.
        """
        if not settings.climbs or settings.is_sheet or self._judge_name == NO_JUDGE:
            return None
        if self._named_judge and not settings.has_judge:
            return self._named_judge
        judge = self.judge(settings)
        others = [name for name in self._independent(settings) if judge is None or name != judge.card.name]
        return self._default_judge(others[-1:])

    def _independent(self, settings: Settings) -> list[str]:
        """The default judges that take no part in these pictures, and know the classes that they should show."""
        if not settings.names_classes:
            return []
        networks = self.of(type(settings)).ensemble.networks
        if not all(network.card.labels in ((), imagenet_labels()) for network in networks):
            return []
        part = {network.card.name for network in networks}
        return [name for name in DEFAULT_JUDGES if name not in part and listing(name).is_here]

    @default_modes()
    def _default_judge(self, names: list[str]) -> Network | None:
        """Load the one that is named, if there is one."""
        for name in names:
            if name not in self._default_judges:
                self._default_judges[name] = zoo.load(name)
            return self._default_judges[name]
        return None
