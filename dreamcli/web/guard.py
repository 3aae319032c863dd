"""Middleware that protects the page.

Only under its own names, only for its own scripts, with a password if there is one, and with a limit to what is sent.
A browser on this machine also shows pages of strangers, and their scripts may send requests here: by their own name
that leads here (DNS rebinding), or openly. Requests of both kinds are refused.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse

from .names import Names
from .shared import LAYERS

USER = "dreamcli"
COOKIE = "dreamcli"
MAX_REQUEST = 60_000_000  # bytes; `drops` refuses files that are nearly as large
MAX_WRONG, WAIT_SECONDS = 5, 30.0  # wrong passwords from one address, and how long it then has to wait
MAX_ADDRESSES = 1000  # that are remembered
LASTING = ("/_nicegui/", f"{LAYERS}/")  # what browsers may keep
# the browser asks nothing of any other host
POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'self'"
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class TooLarge(Exception):
    """A request's body is larger than any picture that is accepted."""


class Attempts:
    """The wrong passwords from each address."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and when the last one came

    def must_wait(self, address: str) -> bool:
        """Whether an address has to wait before it may try another one."""
        count, last = self._wrong.get(address, (0, 0.0))
        return count >= MAX_WRONG and time.monotonic() - last < WAIT_SECONDS

    def add(self, address: str) -> None:
        """Count a wrong one."""
        count, _ = self._wrong.pop(address, (0, 0.0))
        self._wrong[address] = (count + 1, time.monotonic())
        if len(self._wrong) > MAX_ADDRESSES:
            self._wrong.popitem(last=False)

    def forget(self, address: str) -> None:
        """Begin anew after the right one."""
        self._wrong.pop(address, None)


class Guard:
    """ASGI middleware.

    Args:
        app: what it guards.
        names: under which it may be asked for.
        password: what visitors must know (HTTP Basic authentication); empty if everybody may come in.
    """

    def __init__(self, app: Any, names: Names, password: str) -> None:
        self._app, self._names = app, names
        self._expected = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
        self._token = secrets.token_urlsafe()  # what browsers show from then on: some send no password on a websocket
        self._is_open = not password
        self._attempts = Attempts()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if refusal := self._refusal(Headers(scope=scope), (scope.get("client") or ("",))[0]):
            await _refuse(refusal, scope, receive, send)
            return
        try:
            await self._app(scope, _limited(receive), self._with_headers(scope["path"], send))
        except TooLarge:
            await PlainTextResponse("too large", 413)(scope, receive, send)

    def _refusal(self, headers: Headers, address: str) -> PlainTextResponse | None:
        """Why a request isn't answered; None if it is."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self._names:
            return PlainTextResponse("The page doesn't have this name. If it should, start it with --allow-host.", 403)
        if origin is not None and origin.lower().partition("://")[2] != host.lower():
            return PlainTextResponse("A page from elsewhere may not use this one.", 403)
        token = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        if self._is_open or secrets.compare_digest(token.encode(), self._token.encode()):
            return None
        if self._attempts.must_wait(address):
            wait = {"Retry-After": f"{WAIT_SECONDS:.0f}"}
            return PlainTextResponse(f"Too many wrong passwords; wait {WAIT_SECONDS:.0f} seconds.", 429, wait)
        typed = headers.get("authorization", "")
        if secrets.compare_digest(typed.encode(), self._expected.encode()):
            self._attempts.forget(address)
            return None
        if typed:
            self._attempts.add(address)
        return PlainTextResponse("password required", 401, {"WWW-Authenticate": 'Basic realm="dreamcli"'})

    def _with_headers(self, path: str, send: Send) -> Send:
        added = [(b"content-security-policy", POLICY.encode()), (b"referrer-policy", b"no-referrer")]
        is_private = not path.startswith(LASTING)
        if is_private:
            added.append((b"cache-control", b"private, no-store"))
        if not self._is_open:
            added.append((b"set-cookie", f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/".encode()))

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [each for each in message["headers"] if not (is_private and each[0] == b"cache-control")]
                message["headers"] = [*kept, *added]
            await send(message)

        return guarded


async def _refuse(response: PlainTextResponse, scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
    else:
        await response(scope, receive, send)


def _limited(receive: Receive) -> Receive:
    """Receive no more than a picture may have."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > MAX_REQUEST:
                raise TooLarge
        return message

    return limited
