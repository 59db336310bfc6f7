"""A webhook: who is told, and of what."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from lightnvr.events.edges import Origin
from lightnvr.events.model import ChangeKind, EventChange


@dataclass(frozen=True, slots=True)
class Hours:
    """A time of day on some days of the week, in local time. When it ends before it begins it goes over midnight.

    `days` are 0 for Monday to 6; the day is that of the beginning.
    """

    start: time
    end: time
    days: frozenset[int] = frozenset(range(7))

    def hold(self, at: datetime) -> bool:
        """Whether a local time is within them."""
        moment = at.time()
        if self.start <= self.end:
            return at.weekday() in self.days and self.start <= moment < self.end
        if moment >= self.start:
            return at.weekday() in self.days
        return moment < self.end and (at.weekday() - 1) % 7 in self.days


@dataclass(frozen=True, slots=True)
class Filters:
    """Which changes a webhook is told of. Empty means all."""

    streams: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    origins: frozenset[Origin] = frozenset()
    kinds: frozenset[ChangeKind] = frozenset()
    hours: tuple[Hours, ...] = ()

    def let_through(self, change: EventChange, ahead_s: int) -> bool:
        """Whether a change is told. `ahead_s` is how many seconds local time is ahead of UTC then."""
        event = change.event
        labels = {label.label for label in event.labels} | {detection.label for detection in change.seen}
        local = datetime.fromtimestamp(change.at_us // 1_000_000, UTC) + timedelta(seconds=ahead_s)
        return (
            (not self.streams or event.stream_name in self.streams)
            and (not self.labels or not self.labels.isdisjoint(labels))
            and (not self.origins or not self.origins.isdisjoint(event.origins))
            and (not self.kinds or change.kind in self.kinds)
            and (not self.hours or any(hours.hold(local) for hours in self.hours))
        )


@dataclass(frozen=True, slots=True)
class Webhook:
    """Times are seconds since 1970 UTC. `id` is 0 before it is stored."""

    id: int
    name: str
    url: str
    secret: str = field(repr=False)
    enabled: bool = True
    filters: Filters = field(default_factory=Filters)
    created_at: int = 0
    updated_at: int = 0

    @property
    def destination(self) -> str:
        """Its name in the outbox."""
        return f"webhook:{self.id}"


class WebhookNotFound(LookupError):
    """There is no webhook with this id."""


class DuplicateWebhook(Exception):
    """There is a webhook with this name already."""
