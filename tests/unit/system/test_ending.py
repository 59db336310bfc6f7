"""How a run of the server is ended."""

import os
import signal

import anyio
import anyio.lowlevel
import pytest

from lightnvr.system.ending import Ending

pytestmark = pytest.mark.anyio


async def test_the_first_wish_counts_but_the_end_is_the_last_word() -> None:
    ending = Ending()
    restarts: list[bool] = []
    for wish in (ending.begin_again, ending.shut_down, ending.begin_again):
        wish()
        restarts.append(ending.restart)
    assert restarts == [True, False, False]
    await ending.wait()


async def test_a_signal_during_a_restart_ends_the_program() -> None:
    ending = Ending()
    ending.follow_signals()
    ending.begin_again()
    os.kill(os.getpid(), signal.SIGTERM)
    await ending.wait()
    with anyio.fail_after(30):
        while ending.restart:
            await anyio.lowlevel.checkpoint()
