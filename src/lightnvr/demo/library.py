"""The folder in which encoded clips are kept, so that each is made only once."""

import dataclasses
import hashlib
import json
from pathlib import Path

from lightnvr.demo.clip import Clip, DamagedClip, load_clip, save_clip
from lightnvr.demo.encoding import ClipRecipe, encode_clip

_REVISION = 3
"""Raised when scenes or encoders change, so that old files are not used."""


class ClipLibrary:
    """Clips by recipe. A file that is missing, old or damaged is made again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, recipe: ClipRecipe) -> Clip:
        """The clip for a recipe; encodes it, which takes seconds, if it is not there. Raises OSError."""
        path = self.path(recipe)
        try:
            return load_clip(path)
        except (FileNotFoundError, DamagedClip):
            clip = encode_clip(recipe)
            save_clip(clip, path)
            return clip

    def path(self, recipe: ClipRecipe) -> Path:
        """Where the clip is kept, whether or not it exists already."""
        text = json.dumps([_REVISION, dataclasses.asdict(recipe)], sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.clip"
