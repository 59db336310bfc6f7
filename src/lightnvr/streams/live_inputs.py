"""What can be watched: the configured streams and their sub-streams."""

from dataclasses import dataclass, replace

from lightnvr.media.hub import Hub
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.fleet import Fleet
from lightnvr.streams.model import Stream, StreamNotFound
from lightnvr.streams.supervisor import StreamSupervisor

_SUB = "_sub"
_MOST_KEPT = 1024


@dataclass(frozen=True, slots=True)
class WatchableStream:
    """Implements `LiveInput`."""

    stream_id: int
    name: str
    is_sub: bool
    refusal: str
    tags: str
    supervisor: StreamSupervisor

    @property
    def hub(self) -> Hub:
        """See LiveInput."""
        return self.supervisor.sub_stream.hub if self.is_sub else self.supervisor.hub

    def acquire(self) -> None:
        """See LiveInput."""
        if self.is_sub:
            self.supervisor.sub_stream.acquire()

    def release(self) -> None:
        """See LiveInput."""
        if self.is_sub:
            self.supervisor.sub_stream.release()

    def last_error(self) -> str:
        """See LiveInput."""
        return self.supervisor.sub_stream.last_error if self.is_sub else self.supervisor.status().last_error


class CatalogLiveInputs:
    """Implements `LiveInputs` on the stored configuration and what runs of it."""

    def __init__(self, catalog: StreamCatalog, fleet: Fleet) -> None:
        self._catalog = catalog
        self._fleet = fleet
        self._found: dict[str, tuple[Stream, bool]] = {}
        self._found_at = 0

    async def find(self, reference: str) -> WatchableStream:
        """See LiveInputs. Raises StreamNotFound."""
        stream, is_sub = await self._find(reference)
        found = self._watchable(stream, is_sub=is_sub)
        if found is None:
            raise StreamNotFound(reference)
        return found

    async def _find(self, reference: str) -> tuple[Stream, bool]:
        """Return the stream, and whether its sub-stream is meant; looked up once as long as no stream is changed."""
        changes = self._catalog.changes
        if changes != self._found_at or len(self._found) > _MOST_KEPT:
            self._found.clear()
            self._found_at = changes
        known = self._found.get(reference)
        if known is None:
            known = await self._look_up(reference)
            if changes == self._found_at:
                self._found[reference] = known
        return known

    async def _look_up(self, reference: str) -> tuple[Stream, bool]:
        try:
            return await self._catalog.find(reference), False
        except StreamNotFound:
            if not reference.endswith(_SUB):
                raise
        return await self._catalog.find(reference.removesuffix(_SUB)), True

    async def by_id(self, stream_id: int, *, is_sub: bool) -> WatchableStream | None:
        """See LiveInputs."""
        stream = await self._catalog.by_id(stream_id)
        return None if stream is None else self._watchable(stream, is_sub=is_sub)

    def _watchable(self, stream: Stream, *, is_sub: bool) -> WatchableStream | None:
        supervisor = self._fleet.find(stream.id)
        if supervisor is None:
            return None
        found = WatchableStream(
            stream.id,
            stream.name,
            is_sub=False,
            refusal=_refusal(stream),
            tags=stream.settings.tags,
            supervisor=supervisor,
        )
        if not is_sub:
            return found
        if stream.sub_address is None:
            return None
        return replace(found, name=f"{stream.name}{_SUB}", is_sub=True)


def _refusal(stream: Stream) -> str:
    if stream.privacy_mode:
        return f"{stream.name} is private at the moment."
    if not stream.settings.enabled:
        return f"{stream.name} is switched off."
    if not stream.settings.streaming_enabled:
        return f"The live view of {stream.name} is switched off."
    return ""
