"""The rules of deletion: never what is protected or open, in the documented order, and no more than needed."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lightnvr.recording.model import DAY_US, Tier
from lightnvr.storage.retention import Deletion, Kept, Reason, Rules, StreamRules, deletions, expires_us

NOW_US = 1_800_000_000_000_000
STREAMS = ("door", "garden", "gone")

recordings = st.lists(
    st.builds(
        Kept,
        id=st.integers(1, 10**6),
        stream_name=st.sampled_from(STREAMS),
        start_us=st.integers(NOW_US - 90 * DAY_US, NOW_US),
        size_bytes=st.integers(0, 1000),
        tier=st.sampled_from(Tier),
        by_detection=st.booleans(),
        override_days=st.none() | st.integers(0, 60),
        is_protected=st.booleans(),
        is_open=st.booleans(),
    ),
    unique_by=lambda each: each.id,
    max_size=40,
)
stream_rules = st.builds(
    StreamRules,
    retention_days=st.integers(0, 40),
    detection_retention_days=st.integers(0, 40),
    multipliers=st.dictionaries(st.sampled_from(Tier), st.floats(0, 4)),
    quota_bytes=st.just(0) | st.integers(1, 5000),
    storage_priority=st.integers(1, 10),
)
all_rules = st.builds(
    Rules, streams=st.fixed_dictionaries({"door": stream_rules, "garden": stream_rules}), others=stream_rules
)


@given(recordings, all_rules, st.integers(1, 20_000))
def test_all_together_are_within_the_total_or_there_is_nothing_left_to_go(
    kept: list[Kept], rules: Rules, total_bytes: int
) -> None:
    gone = {deletion.recording.id for deletion in _run(kept, replace(rules, total_bytes=total_bytes))}
    left = [each for each in kept if each.id not in gone]
    mortal = [each for each in left if not each.is_protected and not each.is_open]
    assert sum(each.size_bytes for each in left) <= total_bytes or not mortal
    # No more than needed: without the last one that went for it, it would not have been enough.
    last = next((each for each in reversed(_run(kept, replace(rules, total_bytes=total_bytes)))), None)
    if last is not None and last.reason is Reason.TOTAL:
        assert sum(each.size_bytes for each in left) + last.recording.size_bytes > total_bytes


def _used(kept: list[Kept]) -> dict[str, int]:
    return {name: sum(each.size_bytes for each in kept if each.stream_name == name) for name in STREAMS}


def _run(kept: list[Kept], rules: Rules, to_free: int = 0) -> list[Deletion]:
    return deletions(kept, rules, now_us=NOW_US, used_bytes=_used(kept), bytes_to_free=to_free)


@given(recordings, all_rules, st.integers(0, 20_000))
def test_what_is_protected_or_open_never_goes(kept: list[Kept], rules: Rules, to_free: int) -> None:
    gone = [deletion.recording for deletion in _run(kept, rules, to_free)]
    assert not any(each.is_protected or each.is_open for each in gone)
    assert len({each.id for each in gone}) == len(gone)


@given(recordings, all_rules, st.integers(0, 20_000))
def test_everything_that_is_too_old_goes_first_and_nothing_else_for_its_age(
    kept: list[Kept], rules: Rules, to_free: int
) -> None:
    made = _run(kept, rules, to_free)
    aged = [deletion.recording for deletion in made if deletion.reason is Reason.AGE]
    assert [deletion.reason for deletion in made[: len(aged)]] == [Reason.AGE] * len(aged)
    assert [each.start_us for each in aged] == sorted(each.start_us for each in aged)
    too_old = {
        each.id
        for each in kept
        if not (each.is_protected or each.is_open) and expires_us(each, rules.of(each.stream_name)) <= NOW_US
    }
    assert {each.id for each in aged} == too_old


@given(recordings, all_rules)
def test_a_quota_is_met_with_as_few_deletions_as_the_order_allows(kept: list[Kept], rules: Rules) -> None:
    made = _run(kept, rules)
    used = _used(kept)
    for name in STREAMS:
        quota = rules.of(name).quota_bytes
        of_stream = [each for each in made if each.recording.stream_name == name]
        left = used[name] - sum(each.recording.size_bytes for each in of_stream)
        for_quota = [each for each in of_stream if each.reason is Reason.QUOTA]
        if for_quota:
            assert left + for_quota[-1].recording.size_bytes > quota
        mortal_left = [
            each
            for each in kept
            if each.stream_name == name
            and not (each.is_protected or each.is_open)
            and each.id not in {deletion.recording.id for deletion in made}
        ]
        assert not quota or left <= quota or not mortal_left


@given(recordings, all_rules, st.integers(1, 20_000))
def test_it_stops_as_soon_as_enough_is_freed(kept: list[Kept], rules: Rules, to_free: int) -> None:
    made = _run(kept, rules, to_free)
    for_space = [each for each in made if each.reason is Reason.SPACE]
    freed = sum(each.recording.size_bytes for each in made)
    if for_space:
        assert freed - for_space[-1].recording.size_bytes < to_free
    if freed < to_free:
        assert {each.recording.id for each in made} == {
            each.id for each in kept if not (each.is_protected or each.is_open)
        }


@given(recordings, all_rules)
def test_without_need_nothing_goes_for_space(kept: list[Kept], rules: Rules) -> None:
    assert not any(deletion.reason is Reason.SPACE for deletion in _run(kept, rules))


def test_what_matters_least_goes_first() -> None:
    def one(number: int, stream: str = "door", tier: Tier = Tier.STANDARD, days: int | None = None) -> Kept:
        return Kept(number, stream, NOW_US - number, 100, tier=tier, override_days=days)

    rules = Rules({"door": StreamRules(), "garden": StreamRules(storage_priority=9)})
    kept = [
        one(7, "garden", Tier.EPHEMERAL),
        one(1),
        one(2),
        one(3, tier=Tier.IMPORTANT),
        one(4, tier=Tier.EPHEMERAL),
        one(5, days=300),
        one(6, tier=Tier.CRITICAL),
    ]
    assert [deletion.recording.id for deletion in _run(kept, rules, 10**6)] == [4, 2, 1, 5, 3, 6, 7]


def test_an_age_of_its_own_makes_a_recording_stay_longer_or_go_earlier() -> None:
    rules = StreamRules(retention_days=10, detection_retention_days=30, multipliers={Tier.CRITICAL: 3.0})
    start_us = NOW_US - 20 * DAY_US

    def kept(**members: object) -> bool:
        values: dict[str, object] = {"tier": Tier.STANDARD, "by_detection": False, "override_days": None, **members}
        recording = Kept(
            1,
            "door",
            start_us,
            1,
            tier=Tier(str(values["tier"])),
            by_detection=bool(values["by_detection"]),
            override_days=values["override_days"] if isinstance(values["override_days"], int) else None,
        )
        return expires_us(recording, rules) > NOW_US

    assert not kept()
    assert kept(by_detection=True)
    assert kept(tier=Tier.CRITICAL)
    assert kept(override_days=21)
    assert not kept(override_days=19, by_detection=True)
    assert kept(override_days=0)
