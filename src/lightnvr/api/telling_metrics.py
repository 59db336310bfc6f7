"""Metrics of telling others of events."""

from collections.abc import Iterator

from lightnvr.api.exposition import Family
from lightnvr.api.services import ApiServices


def of_telling(services: ApiServices) -> Iterator[Family]:
    """Yield what is told, what waits and what was dropped; nothing without anybody to tell."""
    telling = services.telling
    if telling is None:
        return
    connected = Family("lightnvr_mqtt_connected", "gauge", "1 while the MQTT broker is connected.")
    connected.add(telling.mqtt.connected)
    connections = Family("lightnvr_mqtt_connections_total", "counter", "How often the broker was connected to.")
    connections.add(telling.mqtt.connections)
    waiting = Family("lightnvr_outbox_messages", "gauge", "Messages about events that wait for their destination.")
    dropped = Family("lightnvr_outbox_dropped_total", "counter", "Messages that were dropped: too many waited.")
    for destination, count in sorted(telling.outbox.waiting().items()):
        waiting.add(count, destination=destination)
    for destination, count in sorted(telling.outbox.dropped().items()):
        dropped.add(count, destination=destination)
    given_up = Family(
        "lightnvr_webhook_given_up_total", "counter", "Messages that a receiver refused or did not take within a day."
    )
    given_up.add(telling.webhooks.given_up)
    yield from (connected, connections, waiting, dropped, given_up)
