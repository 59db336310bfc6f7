"""The text format of metrics."""

from hypothesis import given
from hypothesis import strategies as st

from lightnvr.api.exposition import Family, exposition
from tests.rig.metrics import Metrics


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x85\u2028\u2029\r\x0b\x0c\x1c\x1d\x1e")))
def test_any_name_of_a_stream_comes_back_as_it_was(name: str) -> None:
    family = Family("lightnvr_stream_up", "gauge", "What it is.")
    family.add(1, stream=name)

    assert Metrics(exposition([family])).value("lightnvr_stream_up", stream=name) == 1


def test_help_and_type_stand_before_the_samples() -> None:
    empty, start = Family("a_total", "counter", "Nothing yet."), Family("b_seconds", "summary", "Two numbers.")
    start.add(1.25, "_sum", way="mse")
    start.add(3, "_count", way="mse")

    assert exposition([empty, start]).splitlines() == [
        "# HELP a_total Nothing yet.",
        "# TYPE a_total counter",
        "# HELP b_seconds Two numbers.",
        "# TYPE b_seconds summary",
        'b_seconds_sum{way="mse"} 1.25',
        'b_seconds_count{way="mse"} 3',
    ]
