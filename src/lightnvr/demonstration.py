"""`lightnvr demo`: the server with four cameras that it brings along."""

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import uvloop

from lightnvr.app import RunningServer
from lightnvr.config import Settings
from lightnvr.logs import Logs, configure_logging
from lightnvr.process import allow_many_open_files, be_frugal_with_memory, begin_again, sole_owner
from lightnvr.program import serve_until
from lightnvr.streams.model import DuplicateStream, NewStream, StreamChange, StreamNotFound
from lightnvr.streams.settings import StreamSettings
from lightnvr.system.ending import Ending

_CAMERAS_END_S = 3.0

log = logging.getLogger(__name__)


class CamerasFailed(OSError):
    """The process of the demo cameras ended before it was ready."""


@dataclass(frozen=True, slots=True)
class _Camera:
    name: str
    url: str


def run_demo(settings: Settings) -> None:
    """Run demo cameras and server until SIGTERM or SIGINT. Raises OSError."""
    be_frugal_with_memory()
    allow_many_open_files()
    quiet = settings.general.model_copy(update={"log_level": min(settings.general.log_level, 1)})
    settings = settings.model_copy(update={"general": quiet})
    logs = configure_logging(quiet.log_level, quiet.log_file)
    with sole_owner(settings.general.data_dir):
        ending = uvloop.run(_demo(settings, logs))
    if ending.restart:
        begin_again()


async def _demo(settings: Settings, logs: Logs) -> Ending:
    ending = Ending()
    ending.follow_signals()
    data_dir = settings.general.data_dir
    async with _camera_process(data_dir / "demo-clips", ending) as cameras:
        if cameras is None:
            return ending

        async def ready(server: RunningServer) -> None:
            await _add_cameras(server, cameras, data_dir / "demo-cameras.json")
            _welcome(settings, server.port)

        await serve_until(ending, settings, logs=logs, on_ready=ready, show_password=False)
    if not ending.restart:
        _say("Stopped; every recording is finished.")
    return ending


@contextlib.asynccontextmanager
async def _camera_process(clips: Path, ending: Ending) -> AsyncIterator[tuple[_Camera, ...] | None]:
    """Run the cameras beside the server, as real ones are; yields None when the end came before they were ready."""
    if not await asyncio.to_thread(clips.exists):
        _say("Making the films of the demo cameras; this takes up to a minute, once.")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lightnvr.demo.cameras", "--clips", str(clips)),
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C reaches the whole group: the cameras should go on until the recorder has finished.
        start_new_session=True,
    )
    try:
        yield await _ready(process, ending)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_CAMERAS_END_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _ready(process: asyncio.subprocess.Process, ending: Ending) -> tuple[_Camera, ...] | None:
    if process.stdout is None:
        raise CamerasFailed("The demo cameras have no output.")
    line = asyncio.create_task(process.stdout.readline())
    stopping = asyncio.create_task(ending.wait())
    await asyncio.wait([line, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not line.done():
        line.cancel()
        return None
    if not line.result():
        raise CamerasFailed("The demo cameras could not be started; see the messages above.")
    return tuple(_Camera(camera["name"], camera["url"]) for camera in json.loads(line.result())["cameras"])


async def _add_cameras(server: RunningServer, cameras: tuple[_Camera, ...], known_file: Path) -> None:
    """Add the cameras at the first start; later only their ports change, and one that was removed stays away."""
    known: list[str] = []
    if await asyncio.to_thread(known_file.exists):
        known = json.loads(await asyncio.to_thread(known_file.read_text))
    for camera in cameras:
        try:
            stream = await server.catalog.find(camera.name)
            await server.catalog.change(camera.name, StreamChange(url=camera.url))
        except StreamNotFound:
            if camera.name in known:
                continue
            try:
                stream = await server.catalog.add(NewStream(camera.name, camera.url, StreamSettings()))
            except DuplicateStream:
                log.warning("a stream named %s is there already", camera.name)
                continue
        await server.fleet.apply(stream.id)
    await asyncio.to_thread(known_file.write_text, json.dumps([camera.name for camera in cameras]))


def _welcome(settings: Settings, port: int) -> None:
    host = settings.web.bind_ip if settings.web.bind_ip not in ("0.0.0.0", "::") else "localhost"  # noqa: S104
    _say(f"LightNVR is recording four cameras: open http://{host}:{port}/ in a browser. Ctrl-C stops it.")
    password_file = settings.initial_password_file
    if password_file.exists():
        _say(f"Log in as admin with the password {password_file.read_text().strip()}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is what the command is for
