"""What all visitors of the page share: the networks, the queue, and the room for their files."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse, Response

from dreamcli.errors import check
from dreamcli.files.decoder import Decoder
from dreamcli.files.presets import Preset
from dreamcli.studio.session import Session

from .queue import WorkQueue

MAX_SESSIONS = 2  # networks are large
MADE, LAYERS = "/made", "/layers"  # addresses of what visitors made, and of pictures of layers
# for one visitor, and for all of them
MAX_FILES, MAX_BYTES, MAX_BYTES_OF_ALL = 500, 500_000_000, 5_000_000_000


@dataclass
class Shared:
    """What all visitors share.

    Attributes:
        presets: what they may choose from.
        folder: where all files go; each visitor has a folder in it.
        largest: pixels on the longer side of a result.
        open_session: opens a session with networks.
        decoder: reads their files.
    """

    presets: list[Preset]
    folder: Path
    largest: int
    open_session: Callable[[str], Session]
    decoder: Decoder
    queue: WorkQueue = field(default_factory=WorkQueue)
    _sessions: dict[str, Session] = field(default_factory=dict)
    _served: dict[str, Path] = field(default_factory=dict)  # by the last part of their addresses

    def session(self, model: str) -> Session:
        """The session with these networks; the latest few stay open."""
        session = self._sessions.pop(model, None) or self.open_session(model)
        self._sessions[model] = session
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.pop(next(iter(self._sessions))).close()
        return session

    def address(self, path: Path) -> str:
        """Where a browser finds a file, until its visitor leaves. Nobody can guess it."""
        key = secrets.token_urlsafe()
        self._served[key] = path
        return f"{MADE}/{key}"

    def response(self, key: str) -> Response:
        """A file that is served."""
        path = self._served.get(key)
        return FileResponse(path, filename=path.name, content_disposition_type="inline") if path else not_found()

    def forget(self, folder: Path) -> None:
        """Serve nothing more from a visitor's folder."""
        self._served = {key: path for key, path in self._served.items() if folder not in path.parents}

    def check_room(self, folder: Path, more: int = 0) -> None:
        """Refuse more files in a visitor's folder than there is room for.

        Raises:
            WrongRequest: it has too many already, or all of them have.
        """
        sizes = _sizes(folder)
        check(len(sizes) < MAX_FILES, f"that is more than {MAX_FILES} files; reload the page to begin anew")
        problem = f"that is more than {MAX_BYTES // 10**6} MB of files; reload the page to begin anew"
        check(sum(sizes) + more <= MAX_BYTES, problem)
        check(sum(_sizes(self.folder)) + more <= MAX_BYTES_OF_ALL, "the page has no room left; try again later")


def not_found(*_: object) -> Response:
    """The answer to a wrong address."""
    return PlainTextResponse("not found", 404)


def _sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
