"""The composition root: builds every service, hands them to the API, and owns what runs."""

import asyncio
import logging
import shutil
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import uvloop

from lightnvr import __version__
from lightnvr.accounts.authentication import Authentication
from lightnvr.accounts.entrance import open_entrance
from lightnvr.accounts.first_account import make_first_account
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.store import AccountStore
from lightnvr.api.application import create_api
from lightnvr.api.auditing import Auditing
from lightnvr.api.services import ApiOptions, ApiServices, StorageRoots, StorageSpace
from lightnvr.caring import caring
from lightnvr.config import Settings
from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.db.migrating import migrate
from lightnvr.live.audience import Audience
from lightnvr.live.channels import Channels
from lightnvr.live.connections import Seats, ViewerLimits
from lightnvr.live.darkroom import Darkroom
from lightnvr.live.hls.outputs import HlsOutputs
from lightnvr.live.pictures import Pictures
from lightnvr.logs import configure_logging
from lightnvr.media.address import SourceAddress
from lightnvr.media.opening import Transport
from lightnvr.media.probe import ProbeResult, probe
from lightnvr.playback.clips import Clips
from lightnvr.playback.downloads import Downloads
from lightnvr.playback.evidence.making import Evidence
from lightnvr.playback.timeline import Timeline
from lightnvr.process import (
    allow_many_open_files,
    be_frugal_with_memory,
    give_memory_back,
    leave_out_of_collections,
    sole_owner,
)
from lightnvr.recording.archive import StoredArchive
from lightnvr.recording.care import StoredCare
from lightnvr.recording.days import StoredDays
from lightnvr.recording.digests import StoredDigests
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.engine import RecordingEngine, RecordingOptions
from lightnvr.recording.files import StoredFiles
from lightnvr.recording.layout import DirectoryFormat
from lightnvr.recording.marks import StoredMarks
from lightnvr.servers import serve_http, serve_relay, serve_rtsp, serve_webrtc, tls_of
from lightnvr.storage.daily import RecordedUse
from lightnvr.storage.keeper import Keeper
from lightnvr.storage.retention import Rules
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.fleet import Fleet
from lightnvr.streams.live_inputs import CatalogLiveInputs
from lightnvr.streams.manual_recording import ManualRecordings
from lightnvr.streams.model import Stream
from lightnvr.streams.plan import StreamPlan
from lightnvr.streams.recording_control import LocalClock
from lightnvr.streams.schedule import system_zone
from lightnvr.streams.secrets import SecretBox
from lightnvr.streams.store import StreamStore
from lightnvr.wiring import (
    FactorSeal,
    HubRecorder,
    entrance_rules,
    ice_servers,
    keeping,
    plan_for,
    rules_for,
    storage_plan,
)

_STOP_STREAMS_S = 2.5
_PROBE_S = 10.0
"""How long answers that are on their way may take when the server stops."""

_HOUSEKEEPING_S = 15.0
_PICTURE_THREADS = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """The server while it runs: the TCP ports it listens on, its task, its parts.

    `rtsp_port` is None without RTSP, `relay_port` (of [go2rtc] api_port) without the addresses of the original's relay.
    """

    port: int
    rtsp_port: int | None
    relay_port: int | None
    task: asyncio.Task[None]
    catalog: StreamCatalog
    fleet: Fleet
    live: Channels


def run(settings: Settings) -> None:
    """Run the server until SIGTERM or SIGINT.

    Raises OSError, UnusableDatabase, UnusableKeyFile, UnusableCertificate.
    """
    be_frugal_with_memory()
    allow_many_open_files()
    configure_logging(settings.general.log_level, settings.general.log_file)
    with sole_owner(settings.general.data_dir):
        uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve_until(stop, settings)


async def serve_until(
    stop: asyncio.Event,
    settings: Settings,
    *,
    on_ready: Callable[[RunningServer], Awaitable[None]] | None = None,
    show_password: bool = True,
) -> None:
    """Run the server until `stop` is set; `on_ready` is awaited once requests are answered."""
    async with running(settings, show_password=show_password) as server:
        scheme = "https" if settings.web.tls_cert else "http"
        log.info("LightNVR %s listens on %s://%s:%d", __version__, scheme, settings.web.bind_ip, server.port)
        if on_ready is not None:
            await on_ready(server)
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait([waiting, server.task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        log.info("stopping")


@asynccontextmanager
async def running(
    settings: Settings, *, show_password: bool = True, viewer_limits: ViewerLimits | None = None
) -> AsyncIterator[RunningServer]:
    """Run everything while the context is open; leaving it finishes every file.

    `viewer_limits` are those of the settings unless given.

    Raises OSError, UnusableDatabase, UnusableKeyFile, UnusableCertificate, InvalidAccount.
    """
    began = time.monotonic()
    if not settings.database.url:
        settings.database.path.parent.mkdir(parents=True, exist_ok=True)
    secrets = SecretBox.open(settings.secret_key_file)
    url = database_url(settings.database.url, settings.database.path)
    await migrate(url)
    database = open_database(url)
    try:
        catalog = StreamCatalog(
            database,
            StreamStore(secrets),
            max_streams=settings.streams.max_streams,
            storages=settings.storage.roots,
            segment_duration=settings.storage.mp4_segment_duration,
            now=time.time,
        )
        entrance = open_entrance(
            database,
            entrance_rules(settings.web),
            FactorSeal(secrets),
            ticket_key=secrets.derived_key("live tickets"),
            audit_key=secrets.derived_key("audit log"),
            initial_password_file=settings.initial_password_file,
            now=time.time,
            monotonic=time.monotonic,
        )
        async with (
            _recording(settings, database, catalog) as (engine, fleet, manual),
            _keeping(settings, database, catalog, engine) as keeper,
            _live(CatalogLiveInputs(catalog, fleet), entrance.authentication) as live,
            serve_webrtc(settings, live) as webrtc,
            _darkroom() as darkroom,
            caring(settings, database, engine) as care,
            _housekeeping(),
        ):
            fleet.on_applied(live.stream_changed)
            await _first_account(settings, AccountStore(database), show_password=show_password)
            clips = Clips(care.recorded, care.recordings, engine.place.clock.now_us)
            services = ApiServices(
                authentication=entrance.authentication,
                administration=entrance.administration,
                sessions=entrance.sessions,
                logins=entrance.logins,
                sign_in=entrance.sign_in,
                second_factor=entrance.second_factor,
                presence=entrance.presence,
                audit=entrance.audit,
                auditing=Auditing(entrance.audit, time.monotonic),
                streams=catalog,
                supervisors=fleet,
                recordings=care.recordings,
                care=StoredCare(database),
                marks=StoredMarks(database),
                deletions=care.deletions,
                files=StoredFiles(database, OsDisk(), engine.open_recordings, engine.removal),
                downloads=Downloads(time.monotonic),
                thumbnails=care.thumbnails,
                manual=manual,
                daily_use=_daily_use(settings, database, catalog),
                sync=engine.sync,
                keeper=keeper,
                timeline=Timeline(care.recorded, lambda: int(time.time() * 1e6)),
                clips=clips,
                evidence=Evidence(
                    clips,
                    StoredDigests(database),
                    settings.evidence_key_file,
                    f"LightNVR {__version__}",
                    engine.place.clock.now_us,
                ),
                live=live,
                webrtc=webrtc,
                pictures=Pictures(darkroom, engine.place.clock.wall_us),
                hls=HlsOutputs(settings.live.hls_segment_s, engine.place.clock.wall_us, time.time),
                storage_roots=StorageRoots(engine.storages, engine.storages.error, engine.storages.trouble),
                storage_space=partial(_space, engine),
                probe=_look,
                uptime=lambda: time.monotonic() - began,
                now=time.time,
                zone=system_zone,
                problems=lambda: (*engine.problems(), *keeper.problems()),
                viewer_limits=viewer_limits or ViewerLimits(Seats(settings.live.max_viewers)),
                options=ApiOptions(
                    version=__version__,
                    dialect=settings.api.dialect,
                    trusted_proxies=settings.web.trusted_proxy_cidrs,
                    proxy_user_header=settings.web.proxy_user_header,
                    ice_servers=ice_servers(settings.go2rtc),
                    cors_origins=tuple(settings.live.cors_origins.replace(",", " ").split()),
                ),
            )
            api = create_api(services)
            async with (
                tls_of(settings) as tls,
                serve_rtsp(settings, live, entrance.authentication) as rtsp_port,
                serve_relay(settings, api, tls) as relay_port,
                serve_http(settings.web.bind_ip, settings.web.port, api, tls=tls) as (port, task),
            ):
                leave_out_of_collections()
                try:
                    yield RunningServer(port, rtsp_port, relay_port, task, catalog, fleet, live)
                finally:
                    # While their connections are still served, so that each viewer is told.
                    live.audience.end_all("LightNVR is being stopped.")
    finally:
        await database.close()


@asynccontextmanager
async def _housekeeping() -> AsyncIterator[None]:
    async def keep() -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING_S)
            await asyncio.to_thread(give_memory_back)

    task = asyncio.create_task(keep(), name="housekeeping")
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def _recording(
    settings: Settings, database: Database, catalog: StreamCatalog
) -> AsyncIterator[tuple[RecordingEngine, Fleet, ManualRecordings]]:
    storage = settings.storage
    options = RecordingOptions(
        storages=storage_plan(storage),
        directory_format=DirectoryFormat(storage.mp4_directory_format),
        fragment_duration_s=storage.fragment_duration_ms / 1000,
        sync_interval_s=storage.sync_interval_s,
    )
    engine = RecordingEngine(database, OsDisk(), options)
    streams = await catalog.every()
    await engine.start({stream.folder: stream.name for stream in streams})

    async def planned(stream: Stream) -> StreamPlan:
        by_hand = stream.id in await manual.active()
        plan = plan_for(stream, settings.streams, manual=by_hand)
        if by_hand and not plan.connect:
            # Footage that somebody asked for must not go on by surprise when privacy mode ends.
            await manual.forget(stream.id)
        return plan

    async def load(stream_id: int) -> StreamPlan | None:
        stream = await catalog.by_id(stream_id)
        return None if stream is None else await planned(stream)

    clock = LocalClock(time.time, system_zone)
    fleet = Fleet(load, partial(HubRecorder, engine.place), clock)
    manual = ManualRecordings(database, clock, lambda stream_id: fleet.status(stream_id).recording_why is not None)
    try:
        await fleet.start([await planned(stream) for stream in streams])
        yield engine, fleet, manual
    finally:
        await fleet.stop(_STOP_STREAMS_S)
        await engine.stop()


def _rules_now(settings: Settings, catalog: StreamCatalog) -> Callable[[], Awaitable[Rules]]:
    async def rules() -> Rules:
        return rules_for(await catalog.every(), settings.storage)

    return rules


def _daily_use(settings: Settings, database: Database, catalog: StreamCatalog) -> RecordedUse:
    return RecordedUse(StoredDays(database), _rules_now(settings, catalog), lambda: int(time.time()) // 86_400)


@asynccontextmanager
async def _keeping(
    settings: Settings, database: Database, catalog: StreamCatalog, engine: RecordingEngine
) -> AsyncIterator[Keeper]:
    keeper = Keeper(
        StoredArchive(database, engine.removal, engine.open_recordings.written_bytes, engine.storages.error),
        _rules_now(settings, catalog),
        keeping(settings.storage),
        system_us=lambda: time.time_ns() // 1000,
        monotonic_s=time.monotonic,
    )
    days = settings.storage.retention_days
    log.info(
        "recordings are kept %s unless their stream says otherwise; %s",
        f"for {days} days" if days else "without limit of time",
        f"the oldest go when less than {settings.storage.min_free_pct:g} % of the disk is free"
        if settings.storage.auto_delete_oldest
        else "none are deleted when the disk is full",
    )
    task = asyncio.create_task(keeper.run(), name="keeper")
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def _live(inputs: CatalogLiveInputs, authentication: Authentication) -> AsyncIterator[Channels]:
    audience = Audience(authentication.standing.lapsed)
    channels = Channels(inputs, audience)
    task = asyncio.create_task(audience.run(), name="audience")
    try:
        yield channels
    finally:
        await channels.close()
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def _darkroom() -> AsyncIterator[Darkroom]:
    darkroom = Darkroom(_PICTURE_THREADS)
    try:
        yield darkroom
    finally:
        await darkroom.close()


async def _first_account(settings: Settings, accounts: AccountStore, *, show_password: bool) -> None:
    first = await make_first_account(
        accounts,
        Passwords(),
        time.time,
        chosen_password=settings.web.password,
        initial_password_file=settings.initial_password_file,
    )
    if show_password and first is not None and first.password is not None:
        # Shown once, on purpose: it is the only way in.
        print(f"\n  Log in as {first.username} with the password {first.password}\n", flush=True)  # noqa: T201


async def _space(engine: RecordingEngine) -> StorageSpace:
    storage = engine.storages.default
    if error := engine.storages.error(storage.id):
        raise OSError(error)
    await asyncio.to_thread(storage.check)
    usage = await asyncio.to_thread(shutil.disk_usage, storage.root)
    return StorageSpace(usage.used, usage.free)


async def _look(address: SourceAddress, transport: Transport) -> ProbeResult:
    return await asyncio.to_thread(probe, address, transport, _PROBE_S)
