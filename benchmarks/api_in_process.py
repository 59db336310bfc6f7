"""The API's handlers on a database, without a network between."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.types import Message

from benchmarks.processes import NeverHappened
from lightnvr.accounts.administration import Administration
from lightnvr.accounts.entrance import EntranceRules, open_entrance
from lightnvr.accounts.first_steps import FirstSteps
from lightnvr.accounts.limiter import LimiterRules
from lightnvr.accounts.model import DuplicateUsername, Role
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.sessions import SessionRules
from lightnvr.accounts.store import AccountStore
from lightnvr.api.application import create_api
from lightnvr.api.auditing import Auditing
from lightnvr.api.services import ApiOptions, ApiServices, StorageRoots, StorageSpace, SystemServices
from lightnvr.backup.model import Contents
from lightnvr.backup.restores import Restores
from lightnvr.backup.restoring import RestoreTargets
from lightnvr.backup.service import BackupRules, Backups
from lightnvr.backup.shelf import Shelf
from lightnvr.config import Settings
from lightnvr.config.in_force import SettingsInForce
from lightnvr.config.layers import SettingsLayers
from lightnvr.db.engine import Database
from lightnvr.detection.model_list import ModelList
from lightnvr.detection.models_folder import ModelsFolder
from lightnvr.detection.results import DetectionResults
from lightnvr.detection.watch import WatchStatus
from lightnvr.detection.zones import ZoneStore
from lightnvr.events.edges import Edge
from lightnvr.events.log import EventLog
from lightnvr.events.pictures import EventPictures
from lightnvr.events.service import EventServices
from lightnvr.events.store import EventStore
from lightnvr.events.telling.outbox import Outbox
from lightnvr.events.telling.webhooks.delivery import WebhookTeller
from lightnvr.events.telling.webhooks.posting import PostingRules
from lightnvr.events.telling.webhooks.store import WebhookStore
from lightnvr.events.triggers import Triggers
from lightnvr.events.writing import EventWriting
from lightnvr.live.audience import Audience
from lightnvr.live.channels import Channels
from lightnvr.live.darkroom import Darkroom
from lightnvr.live.hls.outputs import HlsOutputs
from lightnvr.live.pictures import Pictures
from lightnvr.live.webrtc import WebRtc, WebRtcOptions
from lightnvr.logs import Logs
from lightnvr.media.address import SourceAddress
from lightnvr.media.opening import Transport
from lightnvr.media.packets import MediaPacket
from lightnvr.media.probe import ProbeResult, probe
from lightnvr.media.snapshot import UndecodablePicture
from lightnvr.playback.clips import Clips
from lightnvr.playback.downloads import Downloads
from lightnvr.playback.evidence.making import Evidence
from lightnvr.playback.thumbnail_cache import ThumbnailCache
from lightnvr.playback.thumbnails import Thumbnails
from lightnvr.playback.timeline import Timeline
from lightnvr.process import leave_out_of_collections
from lightnvr.recording.archive import StoredArchive
from lightnvr.recording.batch_deletion import StoredBatchDeletions
from lightnvr.recording.care import StoredCare
from lightnvr.recording.days import StoredDays
from lightnvr.recording.digests import StoredDigests
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.files import StoredFiles
from lightnvr.recording.marks import StoredMarks
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.recorded_time import StoredTime
from lightnvr.recording.removal import Removal
from lightnvr.recording.service import Recordings, SyncProgress
from lightnvr.recording.storage import Storage
from lightnvr.storage.daily import RecordedUse
from lightnvr.storage.keeper import Keeper, KeeperOptions
from lightnvr.storage.pressure import PressureRules
from lightnvr.storage.retention import Rules
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.manual_recording import ManualRecordings
from lightnvr.streams.model import StreamNotFound
from lightnvr.streams.recording_control import LocalClock
from lightnvr.streams.schedule import system_zone
from lightnvr.streams.secrets import SecretBox
from lightnvr.streams.service import LiveInput
from lightnvr.streams.status import StreamStatus
from lightnvr.streams.store import StreamStore
from lightnvr.system.ending import Ending
from lightnvr.system.settings_store import StoredSettings
from lightnvr.wiring import FactorSeal

_USER = "benchmark"
PASSWORD = "a password for measurements"
"""Of the account that `api_key` makes, whose name is `benchmark`."""


class NoEdges:
    """Takes edges; nothing follows."""

    def raise_edge(self, edge: Edge) -> None:
        """See Edges."""


class NothingWatched:
    """Implements `WatchedDetection` for a server that detects nothing."""

    def status(self, stream_id: int) -> WatchStatus | None:
        """See WatchedDetection."""
        return None

    def statuses(self) -> Mapping[int, WatchStatus]:
        """See WatchedDetection."""
        return {}


class NothingRuns:
    """Implements `StreamSupervisors`, `LiveInputs` and `RecordingSync` for a server without streams."""

    @property
    def progress(self) -> SyncProgress:
        """See RecordingSync."""
        return SyncProgress()

    def start(self) -> None:
        """See RecordingSync."""

    async def wait(self, timeout_s: float) -> SyncProgress:
        """See RecordingSync."""
        return SyncProgress()

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
        await administration.add(_USER, PASSWORD, Role.VIEWER)
    return await administration.renew_api_key(_USER)


async def _no_rules() -> Rules:
    return Rules({})


def _keeper(database: Database) -> Keeper:
    archive = StoredArchive(database, Removal(database, OsDisk(), OpenRecordings(), lambda: 0))
    options = KeeperOptions(PressureRules())
    return Keeper(archive, _no_rules, options, system_us=lambda: time.time_ns() // 1000, monotonic_s=time.monotonic)


def _events(database: Database, folder: Path) -> EventServices:
    async def no_jpeg(_keyframe: MediaPacket) -> bytes:
        raise UndecodablePicture("there is no camera")

    async def no_folder(_stream_id: int) -> None:
        return None

    pictures = EventPictures(folder / "snapshots", no_jpeg, no_folder, lambda _: None)
    log = EventLog(EventWriting(database), StoredMarks(database), pictures, lambda: int(time.time() * 1e6))
    return EventServices(EventStore(database), log, pictures)


def api_on(
    database: Database,
    recordings: Recordings,
    folder: Path,
    *,
    auth_enabled: bool = True,
    now: Callable[[], float] = time.time,
) -> FastAPI:
    """Return the whole application, with its authentication and everything that stands before a handler.

    `now` is what it takes for the present, seconds since 1970 UTC.
    """
    secrets = SecretBox.open(folder / "secret.key")
    entrance = open_entrance(
        database,
        EntranceRules(auth_enabled, SessionRules(3600, 3600), LimiterRules(True, 5, 300)),
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

    base = Settings.model_validate({"general": {"data_dir": folder}})
    stored = StoredSettings(database, FactorSeal(secrets), time.time)
    in_force = SettingsInForce(SettingsLayers.of(base), stored, base)
    removal = Removal(database, OsDisk(), OpenRecordings(), lambda: 0)
    live = Channels(NothingRuns(), Audience(entrance.authentication.standing.lapsed))
    recorded = StoredTime(database, OpenRecordings())
    clips = Clips(recorded, recordings, lambda: int(time.time() * 1e6))
    key_file = folder / "evidence-key.pem"
    app = create_api(
        ApiServices(
            authentication=entrance.authentication,
            administration=entrance.administration,
            sessions=entrance.sessions,
            logins=entrance.logins,
            sign_in=entrance.sign_in,
            second_factor=entrance.second_factor,
            presence=entrance.presence,
            audit=entrance.audit,
            auditing=Auditing(entrance.audit_writer, time.monotonic),
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
            marks=StoredMarks(database),
            deletions=StoredBatchDeletions(database, removal, time.monotonic),
            files=StoredFiles(database, OsDisk(), OpenRecordings(), removal),
            downloads=Downloads(time.monotonic),
            thumbnails=Thumbnails(
                recordings, StoredTime(database, OpenRecordings()), ThumbnailCache(folder / "thumbnails", 2**20)
            ),
            manual=ManualRecordings(database, LocalClock(time.time, system_zone), lambda _: False),
            triggers=Triggers(NoEdges(), StoredMarks(database), lambda: time.time_ns() // 1000),
            detection=NothingWatched(),
            models=ModelList(ModelsFolder(folder / "models")),
            daily_use=RecordedUse(StoredDays(database), _no_rules, lambda: int(now()) // 86_400),
            sync=NothingRuns(),
            backups=Backups(Contents(None, ()), Shelf(folder / "backups"), lambda: BackupRules(0, 1), "0", time.time),
            restores=Restores(
                Shelf(folder / "backups"), RestoreTargets(folder, None, None, folder, folder, folder), (), time.time
            ),
            first_steps=FirstSteps(database, time.time),
            keeper=_keeper(database),
            timeline=Timeline(recorded, lambda: int(time.time() * 1e6)),
            clips=clips,
            evidence=Evidence(clips, StoredDigests(database), key_file, "LightNVR", lambda: int(time.time() * 1e6)),
            zones=ZoneStore(database),
            detected=DetectionResults(database),
            events=_events(database, folder),
            live=live,
            pictures=Pictures(Darkroom(1), lambda monotonic_ns: monotonic_ns // 1000),
            webhooks=WebhookTeller(
                WebhookStore(database, FactorSeal(secrets), time.time),
                Outbox(database, time.time),
                PostingRules(),
                time.time,
                lambda _at: 0,
            ),
            webrtc=WebRtc(live, WebRtcOptions(), partial(datetime.now, UTC), random.SystemRandom()),
            hls=HlsOutputs(2.0, lambda monotonic_ns: monotonic_ns // 1000, time.time),
            storage_roots=StorageRoots([Storage(1, "main", Path("/srv/recordings"))]),
            storage_space=space,
            probe=look,
            uptime=time.monotonic,
            now=now,
            zone=system_zone,
            system=SystemServices(in_force, Logs(), Ending(), StoredDays(database).totals),
            options=ApiOptions(version="0"),
        )
    )
    # As the server does when it has started.
    leave_out_of_collections()
    return app


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of the application."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


async def get(app: FastAPI, path: str, query: Mapping[str, str | int], key: str) -> bytes:
    """Ask the application as a server does and return the body. Raises NeverHappened unless it answers 200."""
    answer = await ask(app, "GET", path, query, {"x-api-key": key})
    if answer.status != HTTPStatus.OK:
        raise NeverHappened(f"{path} answered {answer.status}: {answer.body.decode(errors='replace')}")
    return answer.body


async def ask(
    app: FastAPI,
    method: str,
    path: str,
    query: Mapping[str, str | int],
    headers: Mapping[str, str],
    content: bytes = b"",
) -> Answered:
    """Make a request as a server hands it on, from 127.0.0.1."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": urlencode(query).encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost"), *((name.encode(), value.encode()) for name, value in headers.items())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    status, got, body = 0, list[tuple[bytes, bytes]](), bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        got.extend(message.get("headers", ()))
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return Answered(status, got, bytes(body))
