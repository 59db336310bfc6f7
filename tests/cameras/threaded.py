"""Test cameras in a thread with an event loop of its own, for tests and products that block."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Generic, TypeVar

C = TypeVar("C")
T = TypeVar("T")


class InThread(Generic[C]):
    """A camera that lives in another thread. Read its counters through `camera`, change it through `do`."""

    def __init__(self, camera: C, loop: asyncio.AbstractEventLoop) -> None:
        self.camera = camera
        self._loop = loop

    def do(self, action: Callable[[C], T], timeout: float = 10.0) -> T:
        """Runs a method of the camera in its own thread: `cam.do(lambda c: c.drop_connections())`."""

        async def run(camera: C) -> T:
            return action(camera)

        return self.wait_for(run, timeout)

    def wait_for(self, action: Callable[[C], Coroutine[Any, Any, T]], timeout: float = 10.0) -> T:
        """Runs a method that has to be awaited and waits for it: `cam.wait_for(lambda c: c.stop())`."""
        return asyncio.run_coroutine_threadsafe(action(self.camera), self._loop).result(timeout)

    def wait_until(self, condition: Callable[[C], bool], timeout: float = 10.0) -> None:
        """Waits until something is true of the camera. Raises TimeoutError."""
        end = time.monotonic() + timeout
        while not condition(self.camera):
            if time.monotonic() > end:
                raise TimeoutError("the camera did not get there")
            time.sleep(0.01)


@contextmanager
def in_thread(make: Callable[[], AbstractAsyncContextManager[C]]) -> Iterator[InThread[C]]:
    """Runs a camera in a thread: `with in_thread(lambda: camera(flood=True)) as cam: cam.camera.url`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="test-camera")
    thread.start()
    try:
        context = make()
        running = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(120)
        try:
            yield InThread(running, loop)
        finally:
            asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
