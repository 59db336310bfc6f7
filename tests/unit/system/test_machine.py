"""What is told of the machine, beside a /proc that the test writes."""

from pathlib import Path

import pytest

from lightnvr.system import machine

_BOOT = "cpu  900000 0 90000 10000 0 0 0 0 0 0\ncpu0 1 2 3\n"


@pytest.mark.parametrize(
    ("later", "per_cent"),
    [
        # Busy since the start of the machine, and idle now; the other way round; both; and a clock that stood still.
        ("cpu  900000 0 90000 10100 0 0 0 0 0 0\n", 0.0),
        ("cpu  900060 0 90040 10000 0 0 0 0 0 0\n", 100.0),
        ("cpu  900020 0 90005 10050 25 0 0 0 0 0\n", 25.0),
        (_BOOT, 0.0),
    ],
)
def test_the_use_of_processors_is_that_of_now(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, later: str, per_cent: float
) -> None:
    for name in ("cpuinfo", "meminfo", "self"):
        (tmp_path / name).symlink_to(f"/proc/{name}")
    (tmp_path / "stat").write_text(_BOOT)
    monkeypatch.setattr(machine, "_PROC", tmp_path)
    monkeypatch.setattr("time.sleep", lambda _: (tmp_path / "stat").write_text(later))

    assert machine.machine_state().cpu_pct == per_cent
