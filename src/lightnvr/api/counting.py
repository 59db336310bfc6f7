"""Counts requests, and how long they waited for their answer to begin."""

import time
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RequestCounts:
    """Since the start: requests by the first digit of their status, those that failed in us, and seconds in all."""

    def __init__(self) -> None:
        self.by_class = dict.fromkeys(range(1, 6), 0)
        self.seconds = 0.0

    @property
    def total(self) -> int:
        """How many were answered."""
        return sum(self.by_class.values())

    @property
    def failed(self) -> int:
        """How many were answered with a status from 500 up."""
        return self.by_class[5]

    def add(self, status: int, seconds: float) -> None:
        """Count one."""
        self.by_class[min(5, max(1, status // 100))] += 1
        self.seconds += seconds


class CountRequests:
    """Counts every HTTP request. An answer that goes on for hours counts when it begins."""

    def __init__(self, app: ASGIApp, counts: RequestCounts) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, is_counted = time.monotonic(), False

        async def send_counted(message: Message) -> None:
            nonlocal is_counted
            if message["type"] == "http.response.start" and not is_counted:
                is_counted = True
                self._counts.add(message["status"], time.monotonic() - began)
            await send(message)

        try:
            await self._app(scope, receive, send_counted)
        except Exception:
            if not is_counted:
                self._counts.add(HTTPStatus.INTERNAL_SERVER_ERROR, time.monotonic() - began)
            raise
