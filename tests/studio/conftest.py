from __future__ import annotations

from collections.abc import Iterator

import pytest

from dreamcli.studio.session import Session


@pytest.fixture(scope="package")
def session() -> Iterator[Session]:
    """The bundled network, held open; no test may close it or change its networks."""
    with Session("dreamnet", judge="none", device="cpu", precision="float32") as session:
        yield session
