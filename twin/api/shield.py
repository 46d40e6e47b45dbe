"""Stand before every answer: headers, methods, and how often one may ask."""

import json
import time as clock
from collections import OrderedDict
from collections.abc import Callable

import anyio
from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; img-src 'self' data:",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # Live values and a page that must not outlive an update of the program.
    "cache-control": "no-store",
}

LARGEST_HEAD = 32_768
"""Bytes that the address and the headers of a request may have together."""

MOST_ADDRESSES = 10_000
"""Callers that are remembered; who makes up more is forgotten again."""

BURST = 2.0
"""Seconds' worth of requests that may come at once."""


class Headers:
    """Add `ALWAYS` to every answer, and refuse questions with too long heads.

    The protocol counts only what has not come whole yet; streams pass as they come.

    Parameters
    ----------
    app : ASGIApp
        What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers[name] = value
            await send(message)

        if _head_size(scope) > LARGEST_HEAD:
            told = {"detail": f"address and headers may have {LARGEST_HEAD:,} bytes"}
            head = {"content-type": "application/json", "connection": "close"}
            await _send(send_with, 431, json.dumps(told).encode(), head)
            return
        await self._app(scope, receive, send_with)


class Methods:
    """Answer HEAD as GET without the body, and OPTIONS with what an address takes.

    Parameters
    ----------
    app : ASGIApp
        What answers.
    routes : callable
        Returns the routes of the application.
    """

    def __init__(self, app: ASGIApp, routes: Callable[[], list[BaseRoute]]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        method = scope.get("method")
        if method == "HEAD":
            await self._head(scope, receive, send)
        elif method == "OPTIONS" and (allowed := self._allowed(scope)):
            await _send(send, 204, b"", {"allow": ", ".join(allowed)})
        else:
            await self._app(scope, receive, send)

    def _allowed(self, scope: Scope) -> list[str]:
        """Return the methods that an address takes, none if there is no such address."""
        found: set[str] = set()
        for route in self._routes():
            for method in ("GET", "POST"):
                asked = {**scope, "method": method}
                if route.matches(asked)[0].value == 2:
                    found.add(method)
        if "GET" in found:
            found.add("HEAD")
        return sorted({*found, "OPTIONS"}) if found else []

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as GET would; the rest is not made, and a stream not begun."""
        with anyio.CancelScope() as enough:

            async def send_head(message: Message) -> None:
                if message["type"] == "http.response.start":
                    await send(message)
                    await send({"type": "http.response.body", "body": b""})
                    enough.cancel()

            await self._app({**scope, "method": "GET"}, receive, send_head)


class Rate:
    """Let every caller ask so many times a second: a token bucket for each address.

    Parameters
    ----------
    app : ASGIApp
        What answers.
    rate : float
        Requests a second; `BURST` seconds' worth, at least one, may come at once.
    time : callable
        Returns seconds that never run backwards.
    """

    def __init__(
        self, app: ASGIApp, *, rate: float, time: Callable[[], float] = clock.monotonic
    ) -> None:
        self._app = app
        self._rate = rate
        self._most = max(1.0, BURST * rate)
        self._time = time
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or say when to come again."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        wait = self._wait(client[0] if client else "")
        if wait <= 0:
            await self._app(scope, receive, send)
            return
        told = {"detail": f"at most {self._rate:g} requests a second; wait {wait:.1f} s"}
        head = {
            "content-type": "application/json",
            "retry-after": str(max(1, -int(-wait // 1))),
        }
        await _send(send, 429, json.dumps(told).encode(), head)

    def _wait(self, address: str) -> float:
        """Take a token, or return how long there will be none [s]."""
        moment = self._time()
        tokens, seen = self._buckets.pop(address, (self._most, moment))
        tokens = min(self._most, tokens + (moment - seen) * self._rate)
        wait = 0.0 if tokens >= 1.0 else (1.0 - tokens) / self._rate
        self._buckets[address] = (tokens - (wait == 0.0), moment)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return wait


def _head_size(scope: Scope) -> int:
    """Return the bytes of an address and its headers."""
    lines = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return lines + len(scope.get("raw_path") or b"") + len(scope["query_string"])


async def _send(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    """Send a whole answer."""
    head = [(name.encode(), value.encode()) for name, value in headers.items()]
    if body:
        head.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
