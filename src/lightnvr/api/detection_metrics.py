"""Numbers about what looks at pictures, for Prometheus."""

from collections.abc import Iterable, Iterator, Mapping

from lightnvr.api.exposition import Family
from lightnvr.detection.watch import WatchStatus
from lightnvr.streams.model import Stream


def of_detection(statuses: Mapping[int, WatchStatus], streams: Iterable[Stream]) -> Iterator[Family]:
    """Yield how detection of these streams is doing; `statuses` by id. Counted since each was set up as it is."""
    active = Family("lightnvr_detection_active", "gauge", "1 while pictures of the stream are looked at.")
    samples = Family("lightnvr_detection_samples_total", "counter", "Pictures that there were to look at.")
    dropped = Family("lightnvr_detection_dropped_total", "counter", "Those not looked at: newer ones came before.")
    looks = Family("lightnvr_detection_looks_total", "counter", "Pictures that were looked at.")
    found = Family("lightnvr_detection_found_total", "counter", "Those in which something counted.")
    failures = Family("lightnvr_detection_failures_total", "counter", "How often looking failed.")
    for stream in streams:
        status = statuses.get(stream.id)
        if status is not None:
            active.add(status.active, stream=stream.name)
            samples.add(status.samples, stream=stream.name)
            dropped.add(status.dropped, stream=stream.name)
            looks.add(status.looks, stream=stream.name)
            found.add(status.found, stream=stream.name)
            failures.add(status.failures, stream=stream.name)
    yield from (active, samples, dropped, looks, found, failures)
