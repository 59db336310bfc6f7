"""What every test may ask for."""

import pytest
from hypothesis import settings

# How long an example takes says something of the machine, not of the product.
settings.register_profile("lightnvr", deadline=None)
settings.load_profile("lightnvr")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Async tests run on the event loop that the product runs on."""
    return "asyncio", {"use_uvloop": True}
