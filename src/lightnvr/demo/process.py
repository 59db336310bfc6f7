"""Cameras as a process of their own, for measurements and for trying things by hand."""

import argparse
import asyncio
import dataclasses
import json
import signal
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import uvloop

from lightnvr.demo.cameras import BENCHMARK_RECIPE, FULL_HD_RECIPE, RunningCamera, demo_cameras, equal_cameras


def main() -> None:
    """Runs cameras until SIGTERM or SIGINT; prints one line of JSON with their URLs when they can be watched."""
    uvloop.run(_run(_arguments().parse_args()))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lightnvr.demo.cameras", description=main.__doc__)
    parser.add_argument("--clips", type=Path, required=True, help="folder that keeps the encoded films")
    parser.add_argument("--count", type=int, help="so many equal cameras (720p 15 fps 2 Mbit/s H.264 and AAC)")
    parser.add_argument("--full-hd", action="store_true", help="equal cameras have 1080p and 4 Mbit/s instead")
    parser.add_argument("--port", type=int, default=0, help="first port; 0 takes free ones")
    parser.add_argument("--separate-ports", action="store_true", help="a port for each of the equal cameras")
    return parser


def _cameras(arguments: argparse.Namespace) -> AbstractAsyncContextManager[tuple[RunningCamera, ...]]:
    clips, port = arguments.clips, arguments.port
    if arguments.count is None:
        return demo_cameras(clips, tuple(port + index if port else 0 for index in range(4)))
    recipe = FULL_HD_RECIPE if arguments.full_hd else BENCHMARK_RECIPE
    return equal_cameras(clips, arguments.count, port=port, separate_ports=arguments.separate_ports, recipe=recipe)


async def _run(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with _cameras(arguments) as cameras:
        sys.stdout.write(json.dumps({"cameras": [dataclasses.asdict(camera) for camera in cameras]}) + "\n")
        sys.stdout.flush()
        await stop.wait()
