"""Middleware that protects the page: a password, a size limit, and a policy that keeps the browser from other hosts."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse

USER = "dreamcli"
COOKIE = "dreamcli"
MAX_REQUEST = 60_000_000  # bytes; `drops` refuses files that are nearly as large
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


class Guard:
    """ASGI middleware.

    Args:
        app: what it guards.
        password: what visitors must know (HTTP Basic authentication); empty if everybody may come in.
    """

    def __init__(self, app: Any, password: str) -> None:
        self._app = app
        self._expected = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
        self._token = secrets.token_urlsafe()  # what browsers show from then on: some send no password on a websocket
        self._is_open = not password

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if not self._may_enter(Headers(scope=scope)):
            await self._refuse(scope, receive, send)
            return
        try:
            await self._app(scope, _limited(receive), self._with_headers(send))
        except TooLarge:
            await PlainTextResponse("too large", 413)(scope, receive, send)

    def _may_enter(self, headers: Headers) -> bool:
        typed, token = headers.get("authorization", ""), cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        knows = secrets.compare_digest(typed.encode(), self._expected.encode())
        return self._is_open or knows or secrets.compare_digest(token.encode(), self._token.encode())

    async def _refuse(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        ask = {"WWW-Authenticate": 'Basic realm="dreamcli"'}
        await PlainTextResponse("password required", 401, ask)(scope, receive, send)

    def _with_headers(self, send: Send) -> Send:
        added = [(b"content-security-policy", POLICY.encode()), (b"referrer-policy", b"no-referrer")]
        if not self._is_open:
            added.append((b"set-cookie", f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/".encode()))

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        return guarded


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
