"""The API as its clients see it: a real server on a port of loopback, with a real SQLite file."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx
import uvicorn
from fastapi import FastAPI

from lightnvr.accounts.administration import Administration
from lightnvr.accounts.authentication import Authentication
from lightnvr.accounts.limiter import LimiterRules, LoginLimiter
from lightnvr.accounts.logins import Logins
from lightnvr.accounts.model import Role
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.sessions import SessionRules, Sessions
from lightnvr.accounts.store import AccountStore
from lightnvr.api.application import create_api
from lightnvr.api.services import ApiOptions, ApiServices, IceServer, StorageSpace
from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.db.migrating import migrate
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.secrets import SecretBox
from lightnvr.streams.store import StreamStore
from tests.integration.api.fakes import ListedRecordings, NotedSupervisors, ToldProbe

PASSWORD = "correct horse battery"
USERS = {"admin": Role.ADMIN, "editor": Role.USER, "watcher": Role.VIEWER, "machine": Role.API}


@dataclass(slots=True)
class Clock:
    """Seconds since 1970 UTC, moved by hand."""

    seconds: float = 1_785_600_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.seconds


@dataclass(slots=True)
class RunningApi:
    """A server, its address, and what stands behind it."""

    url: str
    services: ApiServices
    database: Database
    recordings: ListedRecordings
    supervisors: NotedSupervisors
    probe: ToldProbe
    clock: Clock
    keys: dict[str, str] = field(default_factory=dict)

    def client(self, user: str | None = "admin") -> httpx.Client:
        """Return a client that calls as this user, with an API key; None is nobody."""
        headers = {} if user is None else {"X-API-Key": self.keys[user]}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)


@contextmanager
def running_api(
    folder: Path,
    *,
    auth_enabled: bool = True,
    max_streams: int = 32,
    options: ApiOptions | None = None,
    rules: LimiterRules | None = None,
) -> Iterator[RunningApi]:
    """Serve the API with four users, one of each role, until the block ends."""
    url = database_url("", folder / "lightnvr.db")
    database = open_database(url)
    store, passwords, clock = AccountStore(database), Passwords(), Clock()
    logins = Logins(store, passwords, LoginLimiter(rules or LimiterRules(True, 5, 300), clock), clock)
    sessions = Sessions(store, SessionRules(24 * 3600, 168 * 3600), clock)
    recordings, supervisors, probe = ListedRecordings(folder / "recordings"), NotedSupervisors(), ToldProbe()
    services = ApiServices(
        authentication=Authentication(store, sessions, logins, enabled=auth_enabled),
        sessions=sessions,
        logins=logins,
        streams=StreamCatalog(
            database,
            StreamStore(SecretBox.open(folder / "secret.key")),
            max_streams=max_streams,
            segment_duration=900,
            now=clock,
        ),
        supervisors=supervisors,
        recordings=recordings,
        storage_roots={1: folder / "recordings"},
        storage_space=_space,
        probe=probe,
        uptime=lambda: 86_400.0,
        now=clock,
        options=options or ApiOptions(version="1.2.3", ice_servers=(IceServer("stun:stun.example.org:3478"),)),
    )
    administration = Administration(store, passwords, clock, folder / "initial-admin-password.txt")
    running = RunningApi("", services, database, recordings, supervisors, probe, clock)

    async def prepare() -> None:
        await migrate(url)
        for name, role in USERS.items():
            await administration.add(name, PASSWORD, role)
            running.keys[name] = await administration.renew_api_key(name)
        await database.close()  # its connections belong to this event loop

    anyio.run(prepare)
    with _serving(create_api(services)) as running.url:
        yield running


async def _space() -> StorageSpace:
    return StorageSpace(used_bytes=1000, available_bytes=2000)


@contextmanager
def _serving(app: FastAPI) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", proxy_headers=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
