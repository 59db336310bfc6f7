"""What a caller may see of streams and recordings. Handlers get both from here and from nowhere else."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from lightnvr.accounts.model import Right, User
from lightnvr.api.access import Forbidden
from lightnvr.api.services import ApiServices
from lightnvr.playback.silent import SilentRecordings
from lightnvr.playback.timeline import Timeline
from lightnvr.recording.limited import (
    LimitedCare,
    LimitedDeletions,
    LimitedMarks,
    LimitedRecordings,
    LimitedTime,
)
from lightnvr.recording.model import RecordingFilter
from lightnvr.recording.service import BatchDeletions, RecordingCare, RecordingMarks, Recordings
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.model import NewStream, Stream, StreamChange, StreamNotFound


class SeenStreams:
    """The streams that a caller may see. Another one is answered exactly like one that does not exist."""

    def __init__(self, catalog: StreamCatalog, recordings: Recordings, caller: User | None) -> None:
        """`recordings` are all there are."""
        self._catalog = catalog
        self._recordings = recordings
        self._caller = caller

    async def every(self) -> tuple[Stream, ...]:
        """Return all of them, by name."""
        return tuple(stream for stream in await self._catalog.every() if self._sees(stream.settings.tags))

    async def find(self, reference: str) -> Stream:
        """See StreamCatalog."""
        stream = await self._catalog.find(reference)
        if not self._sees(stream.settings.tags):
            raise StreamNotFound(reference)
        return stream

    async def add(self, new: NewStream) -> Stream:
        """See StreamCatalog. Raises Forbidden when the caller would not see it, or would see what is not theirs."""
        self._require(new.settings.tags)
        await self._require_nothing_recorded(new.name)
        return await self._catalog.add(new)

    async def change(self, reference: str, change: StreamChange) -> Stream:
        """See StreamCatalog. Raises Forbidden when the caller would not see it any more."""
        stream = await self.find(reference)
        if "tags" in change.settings.model_fields_set:
            self._require(change.settings.tags)
        return await self._catalog.change(str(stream.id), change)

    async def remove(self, reference: str) -> Stream:
        """See StreamCatalog."""
        stream = await self.find(reference)
        return await self._catalog.remove(str(stream.id))

    def _sees(self, tags: str) -> bool:
        return self._caller is None or self._caller.may_see(tags)

    def _require(self, tags: str) -> None:
        if self._caller is not None and not self._caller.may_see(tags):
            raise Forbidden(f"You see only streams with one of these tags: {self._caller.allowed_tags}. Give it one.")

    async def _require_nothing_recorded(self, name: str) -> None:
        # Recordings of a stream that was deleted keep its name: another stream of that name would open them.
        if self._caller is None or not self._caller.allowed_tags or name in await self._catalog.tags():
            return
        if (await self._recordings.page(RecordingFilter(streams=(name,)), offset=0, limit=1)).recordings:
            raise Forbidden("There are recordings of this name that you may not see. Choose another name.")


class Seen:
    """Streams and recordings as one caller may see and hear them.

    A caller without `allowed_tags` also sees recordings of streams that were deleted.
    """

    def __init__(
        self,
        streams: SeenStreams,
        recordings: Recordings,
        care: RecordingCare,
        marks: RecordingMarks,
        deletions: BatchDeletions,
        timeline: Timeline,
        *,
        names: frozenset[str] | None,
        hears: bool,
    ) -> None:
        """`names` are those of the streams; None is all there are and were. `hears` is whether there is sound."""
        self.streams = streams
        self.recordings = recordings
        self.care = care
        self.marks = marks
        self.deletions = deletions
        self.timeline = timeline
        self.names = names
        self.hears = hears

    @property
    def everything(self) -> bool:
        """Whether that is all there is."""
        return self.names is None

    def sees(self, stream_name: str) -> bool:
        """Whether recordings with this name of a stream are among them."""
        return self.names is None or stream_name in self.names

    async def recorded_name(self, reference: str) -> str:
        """Return the name that recordings of a stream have.

        Those of a stream that was deleted are found by the name it had. Raises StreamNotFound.
        """
        try:
            return (await self.streams.find(reference)).name
        except StreamNotFound:
            if not self.everything or "\x00" in reference:
                raise
            return reference

    async def require(self, recording_id: int) -> None:
        """Raise RecordingNotFound for a recording that the caller may not see. All others are not looked up."""
        if not self.everything:
            await self.recordings.get(recording_id)

    def require_everything(self) -> None:
        """Raise Forbidden for a caller who may not see every stream."""
        if not self.everything:
            raise Forbidden("Only who may see every stream may do this.")


async def seen_by(services: ApiServices, caller: User | None) -> Seen:
    """Return what a caller may see. None is the server itself, for answers that tell nobody of a stream."""
    streams = SeenStreams(services.streams, services.recordings, caller)
    hears = caller is None or caller.may(Right.LISTEN)
    if caller is None or not caller.allowed_tags:
        return Seen(
            streams,
            _heard(services.recordings, services, hears=hears),
            services.care,
            services.marks,
            services.deletions,
            services.timeline.of(services.timeline.recorded, silent=not hears),
            names=None,
            hears=hears,
        )
    tags = await services.streams.tags()
    names = frozenset(name for name, of_stream in tags.items() if caller.may_see(of_stream))
    time = LimitedTime(services.timeline.recorded, names)
    return Seen(
        streams,
        _heard(LimitedRecordings(services.recordings, names), services, hears=hears),
        LimitedCare(services.care, time, names),
        LimitedMarks(services.marks, time, names),
        LimitedDeletions(services.deletions, time, names),
        services.timeline.of(time, silent=not hears),
        names=names,
        hears=hears,
    )


def _heard(recordings: Recordings, services: ApiServices, *, hears: bool) -> Recordings:
    return recordings if hears else SilentRecordings(recordings, services.timeline.recorded)


async def _seen(request: HTTPConnection) -> Seen:
    return await seen_by(request.app.state.services, request.state.caller)


Sight = Annotated[Seen, Depends(_seen)]
"""What the caller of a route may see."""


async def _everything(seen: Sight) -> None:
    seen.require_everything()


EVERYTHING = Depends(_everything)
"""The dependency of routes that are about all streams at once. Raises Forbidden for who may not see them all."""
