"""Fixtures for tests of the API."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.api.running import RunningApi, running_api


@pytest.fixture
def api(tmp_path: Path) -> Iterator[RunningApi]:
    """A server with four users and nothing else."""
    with running_api(tmp_path) as running:
        yield running
