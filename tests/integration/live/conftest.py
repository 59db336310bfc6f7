"""One server with RTSP for all tests of a module."""

from collections.abc import AsyncIterator

import pytest

from tests.rig.nvr import Nvr, running_nvr

PASSWORD = "p@ss:w%rd of admin"


@pytest.fixture(scope="module")
async def nvr(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nvr]:
    """A server with quick settings, a login and an RTSP server."""
    async with running_nvr(tmp_path_factory.mktemp("nvr"), rtsp=True, password=PASSWORD) as running:
        yield running


@pytest.fixture(scope="module")
async def open_nvr(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nvr]:
    """A server with quick settings that asks for no login."""
    async with running_nvr(tmp_path_factory.mktemp("open-nvr")) as running:
        yield running
