"""The API's handlers on a database, without a network between."""

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.types import Message

from benchmarks.processes import NeverHappened
from lightnvr.accounts.administration import Administration
from lightnvr.accounts.entrance import EntranceRules, open_entrance
from lightnvr.accounts.limiter import LimiterRules
from lightnvr.accounts.model import DuplicateUsername, Role
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.sessions import SessionRules
from lightnvr.accounts.store import AccountStore
from lightnvr.api.application import create_api
from lightnvr.api.auditing import Auditing
from lightnvr.api.services import ApiOptions, ApiServices, StorageSpace
from lightnvr.db.engine import Database
from lightnvr.live.audience import Audience
from lightnvr.live.channels import Channels
from lightnvr.live.darkroom import Darkroom
from lightnvr.live.hls.outputs import HlsOutputs
from lightnvr.live.pictures import Pictures
from lightnvr.live.webrtc import WebRtc, WebRtcOptions
from lightnvr.media.address import SourceAddress
from lightnvr.media.opening import Transport
from lightnvr.media.probe import ProbeResult, probe
from lightnvr.playback.timeline import Timeline
from lightnvr.recording.archive import StoredArchive
from lightnvr.recording.care import StoredCare
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.recorded_time import StoredTime
from lightnvr.recording.removal import Removal
from lightnvr.recording.service import Recordings
from lightnvr.storage.keeper import Keeper, KeeperOptions
from lightnvr.storage.pressure import PressureRules
from lightnvr.storage.retention import Rules
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.model import StreamNotFound
from lightnvr.streams.secrets import SecretBox
from lightnvr.streams.service import LiveInput
from lightnvr.streams.status import StreamStatus
from lightnvr.streams.store import StreamStore
from lightnvr.wiring import FactorSeal

_USER = "benchmark"


class NothingRuns:
    """Implements `StreamSupervisors` and `LiveInputs` for a server without streams."""

    def status(self, stream_id: int) -> StreamStatus:
        """See StreamSupervisors."""
        return StreamStatus()

    async def apply(self, stream_id: int) -> None:
        """See StreamSupervisors."""

    async def refresh(self, stream_id: int) -> None:
        """See StreamSupervisors."""

    async def find(self, reference: str) -> LiveInput:
        """See LiveInputs."""
        raise StreamNotFound(reference)

    async def by_id(self, stream_id: int, *, is_sub: bool) -> LiveInput | None:
        """See LiveInputs."""
        return None


async def api_key(database: Database, folder: Path) -> str:
    """Return a fresh key of an account that may read."""
    administration = Administration(AccountStore(database), Passwords(), time.time, folder / "initial-password")
    with contextlib.suppress(DuplicateUsername):
        await administration.add(_USER, "a password for measurements", Role.VIEWER)
    return await administration.renew_api_key(_USER)


def _keeper(database: Database) -> Keeper:
    async def rules() -> Rules:
        return Rules({})

    archive = StoredArchive(database, Removal(database, OsDisk(), OpenRecordings(), lambda: 0))
    options = KeeperOptions(PressureRules())
    return Keeper(archive, rules, options, system_us=lambda: time.time_ns() // 1000, monotonic_s=time.monotonic)


def api_on(database: Database, recordings: Recordings, folder: Path) -> FastAPI:
    """Return the whole application, with its authentication and everything that stands before a handler."""
    secrets = SecretBox.open(folder / "secret.key")
    entrance = open_entrance(
        database,
        EntranceRules(True, SessionRules(3600, 3600), LimiterRules(True, 5, 300)),
        FactorSeal(secrets),
        ticket_key=secrets.derived_key("live tickets"),
        audit_key=secrets.derived_key("audit log"),
        initial_password_file=folder / "initial-password",
        now=time.time,
        monotonic=time.monotonic,
    )

    async def space() -> StorageSpace:
        return StorageSpace(0, 0)

    async def look(address: SourceAddress, transport: Transport) -> ProbeResult:
        return await asyncio.to_thread(probe, address, transport, 10.0)

    live = Channels(NothingRuns(), Audience(entrance.authentication.standing.lapsed))
    return create_api(
        ApiServices(
            authentication=entrance.authentication,
            administration=entrance.administration,
            sessions=entrance.sessions,
            logins=entrance.logins,
            sign_in=entrance.sign_in,
            second_factor=entrance.second_factor,
            presence=entrance.presence,
            audit=entrance.audit,
            auditing=Auditing(entrance.audit, time.monotonic),
            streams=StreamCatalog(
                database,
                StreamStore(secrets),
                max_streams=32,
                segment_duration=900,
                now=time.time,
            ),
            supervisors=NothingRuns(),
            recordings=recordings,
            care=StoredCare(database),
            keeper=_keeper(database),
            timeline=Timeline(StoredTime(database, OpenRecordings()), lambda: int(time.time() * 1e6)),
            live=live,
            pictures=Pictures(Darkroom(1), lambda monotonic_ns: monotonic_ns // 1000),
            webrtc=WebRtc(live, WebRtcOptions(), partial(datetime.now, UTC), random.SystemRandom()),
            hls=HlsOutputs(2.0, lambda monotonic_ns: monotonic_ns // 1000, time.time),
            storage_roots={1: Path("/srv/recordings")},
            storage_space=space,
            probe=look,
            uptime=time.monotonic,
            now=time.time,
            options=ApiOptions(version="0"),
        )
    )


async def get(app: FastAPI, path: str, query: Mapping[str, str | int], key: str) -> bytes:
    """Ask the application as a server does and return the body. Raises NeverHappened unless it answers 200."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": urlencode(query).encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"x-api-key", key.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    status, body = 0, bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    if status != 200:
        raise NeverHappened(f"{path} answered {status}: {body.decode(errors='replace')}")
    return bytes(body)
