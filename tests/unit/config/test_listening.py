"""Where the server is to listen is tried before it is stored."""

import socket

import pytest

from lightnvr.config import Settings
from lightnvr.config.in_force import InvalidSetting, SettingsInForce
from lightnvr.config.layers import SettingsLayers
from lightnvr.steering import unable_to_listen
from tests.server_process import free_port
from tests.unit.config.test_in_force import Kept


def in_force(port: int) -> SettingsInForce:
    settings = Settings.model_validate({"web": {"bind_ip": "127.0.0.1", "port": port}})
    return SettingsInForce(SettingsLayers.of(settings), Kept(), settings, unable_to_listen)


async def test_a_port_that_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken: int = other.getsockname()[1]
        with pytest.raises(InvalidSetting, match=f"web_port {taken}"):
            await in_force(free_port()).change({"web_port": taken})


async def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(InvalidSetting, match=r"web_bind_ip 203\.0\.113\.9"):
        await in_force(free_port()).change({"web_bind_ip": "203.0.113.9"})


async def test_the_port_in_use_may_stay_while_the_address_changes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as own:
        settings = in_force(own.getsockname()[1])
        change = await settings.change({"web_bind_ip": "0.0.0.0"})
    assert change.after_restart == ("web_bind_ip",)
