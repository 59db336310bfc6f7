"""Which recordings go next: the rules of retention, applied to what may be deleted and to each storage."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lightnvr.recording.model import BY_DETECTION
from lightnvr.recording.service import Candidate
from lightnvr.storage.retention import Deletion, Kept, Rules, deletions

_NEVER = 0
"""A moment at which nothing is too old yet."""


def plan(
    candidates: Iterable[Candidate],
    rules: Rules,
    *,
    now_us: int | None,
    used_bytes: Mapping[str, int],
    to_free: Mapping[int, int],
    same_disk: Mapping[int, int] | None = None,
) -> list[Deletion]:
    """Return what has to go, in the order in which to delete it.

    `to_free` has for each storage that is there how many bytes to free; what is on others stays. `now_us` None means
    that the time is not known, so that nothing is too old. `same_disk` gives, for storages that share a disk, the one
    of them whose `to_free` counts for all.

    When no more than `n` of it are carried out and `candidates` has the `n` oldest of each stream, tier and capture
    method, they are the same as if it had all.
    """
    kept = {each.id: _kept(each) for each in candidates if each.storage_id in to_free}
    first = same_disk or {}
    places = {each.id: first.get(each.storage_id, each.storage_id) for each in candidates if each.id in kept}
    wanted = deletions(kept.values(), rules, now_us=_NEVER if now_us is None else now_us, used_bytes=used_bytes)
    chosen = {deletion.recording.id for deletion in wanted}
    for storage_id, bytes_to_free in to_free.items():
        freed = sum(deletion.recording.size_bytes for deletion in wanted if places[deletion.recording.id] == storage_id)
        if bytes_to_free <= freed:
            continue
        rest = [each for each in kept.values() if places[each.id] == storage_id and each.id not in chosen]
        wanted += deletions(
            rest, _without_quotas(rules), now_us=_NEVER, used_bytes={}, bytes_to_free=bytes_to_free - freed
        )
    return wanted


def _kept(candidate: Candidate) -> Kept:
    return Kept(
        candidate.id,
        candidate.stream_name,
        candidate.start_us,
        candidate.size_bytes,
        tier=candidate.tier,
        by_detection=candidate.capture_method in BY_DETECTION,
        override_days=candidate.override_days,
    )


def _without_quotas(rules: Rules) -> Rules:
    return Rules(
        {name: replace(of_stream, quota_bytes=0) for name, of_stream in rules.streams.items()},
        replace(rules.others, quota_bytes=0),
    )
