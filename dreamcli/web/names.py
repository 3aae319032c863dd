"""The names under which the page may be asked for."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

EVERYWHERE = ("0.0.0.0", "::")  # to listen on all of this machine's addresses
LOCAL = ("127.0.0.1", "localhost", "::1")


class Names:
    """The names under which the page may be asked for.

    Args:
        host: what it listens on. Everywhere means any address, which no stranger's name can stand for, and the
            machine's own name.
        others: more names, such as a proxy's.
    """

    def __init__(self, host: str, others: Iterable[str] = ()) -> None:
        own = (socket.gethostname(), f"{socket.gethostname()}.local") if host in EVERYWHERE else ()
        self._known = {name.lower() for name in (*LOCAL, host, *own, *others)}
        self._any_address = host in EVERYWHERE

    def __contains__(self, place: str) -> bool:
        """Whether ``HOST`` or ``HOST:PORT`` is one of them."""
        name = _name_in(place)
        if self._any_address:
            with suppress(ValueError):
                return bool(ip_address(name))
        return name in self._known


def _name_in(place: str) -> str:
    with suppress(ValueError):
        return urlsplit(f"//{place}").hostname or ""
    return ""
