"""One run of the program: from its start to its end, or to its next beginning."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from lightnvr import __version__
from lightnvr.app import RunningServer, running
from lightnvr.config import Settings
from lightnvr.config.layers import SettingsLayers
from lightnvr.logs import Logs, configure_logging
from lightnvr.process import allow_many_open_files, be_frugal_with_memory, begin_again, sole_owner
from lightnvr.system.ending import Ending

log = logging.getLogger(__name__)


def run(settings: Settings, layers: SettingsLayers, settings_file: Path | None = None) -> None:
    """Run the server until SIGTERM or SIGINT, or until a user ends it. After a restart the program is another one.

    `settings_file` is where the settings were read from.

    Raises OSError, UnusableDatabase, UnusableKeyFile, UnusableCertificate.
    """
    be_frugal_with_memory()
    allow_many_open_files()
    logs = configure_logging(settings.general.log_level, settings.general.log_file)
    with sole_owner(settings.general.data_dir):
        ending = uvloop.run(_serve(settings, layers, logs, settings_file))
    if ending.restart:
        log.info("everything is finished; the program begins again")
        begin_again()


async def _serve(settings: Settings, layers: SettingsLayers, logs: Logs, settings_file: Path | None) -> Ending:
    ending = Ending()
    ending.follow_signals()
    await serve_until(ending, settings, layers=layers, logs=logs, settings_file=settings_file)
    return ending


async def serve_until(
    ending: Ending,
    settings: Settings,
    *,
    layers: SettingsLayers | None = None,
    logs: Logs | None = None,
    on_ready: Callable[[RunningServer], Awaitable[None]] | None = None,
    show_password: bool = True,
    settings_file: Path | None = None,
) -> None:
    """Run the server until somebody asks for its end; `on_ready` is awaited once requests are answered."""
    async with running(
        settings,
        layers=layers,
        logs=logs,
        ending=ending,
        show_password=show_password,
        settings_file=settings_file,
    ) as server:
        web = server.settings.web
        scheme = "https" if web.tls_cert else "http"
        log.info("LightNVR %s listens on %s://%s:%d", __version__, scheme, web.bind_ip, server.port)
        if on_ready is not None:
            await on_ready(server)
        waiting = asyncio.create_task(ending.wait())
        await asyncio.wait([waiting, server.task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        log.info("restarting" if ending.restart else "stopping")
