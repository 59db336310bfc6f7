"""What the API works with of events."""

from dataclasses import dataclass

from lightnvr.events.log import EventLog
from lightnvr.events.pictures import EventPictures
from lightnvr.events.store import EventStore


@dataclass(frozen=True, slots=True)
class EventServices:
    """Events that were stored, those that go on, and their pictures."""

    store: EventStore
    log: EventLog
    pictures: EventPictures
