"""Metrics of the server's process and of the requests that it answers."""

import asyncio
from collections.abc import Iterator

from lightnvr.api.exposition import Family
from lightnvr.api.services import ApiServices
from lightnvr.system.machine import process_use


async def of_process(services: ApiServices) -> Iterator[Family]:
    """Processor time, memory and threads."""
    use = await asyncio.to_thread(process_use)
    percent = Family(
        "lightnvr_instance_cpu_percent", "gauge", "Per cent of one processor since these metrics were asked for last."
    )
    percent.add(round(services.system.cpu.percent(use.cpu_s), 1))
    seconds = Family("lightnvr_instance_cpu_seconds_total", "counter", "Processor time that was taken.")
    seconds.add(round(use.cpu_s, 2))
    memory = Family("lightnvr_instance_memory_rss_bytes", "gauge", "Memory of the process.")
    memory.add(use.rss_bytes)
    relay = Family("lightnvr_instance_go2rtc_memory_bytes", "gauge", "Always 0: there is no relay beside the process.")
    relay.add(0)
    threads = Family("lightnvr_instance_threads", "gauge", "Threads of the process.")
    threads.add(use.threads)
    return iter((percent, seconds, memory, relay, threads))


def of_requests(services: ApiServices) -> Iterator[Family]:
    """Requests by the class of their status, and how long they waited."""
    counts = services.system.requests
    requests = Family("lightnvr_http_requests_total", "counter", "Requests that were answered, by class of status.")
    for number, count in counts.by_class.items():
        requests.add(count, status=f"{number}xx")
    waits = Family("lightnvr_http_request_seconds", "summary", "Seconds from a request to the beginning of its answer.")
    waits.add(round(counts.seconds, 6), "_sum")
    waits.add(counts.total, "_count")
    yield from (requests, waits)
