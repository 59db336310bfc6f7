"""A running server, and its recordings."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.api.running import RunningApi, running_api
from tests.rig.care import Keeping, keeping


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Keeping]:
    """A server without a login, for one test."""
    async with keeping(tmp_path) as server:
        yield server


@pytest.fixture
def api(tmp_path: Path) -> Iterator[RunningApi]:
    """A server with four users and nothing else."""
    with running_api(tmp_path) as running:
        yield running
