"""What makes something watchable out of the packets of a stream, once for all who watch it that way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from lightnvr.media.packets import MediaItem


class Output(Protocol):
    """A live muxer, packetiser or the like. Belongs to the event loop; nothing in it may block."""

    def take(self, items: Sequence[MediaItem]) -> None:
        """Take what came since the last call.

        The first items are the tracks and the latest GOP. `TracksChanged` with no tracks means that the camera is gone,
        with tracks that it is back or that its coding changed: then timestamps may begin anew as well. An exception
        ends the output; whoever watches then is told, and may begin again with a fresh one.
        """
        ...

    def close(self) -> None:
        """Nothing more will come: release everything and let all who wait know."""
        ...


O_co = TypeVar("O_co", bound=Output, covariant=True)


@dataclass(frozen=True, slots=True)
class OutputKind(Generic[O_co]):
    """A kind of output; of each kind a stream has one at most. `make` is called on the event loop.

    With `keyframes_only` an output is given nothing but tracks and video keyframes, which spares a camera that nobody
    watches otherwise the cost of live pictures.
    """

    name: str
    make: Callable[[], O_co]
    keyframes_only: bool = False
