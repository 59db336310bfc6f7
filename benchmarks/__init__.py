"""Measurements behind docs/benchmarks.md. `python -m benchmarks` runs all, `python -m benchmarks.NAME` one of them."""
