"""Serve the page, by default on this machine only."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Thread, current_thread, main_thread

from dreamcli.errors import Hint, WrongRequest, needs
from dreamcli.files.atomic import temporary_folder
from dreamcli.files.decoder import Decoder
from dreamcli.files.presets import Preset

from .names import EVERYWHERE, LOCAL, Names


def serve(
    host: str,
    port: int,
    names: Sequence[str],
    password: str,
    presets: list[Preset],
    largest: int,
    device: str,
    precision: str,
    on_ready: Callable[[str], None],
) -> None:
    """Serve the page until the process is asked to stop.

    Args:
        host: the address to listen on.
        port: 0 for any that is free.
        names: under which others reach it, besides its address, such as a proxy's.
        password: empty for none.
        presets: what visitors may choose from.
        largest: pixels on the longer side of a result.
        device, precision: see `dreamcli.Session`.
        on_ready: called with the page's address.

    Raises:
        WrongRequest: the port is taken, or others could come in without a password.
        DreamcliError: NiceGUI isn't installed.
    """
    if host not in LOCAL and not password:
        raise WrongRequest(f"{host} is reachable by others, so the page needs a password", Hint.PASSWORD)
    port = _free_port(host, port)
    with _own_folder() as folder, suppress(KeyboardInterrupt):  # the way to end it
        needs("nicegui")
        from nicegui import app, ui

        from dreamcli.studio.session import Session

        from .guard import Guard
        from .layer_pictures import FOLDER
        from .page import Page
        from .shared import LAYERS, MADE, Shared, not_found

        open_session = partial(Session, device=device, precision=precision)
        shared = Shared(presets, folder, largest, open_session, Decoder())
        app.add_middleware(Guard, names=Names(host, names), password=password)
        app.add_static_files(LAYERS, FOLDER)
        app.add_api_route(f"{MADE}/{{key}}", shared.response)
        app.add_exception_handler(404, not_found)  # NiceGUI would build a page for each
        app.on_startup(Thread(target=_announce, args=(host, port, on_ready), daemon=True).start)
        for name in ("nicegui", "asyncio", "engineio.server", "socketio.server"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # they print a traceback of whatever a stranger sends
        ui.page("/")(lambda: Page(shared))
        ui.run(
            host=host, port=port, title="dreamcli", dark=None, reload=False, show=False,
            show_welcome_message=False, uvicorn_logging_level="critical", timeout_graceful_shutdown=2,
        )  # fmt: skip


@contextmanager
def _own_folder() -> Iterator[Path]:
    """A folder for all files, the uploads' included; it is deleted at the end, which SIGTERM may ask for."""
    with temporary_folder("dreamcli-web-") as folder:
        tempfile.tempdir = str(folder)
        os.environ["NICEGUI_STORAGE_PATH"] = str(folder / "nicegui")
        is_main = current_thread() is main_thread()
        before = signal.signal(signal.SIGTERM, signal.default_int_handler) if is_main else None
        try:
            yield folder
        finally:
            if is_main:
                signal.signal(signal.SIGTERM, before)
            tempfile.tempdir = None


def _announce(host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Call ``on_ready`` once the server listens."""
    host = reachable_address(host)
    while True:
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            break
    on_ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")


def reachable_address(host: str) -> str:
    """An address at which others reach this machine, if it listens on all of them."""
    if host not in EVERYWHERE:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # sends nothing, but chooses the address to send from
            return str(asked.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _free_port(host: str, port: int) -> int:
    """The port, or a free one for 0.

    Raises:
        WrongRequest: it can't be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            reason = error.strerror or error
            raise WrongRequest(f"can't listen on {host}, port {port} ({reason})", Hint.PORT) from error
        return int(tried.getsockname()[1])
