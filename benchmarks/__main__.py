"""Runs all benchmarks, one after the other, each in a process of its own."""

import argparse
import subprocess
import sys

from benchmarks.machine import describe_machine

_SHORT: dict[str, tuple[str, ...]] = {
    "record_cost": ("--cameras", "4", "--rounds", "1", "--seconds", "5", "--settle", "2"),
    "crash_loss": ("--cameras", "2", "--kills", "2"),
    "rotation": ("--cameras", "2", "--rotations", "1"),
    "reconnect": ("--cameras", "2", "--cuts", "2", "--longest", "5"),
    "start_stop": ("--cameras", "4", "--rounds", "1", "--seconds", "2"),
    "live_latency": ("--ways", "rtsp", "webrtc", "mse", "--seconds", "5", "--settle", "3"),
    "first_frame": ("--rounds", "2"),
    "idle_cost": ("--cameras", "2", "--rounds", "1", "--seconds", "5", "--use", "3"),
    "viewers": ("--cameras", "2", "--step", "4", "--most", "4", "--seconds", "5", "--reference", "2"),
    "retention_run": ("--rows", "20000", "--deletions", "500", "--live-deletions", "2000", "--cameras", "2"),
    "disk_full_soak": ("--cameras", "4", "--seconds", "60", "--size", "64"),
    "export": ("--minutes", "20", "--rounds", "1"),
    "list_recordings": ("--rows", "20000", "--repeat", "5"),
    "timeline_query": ("--rows", "20000", "--repeat", "5"),
    "seek": ("--days", "2", "--seeks", "20"),
    "detect_throughput": ("--side", "320", "--rounds", "2", "--pictures", "4"),
    "motion_cost": ("--cameras", "2", "--rounds", "1", "--seconds", "5", "--settle", "5"),
    "motion_quality": ("--scenes", "rain", "--seeds", "101"),
    "moving_in": ("--rows", "2000"),
    "prebuffer_memory": ("--cameras", "2", "--rounds", "1", "--settle", "1"),
    "event_latency": ("--cameras", "2", "--triggers", "10", "--appearances", "1"),
    "auth_cost": ("--requests", "200", "--seconds", "2"),
    "api_load": ("--cameras", "2", "--clients", "10", "--seconds", "5"),
    "brute_force": ("--cameras", "2", "--attempts", "300", "--addresses", "10"),
}


def main() -> int:
    """Run and print; returns how many could not be run."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--markdown", action="store_true", help="print what docs/benchmarks.md holds")
    options.add_argument("--short", action="store_true", help="a minute or two, to see that they run; not to be quoted")
    options.add_argument("--cache", help="folder kept between runs")
    options.add_argument("--work", help="folder on the disk to be measured")
    arguments = options.parse_args()
    if arguments.markdown:
        print(
            "# Benchmarks\n\nWritten by `python -m benchmarks --markdown`. Each table comes from one run.\n", flush=True
        )
    print(f"Machine: {describe_machine()}\n", flush=True)
    common = ["--no-machine", *(["--markdown"] if arguments.markdown else [])]
    for option in ("cache", "work"):
        if getattr(arguments, option):
            common += [f"--{option}", getattr(arguments, option)]
    failed = 0
    for name, short in _SHORT.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *common, *(short if arguments.short else ())]
        failed += subprocess.run(command, check=False).returncode != 0
        print(flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
