"""The networks that make a picture together; most often, there is only one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dreamcli.errors import check, did_you_mean
from dreamcli.settings.layer_spec import ALIASES, LayerSpec

from .model_spec import model_text
from .network import Network


@dataclass(frozen=True)
class NetworkLayer:
    """A layer of one network of an ensemble.

    Attributes:
        name: the layer's own name.
        prefix: what its name starts with among several networks' activations; empty for a single network.
        weight: the network's weight.
    """

    network: Network = field(compare=False)
    name: str
    prefix: str = ""
    weight: float = 1.0

    def __str__(self) -> str:
        return f"layer {self.name} of {self.network.card.name}"

    @property
    def key(self) -> str:
        """What the activations call it."""
        return self.prefix + self.name

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of its output in the network's trace, for a batch of one."""
        return self.network.trace.shapes[self.name]

    @property
    def stride(self) -> float:
        """Pixels between two neighboring places, for a layer that has rows and columns."""
        return self.network.trace.size[0] / self.shape[2]


@dataclass(frozen=True)
class Ensemble:
    """Networks that climb one picture together: what fools one of them rarely fools all.

    Attributes:
        weights: of the networks, relative to each other; more than 0.
    """

    networks: tuple[Network, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, *networks: Network) -> Ensemble:
        """Equally weighted networks."""
        return cls(networks, (1.0,) * len(networks))

    def of_recipe(self, recipe: int) -> Ensemble:
        """All the networks as pictures of this recipe mean them; see `Network.of_recipe`."""
        return Ensemble(tuple(network.of_recipe(recipe) for network in self.networks), self.weights)

    def with_average_pooling(self) -> Ensemble:
        """All the networks with averages in place of maxima; see `Network.with_average_pooling`."""
        return Ensemble(tuple(network.with_average_pooling() for network in self.networks), self.weights)

    @property
    def prefers_float32(self) -> bool:
        """Whether any of the networks does; all of them are computed in one precision."""
        return any(network.prefers_float32 for network in self.networks)

    @property
    def name(self) -> str:
        """``NAME[*WEIGHT]`` of each network, joined by ``+``."""
        return model_text(tuple(network.card.name for network in self.networks), self.weights)

    @property
    def weights_sha256(self) -> str:
        """The SHA-256 of each network's weights (for the user's own, ``weights+code``), joined by ``+``."""
        return "+".join(network.weights_sha256 for network in self.networks)

    @property
    def only(self) -> Network:
        """The one network.

        Raises:
            WrongRequest: there are several.
        """
        check(len(self.networks) == 1, f"this works with one network at a time, not with {self.name}")
        return self.networks[0]

    def find(self, spec: LayerSpec) -> list[NetworkLayer]:
        """Resolve a spec: an alias means a layer of each network, a name the layer of each network that has it.

        Raises:
            WrongRequest: no network has the layer, or one that has it lacks the channel.
        """
        wanted, _, layer = spec.layer.rpartition("/")
        chosen = self._named(wanted) if wanted else self._having(layer)
        return [self.layer_of(network, network.find(replace(spec, layer=layer))) for network in chosen]

    def _named(self, wanted: str) -> list[Network]:
        found = [network for network in self.networks if network.short_name == wanted]
        names = [network.short_name for network in self.networks]
        guess = did_you_mean(wanted, names) or f"; choose {' or '.join(names)}"
        check(bool(found), f"there is no network {wanted!r} in {self.name}{guess}")
        return found

    def _having(self, layer: str) -> list[Network]:
        if len(self.networks) == 1 or layer in ALIASES:
            return list(self.networks)  # which explain what they lack
        every = dict.fromkeys([*ALIASES, *(name for network in self.networks for name in network.trace.shapes)])
        found = [network for network in self.networks if layer in network.trace.shapes]
        check(bool(found), f"{self.name} has no layer {layer!r}{did_you_mean(layer, every)}")
        return found

    def layer_of(self, network: Network, layer: str) -> NetworkLayer:
        """A layer of one of the networks, by its own name."""
        prefix = "" if len(self.networks) == 1 else f"{network.short_name}/"
        weight = next(weight for each, weight in zip(self.networks, self.weights, strict=True) if each is network)
        return NetworkLayer(network, layer, prefix, weight)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes of the first network; those of the others may differ.

        Raises:
            WrongRequest: one of the networks has no classes.
        """
        for network in self.networks:
            network.check_classes()
        return self.networks[0].card.labels

    def class_index(self, wanted: str) -> int:
        """Find a class of the first network by its name, in upper or lower case, or by its number.

        Raises:
            WrongRequest: one of the networks doesn't have it.
        """
        index = self.networks[0].class_index(wanted)
        self.scores_of(index)
        return index

    def scores_of(self, index: int) -> list[tuple[NetworkLayer, int]]:
        """The score of a class of the first network in each of them: the output, and the class's index in it.

        Raises:
            WrongRequest: one of the networks doesn't have it.
        """
        labels = self.labels
        check(index < len(labels), f"{self.networks[0].card.name} has {len(labels)} classes, from 0")
        scores = []
        for network in self.networks:
            own = network.card.labels
            check(labels[index] in own, f"{network.card.name} has no class {labels[index]!r}")
            # two classes may share a name, so it is the index that counts where all labels are the same
            found = index if own == labels else own.index(labels[index])
            scores.append((self.layer_of(network, network.output), found))
        return scores
