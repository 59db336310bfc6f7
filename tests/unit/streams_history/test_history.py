"""Samples of streams for small charts."""

from lightnvr.streams.history import Sample, StreamHistory
from lightnvr.streams.status import StreamStatus


def test_the_latest_sixty_samples_of_each_stream_are_kept() -> None:
    statuses = {1: StreamStatus(fps=15.0, bitrate_bps=2_000_000)}
    history = StreamHistory(lambda: statuses)
    for number in range(100):
        statuses[2] = StreamStatus(fps=float(number))
        history.sample()
    assert history.of(1) == (Sample(15.0, 2_000_000),) * 60
    assert [sample.fps for sample in history.of(2)] == [float(number) for number in range(40, 100)]
    del statuses[1]
    history.sample()
    assert history.of(1) == ()
