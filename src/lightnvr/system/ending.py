"""How a run of the server comes to its end when somebody asks for that."""

import asyncio
import signal


class Ending:
    """Set once, by a signal or through the API. Belongs to the event loop."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.restart = False
        """Whether the program is to begin again afterwards."""

    def follow_signals(self) -> None:
        """Take SIGTERM and SIGINT for the wish to end, while the running loop runs."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.shut_down)

    def shut_down(self) -> None:
        """Ask for the end. It is the last word, also while the program ends only to begin again."""
        self.restart = False
        self._asked.set()

    def begin_again(self) -> None:
        """Ask for the end and a new beginning, unless the end alone was asked for."""
        if not self._asked.is_set():
            self.restart = True
            self._asked.set()

    async def wait(self) -> None:
        """Wait until somebody asks."""
        await self._asked.wait()
