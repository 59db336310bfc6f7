"""The composition root: builds every service, hands them to the API, and owns what runs."""

import asyncio
import logging
import random
import shutil
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import ASGIApp

from lightnvr import __version__
from lightnvr.accounts.authentication import Authentication
from lightnvr.accounts.first_account import make_first_account
from lightnvr.accounts.limiter import LimiterRules, LoginLimiter
from lightnvr.accounts.logins import Logins
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.sessions import SessionRules, Sessions
from lightnvr.accounts.store import AccountStore
from lightnvr.api.application import create_api
from lightnvr.api.connections import ConnectionLimits
from lightnvr.api.relay import RelayPaths
from lightnvr.api.services import ApiOptions, ApiServices, StorageSpace
from lightnvr.api.serving import server_config
from lightnvr.config import Settings
from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.db.migrating import migrate
from lightnvr.live.audience import Audience
from lightnvr.live.channels import Channels
from lightnvr.live.connections import Seats, ViewerLimits
from lightnvr.live.hls.outputs import HlsOutputs
from lightnvr.live.rtsp import Limits, RtspServer
from lightnvr.live.rtsp.restream import Restream
from lightnvr.live.webrtc import WebRtc
from lightnvr.logs import configure_logging
from lightnvr.media.address import SourceAddress
from lightnvr.media.opening import Transport
from lightnvr.media.probe import ProbeResult, probe
from lightnvr.playback.timeline import Timeline
from lightnvr.process import (
    allow_many_open_files,
    be_frugal_with_memory,
    give_memory_back,
    open_files_limit,
    sole_owner,
)
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.engine import RecordingEngine, RecordingOptions
from lightnvr.recording.layout import DirectoryFormat
from lightnvr.recording.library import RecordingLibrary
from lightnvr.recording.recorded_time import StoredTime
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.fleet import Fleet
from lightnvr.streams.live_inputs import CatalogLiveInputs
from lightnvr.streams.plan import StreamPlan
from lightnvr.streams.secrets import SecretBox
from lightnvr.streams.store import StreamStore
from lightnvr.wiring import HubRecorder, admit_by, ice_servers, plan_for, webrtc_options

_STOP_STREAMS_S = 2.5
_PROBE_S = 10.0
_GRACE_S = 0.5
"""How long answers that are on their way may take when the server stops."""

_HOUSEKEEPING_S = 15.0
_SLOW_VIEWER_S = 30.0

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
    """Run the server until SIGTERM or SIGINT. Raises OSError, UnusableDatabase, UnusableKeyFile."""
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
        log.info("LightNVR %s listens on http://%s:%d", __version__, settings.web.bind_ip, server.port)
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

    Raises OSError, UnusableDatabase, UnusableKeyFile, InvalidAccount.
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
            segment_duration=settings.storage.mp4_segment_duration,
            now=time.time,
        )
        authentication, logins, sessions = _authentication(settings, AccountStore(database), secrets)
        async with (
            _recording(settings, database, catalog) as (engine, fleet),
            _live(CatalogLiveInputs(catalog, fleet), authentication) as live,
            _webrtc(settings, live) as webrtc,
            _housekeeping(),
        ):
            fleet.on_applied(live.stream_changed)
            await _first_account(settings, AccountStore(database), show_password=show_password)
            services = ApiServices(
                authentication=authentication,
                sessions=sessions,
                logins=logins,
                streams=catalog,
                supervisors=fleet,
                recordings=RecordingLibrary(database, OsDisk(), engine.open_recordings),
                timeline=Timeline(StoredTime(database, engine.open_recordings), lambda: int(time.time() * 1e6)),
                live=live,
                webrtc=webrtc,
                hls=HlsOutputs(settings.live.hls_segment_s, engine.place.clock.wall_us, time.time),
                storage_roots={engine.place.storage.id: settings.storage.path},
                storage_space=partial(_space, engine, settings.storage.path),
                probe=_look,
                uptime=lambda: time.monotonic() - began,
                now=time.time,
                problems=engine.problems,
                viewer_limits=viewer_limits or ViewerLimits(Seats(settings.live.max_viewers)),
                options=ApiOptions(
                    version=__version__,
                    dialect=settings.api.dialect,
                    trusted_proxies=settings.web.trusted_proxy_cidrs,
                    ice_servers=ice_servers(settings.go2rtc),
                    cors_origins=tuple(settings.live.cors_origins.replace(",", " ").split()),
                ),
            )
            api = create_api(services)
            async with (
                _rtsp(settings, live, authentication) as rtsp_port,
                _relay(settings, api) as relay_port,
                _http(settings.web.bind_ip, settings.web.port, api) as (port, task),
            ):
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
) -> AsyncIterator[tuple[RecordingEngine, Fleet]]:
    storage = settings.storage
    options = RecordingOptions(
        root=storage.path,
        directory_format=DirectoryFormat(storage.mp4_directory_format),
        fragment_duration_s=storage.fragment_duration_ms / 1000,
        sync_interval_s=storage.sync_interval_s,
    )
    engine = RecordingEngine(database, OsDisk(), options)
    streams = await catalog.every()
    await engine.start({stream.folder: stream.name for stream in streams})

    async def load(stream_id: int) -> StreamPlan | None:
        stream = await catalog.by_id(stream_id)
        return None if stream is None else plan_for(stream, settings.streams)

    fleet = Fleet(load, partial(HubRecorder, engine.place))
    try:
        await fleet.start([plan_for(stream, settings.streams) for stream in streams])
        yield engine, fleet
    finally:
        await fleet.stop(_STOP_STREAMS_S)
        await engine.stop()


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
async def _rtsp(settings: Settings, live: Channels, authentication: Authentication) -> AsyncIterator[int | None]:
    host, port = settings.web.bind_ip, settings.live.rtsp_port
    if not settings.live.rtsp_enabled or not port:
        yield None
        return
    mounts = Restream(live, admit_by(authentication), random.SystemRandom())
    server = RtspServer(mounts, host=host, port=port, limits=Limits(max_lag=_SLOW_VIEWER_S))
    try:
        await server.start()
    except OSError as error:
        raise OSError(
            f"Cannot listen on {host}, port {port}, for RTSP: {error.strerror}. Choose another port with "
            "[live] rtsp_port (LIGHTNVR_RTSP_PORT); 0 is none."
        ) from error
    try:
        log.info("streams can be watched at rtsp://%s:%d/name", host, server.port)
        yield server.port
    finally:
        await server.close()


@asynccontextmanager
async def _webrtc(settings: Settings, live: Channels) -> AsyncIterator[WebRtc]:
    webrtc = WebRtc(live, webrtc_options(settings), partial(datetime.now, UTC), random.SystemRandom())
    try:
        yield webrtc
    finally:
        await webrtc.close()


def _authentication(
    settings: Settings, accounts: AccountStore, secrets: SecretBox
) -> tuple[Authentication, Logins, Sessions]:
    web = settings.web
    rules = SessionRules(web.auth_timeout_hours * 3600, web.auth_absolute_timeout_hours * 3600)
    sessions = Sessions(accounts, rules, time.time)
    limiter_rules = LimiterRules(
        web.login_rate_limit_enabled, web.login_rate_limit_max_attempts, web.login_rate_limit_window_seconds
    )
    logins = Logins(accounts, Passwords(), LoginLimiter(limiter_rules, time.monotonic), time.time)
    authentication = Authentication(
        accounts,
        sessions,
        logins,
        ticket_key=secrets.derived_key("live tickets"),
        now=time.time,
        enabled=web.auth_enabled,
    )
    return authentication, logins, sessions


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


async def _space(engine: RecordingEngine, root: Path) -> StorageSpace:
    await asyncio.to_thread(engine.place.storage.check)
    usage = await asyncio.to_thread(shutil.disk_usage, root)
    return StorageSpace(usage.used, usage.free)


async def _look(address: SourceAddress, transport: Transport) -> ProbeResult:
    return await asyncio.to_thread(probe, address, transport, _PROBE_S)


class _Server(uvicorn.Server):
    """Signals are handled by the composition root: uvicorn would raise them again and skip the finishing of files."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept requests."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is quick be finished, then cut the rest: a download must not hold up the finishing of files."""
        cut = asyncio.get_running_loop().call_later(_GRACE_S, self._cut)
        try:
            await super().shutdown(sockets)
        finally:
            cut.cancel()

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _relay(settings: Settings, api: ASGIApp) -> AsyncIterator[int | None]:
    if not settings.go2rtc.api_port:
        yield None
        return
    async with _http(settings.web.bind_ip, settings.go2rtc.api_port, RelayPaths(api), "[go2rtc] api_port") as (port, _):
        yield port


@asynccontextmanager
async def _http(
    host: str, wanted_port: int, app: ASGIApp, option: str = "--port"
) -> AsyncIterator[tuple[int, asyncio.Task[None]]]:
    listener = _listen(host, wanted_port, option)
    server = _Server(server_config(app, ConnectionLimits(connections=min(1000, open_files_limit() // 2))))
    task = asyncio.create_task(server.serve(sockets=[listener]), name=f"http {wanted_port}")
    try:
        ready = asyncio.create_task(server.ready.wait())
        await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        yield int(listener.getsockname()[1]), task
    finally:
        server.should_exit = True
        await asyncio.wait([task])
        listener.close()


def _listen(host: str, port: int, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise OSError(
            f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another with {option}."
        ) from error
