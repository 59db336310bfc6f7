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
    ending.begin_again()
    assert ending.restart
    ending.shut_down()
    assert not ending.restart
    ending.begin_again()
    assert not ending.restart
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
