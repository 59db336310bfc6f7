"""The demo cameras: RTSP servers on loopback that play clips the project makes itself.

`python -m lightnvr.demo.cameras` runs them, or any number of equal cameras for measurements, as a process of their own.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lightnvr.demo.encoding import AudioRecipe, ClipRecipe, VideoRecipe
from lightnvr.demo.library import ClipLibrary
from lightnvr.demo.playing import Loop, LoopedClip
from lightnvr.demo.scene import EVENING, MORNING, NIGHT, NOON
from lightnvr.live.rtsp import DigestAuthenticator, FixedMounts, RtspServer


@dataclass(frozen=True, slots=True)
class CameraModel:
    """What a demo camera is: its name, its film and, if it asks for one, user and password."""

    name: str
    recipe: ClipRecipe
    user: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class RunningCamera:
    """A demo camera and where it is watched, credentials included."""

    name: str
    url: str


BENCHMARK_RECIPE = ClipRecipe(video=VideoRecipe(palette=NOON), audio=AudioRecipe())
FULL_HD_RECIPE = ClipRecipe(
    video=VideoRecipe(width=1920, height=1080, bit_rate=4_000_000, palette=NOON), audio=AudioRecipe()
)

DEMO_CAMERAS = (
    CameraModel("Front Door", ClipRecipe(video=VideoRecipe(palette=MORNING), audio=AudioRecipe())),
    CameraModel(
        "Driveway",
        ClipRecipe(
            video=VideoRecipe(width=1920, height=1080, fps=25, keyframe_interval=50, bit_rate=4_000_000, palette=NOON),
            audio=None,
        ),
        user="viewer",
        password="dem0@home:cam%1",  # noqa: S106  a password on loopback that shows how awkward ones are written
    ),
    CameraModel("Garden", ClipRecipe(video=VideoRecipe(codec="hevc", palette=EVENING), audio=AudioRecipe())),
    CameraModel(
        "Garage",
        ClipRecipe(
            video=VideoRecipe(width=640, height=360, bit_rate=600_000, palette=NIGHT),
            audio=AudioRecipe(codec="pcm_alaw", sample_rate=8000),
        ),
    ),
)


@asynccontextmanager
async def demo_cameras(
    clips: Path, ports: Sequence[int] = (0, 0, 0, 0), *, models: Sequence[CameraModel] = DEMO_CAMERAS
) -> AsyncIterator[tuple[RunningCamera, ...]]:
    """Runs each camera on its own loopback port (0 takes a free one) until the context is left.

    `clips` is the folder that keeps the encoded films; filling it the first time takes up to a minute of CPU, in a
    thread. Raises OSError when a port is taken or the folder cannot be written.
    """
    library = ClipLibrary(clips)
    async with AsyncExitStack() as stack:
        running: list[RunningCamera] = []
        for model, port in zip(models, ports, strict=True):
            loop = await asyncio.to_thread(_loop_of, library, model.recipe)
            running.append(await _run(stack, model, loop, port))
        yield tuple(running)


@asynccontextmanager
async def equal_cameras(
    clips: Path, count: int, *, port: int = 0, separate_ports: bool = False, recipe: ClipRecipe = BENCHMARK_RECIPE
) -> AsyncIterator[tuple[RunningCamera, ...]]:
    """Runs `count` cameras that play the same film, on one port or each on a port of its own."""
    loop = await asyncio.to_thread(_loop_of, ClipLibrary(clips), recipe)
    names = [f"cam{index}" for index in range(count)]
    async with AsyncExitStack() as stack:
        if separate_ports:
            ports = [port + index if port else 0 for index in range(count)]
            models = [CameraModel(name, recipe) for name in names]
            yield tuple([await _run(stack, m, loop, p, path=m.name) for m, p in zip(models, ports, strict=True)])
            return
        mounts = {name: await stack.enter_async_context(_mount(name, loop)) for name in names}
        server = await stack.enter_async_context(RtspServer(FixedMounts({**mounts}), port=port))
        yield tuple(RunningCamera(name, f"rtsp://{server.host}:{server.port}/{name}") for name in names)


def _loop_of(library: ClipLibrary, recipe: ClipRecipe) -> Loop:
    return Loop(library.get(recipe))


def _mount(name: str, loop: Loop) -> LoopedClip:
    return LoopedClip(name, loop, rng=random.Random(name))  # noqa: S311  numbers of packets, not secrets


async def _run(
    stack: AsyncExitStack, model: CameraModel, loop: Loop, port: int, *, path: str = "stream"
) -> RunningCamera:
    mount = await stack.enter_async_context(_mount(model.name, loop))
    authenticator, credentials = None, ""
    if model.user is not None and model.password is not None:
        authenticator = DigestAuthenticator({model.user: model.password})
        credentials = f"{quote(model.user, safe='')}:{quote(model.password, safe='')}@"
    server = await stack.enter_async_context(
        RtspServer(FixedMounts({path: mount}), port=port, authenticator=authenticator)
    )
    return RunningCamera(model.name, f"rtsp://{credentials}{server.host}:{server.port}/{path}")


if __name__ == "__main__":
    from lightnvr.demo.process import main

    main()
