"""Where the server is to listen is tried before it is stored."""

import socket

import pytest

from lightnvr.config import Settings
from lightnvr.config.in_force import InvalidSetting, SettingsInForce
from lightnvr.config.layers import SettingsLayers
from lightnvr.steering import unable_to_listen
from tests.server_process import free_port
from tests.unit.config.test_in_force import Kept


def in_force(port: int, rtsp_port: int = 0) -> SettingsInForce:
    settings = Settings.model_validate(
        {"web": {"bind_ip": "127.0.0.1", "port": port}, "live": {"rtsp_port": rtsp_port}}
    )
    return SettingsInForce(SettingsLayers.of(settings), Kept(), settings, unable_to_listen)


async def test_a_port_that_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken: int = other.getsockname()[1]
        with pytest.raises(InvalidSetting, match=f"web_port {taken}"):
            await in_force(free_port()).change({"web_port": taken})


@pytest.mark.parametrize("member", ["go2rtc_rtsp_port", "go2rtc_api_port"])
async def test_so_are_the_ports_beside_it(member: str) -> None:
    web, other = free_port(), free_port()
    settings = in_force(web)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken: int = stranger.getsockname()[1]
        with pytest.raises(InvalidSetting, match=f"{member} {taken} cannot be listened on"):
            await settings.change({member: taken})
    with pytest.raises(InvalidSetting, match=f"web_port and {member} must not both be {web}"):
        await settings.change({member: web})
    assert (await settings.change({member: other})).after_restart == (member,)
    assert (await settings.change({member: 0})).after_restart == (member,)


async def test_ports_in_use_may_be_exchanged() -> None:
    with socket.create_server(("127.0.0.1", 0)) as web, socket.create_server(("127.0.0.1", 0)) as rtsp:
        ports: list[int] = [each.getsockname()[1] for each in (web, rtsp)]
        settings = in_force(*ports)
        change = await settings.change({"web_port": ports[1], "go2rtc_rtsp_port": ports[0]})
    assert change.after_restart == ("web_port", "go2rtc_rtsp_port")


async def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(InvalidSetting, match=r"web_bind_ip 203\.0\.113\.9"):
        await in_force(free_port()).change({"web_bind_ip": "203.0.113.9"})


async def test_the_port_in_use_may_stay_while_the_address_changes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as own:
        settings = in_force(own.getsockname()[1])
        change = await settings.change({"web_bind_ip": "0.0.0.0"})
    assert change.after_restart == ("web_bind_ip",)
