"""One server for all tests of a module."""

from collections.abc import AsyncIterator

import pytest

from tests.rig.nvr import Nvr, running_nvr


@pytest.fixture(scope="module")
async def nvr(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nvr]:
    """A server with quick settings, on a storage of its own."""
    async with running_nvr(tmp_path_factory.mktemp("nvr")) as running:
        yield running
