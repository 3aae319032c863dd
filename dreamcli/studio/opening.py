"""The networks of a session, each loaded when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from dreamcli.art.artwork import Memo
from dreamcli.engine.compute import Compute
from dreamcli.engine.modes import default_modes
from dreamcli.errors import WrongRequest, check
from dreamcli.networks import zoo
from dreamcli.networks.catalog import AUTO, DEFAULT_JUDGES, NO_JUDGE, imagenet_labels, listing
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.settings.base import Schedule, Settings


@dataclass(frozen=True)
class Opened:
    """What one art form works with.

    Attributes:
        memo: results that serve later pictures, too.
    """

    ensemble: Ensemble
    compute: Compute
    memo: Memo


class OpenNetworks:
    """Loads the networks of each art form, and keeps them.

    Args:
        model, weights, mean, std, labels, device, precision, judge: see `dreamcli.Session`.
        blank: see `Workshop`.

    Raises:
        WrongRequest, DreamcliError: see `dreamcli.Session`.
    """

    @default_modes()
    def __init__(
        self,
        model: str | nn.Module | None,
        weights: Path | None,
        mean: tuple[float, float, float] | None,
        std: tuple[float, float, float] | None,
        labels: Sequence[str],
        device: str,
        precision: str,
        judge: str | None,
        blank: bool,
    ) -> None:
        try:
            self._compute = Compute.resolve(device, precision)
        except ValueError as error:
            raise WrongRequest(str(error)) from error
        self._is_precise = precision != AUTO
        self._judge_name = judge or NO_JUDGE
        self._is_blank = blank
        self._judge = None if self._judge_name in (AUTO, NO_JUDGE) else zoo.load_judge(self._judge_name, blank=blank)
        self._loaded: dict[str, Opened] = {}
        self._default_judges: dict[str, Network] = {}
        self._named: Opened | None = None
        kind = f"a model is a name or a torch.nn.Module, not {type(model).__name__}"
        check(model is None or isinstance(model, str | nn.Module), kind)
        if isinstance(model, nn.Module):
            check(weights is None, "the module already has its weights")
            wrapped = zoo.wrap(model, mean=mean, std=std, labels=labels)
            self._named = self._opened(Ensemble.of(wrapped))
            return
        check(
            mean is None and std is None and not labels,
            "mean, std and labels are for a module; a class has them as attributes",
        )
        if model is not None:
            self._named = self._opened(zoo.load_all(model, weights, blank=blank))
        else:
            check(weights is None, "weights need a model")

    @default_modes()
    def of(self, form: type[Settings]) -> Opened:
        """The networks that were named, or else those that the art form has by default.

        Raises:
            DreamcliError: their weights can't be loaded.
        """
        if self._named:
            return self._named
        if form.model not in self._loaded:
            self._loaded[form.model] = self._opened(zoo.load_all(form.model, blank=self._is_blank))
        return self._loaded[form.model]

    def chooser_of(self, settings: Settings) -> Network | None:
        """The judge that chooses among attempts: the one that was named, or a default one that is independent.

        Raises:
            DreamcliError: a default judge's weights can't be loaded.
        """
        if not settings.judge_chooses or self._judge_name == NO_JUDGE:
            return None
        return self._judge or self._default_judge(self._independent(settings)[:1])

    def witness_of(self, settings: Settings) -> Network | None:
        """The judge that says what it sees in the result; it didn't choose it.

        Raises:
            DreamcliError: a default judge's weights can't be loaded.
        """
        if not isinstance(settings, Schedule) or settings.is_sheet or self._judge_name == NO_JUDGE:
            return None  # if nothing is climbed, there is nothing to judge; of a sheet, too much
        if self._judge and not settings.judge_chooses:
            return self._judge
        chooser = self.chooser_of(settings)
        others = [name for name in self._independent(settings) if chooser is None or name != chooser.card.name]
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

    def _opened(self, ensemble: Ensemble) -> Opened:
        compute = self._compute
        if not self._is_precise and compute.device.type == "cpu" and ensemble.prefers_float32:
            compute = replace(compute, precision=torch.float32)
        return Opened(ensemble, compute, Memo(compute.device))
