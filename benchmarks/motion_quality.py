"""How well built-in motion sees: precision and recall on scenes with known truth, coded as a camera sends them.

Each scene is drawn and coded anew for each seed, which decides the textures, where drops fall, and the noise.
"""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from benchmarks.options import parser, positive, report, say
from benchmarks.table import Table
from tests.rig.motion_films import Filming, Score, coded, scored
from tests.rig.motion_scenes import SCENES

_TARGET = 0.95
_FILMINGS = {
    "720p": Filming(),
    "720p, low rate": Filming(bit_rate=400_000),
    "1080p": Filming(1920, 1080, bit_rate=1_500_000),
    "sub-stream": Filming(640, 360, bit_rate=200_000),
}


def main() -> None:
    """Run and print."""
    options = parser("motion_quality", __doc__)
    options.add_argument("--films", nargs="+", choices=list(_FILMINGS), default=["720p"], help="how scenes are filmed")
    options.add_argument("--seeds", type=int, nargs="+", default=[101, 102], metavar="N")
    options.add_argument("--scenes", nargs="+", choices=[scene.name for scene in SCENES], default=None, metavar="NAME")
    options.add_argument("--processes", type=positive, default=os.cpu_count() or 1)
    arguments = options.parse_args()
    names = arguments.scenes or [scene.name for scene in SCENES]
    rows: list[tuple[str, ...]] = []
    with ProcessPoolExecutor(arguments.processes) as pool:
        works = [
            (film, name, [pool.submit(_scores, name, film, seed) for seed in arguments.seeds])
            for film in arguments.films
            for name in names
        ]
        for film, name, futures in works:
            both = [future.result() for future in futures]
            for mode, scores in zip(("keyframes", "every picture"), zip(*both, strict=True), strict=True):
                rows.append((name, film, mode, *_cells(scores)))
                say(" | ".join(rows[-1]))
    report(_table(arguments, rows), arguments)


def _scores(name: str, film: str, seed: int) -> tuple[Score, Score]:
    scene = next(scene for scene in SCENES if scene.name == name)
    filming = replace(_FILMINGS[film], seed=seed)
    packets = list(coded(scene, filming))
    return scored(scene, packets), scored(scene, packets, every_picture=True)


def _cells(scores: Sequence[Score]) -> tuple[str, ...]:
    together = sum(scores, Score())
    met = min(together.precision, together.recall) >= _TARGET
    return (
        str(together.pictures),
        str(together.hits),
        str(together.misses),
        str(together.false),
        f"{together.precision:.3f}",
        f"{together.recall:.3f}",
        "met" if met else "MISSED",
    )


def _table(arguments: argparse.Namespace, rows: Sequence[tuple[str, ...]]) -> Table:
    notes = (
        f"Target: {_TARGET} each. Scenes of 2 minutes, 5 pictures a second, a keyframe every 2 s, H.264; seeds: "
        f"{', '.join(map(str, arguments.seeds))}. A picture is hit when something found touches what is there, "
        "missed when nothing does although somebody is in it as a whole, false when something found touches nothing. "
        "Precision is hits to hits and false ones, recall hits to hits and misses. The first 10 s are not counted. "
        "With the usual threshold of 0.5."
    )
    columns = ("scene", "film", "looked at", "pictures", "hits", "missed", "false", "precision", "recall", "")
    return Table("Seeing motion", columns, tuple(rows), notes)


if __name__ == "__main__":
    main()
