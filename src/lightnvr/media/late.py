"""Modules that are loaded when something of them is first used."""

import importlib


class LateModule:
    """Stands for a module that takes much memory and that many installations seldom need.

    Using an attribute loads the module, which may take a while: not for the event loop. Thread-safe, as importing is.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> object:
        """Return what the module has under this name. Raises ImportError, AttributeError."""
        return getattr(importlib.import_module(self._name), attribute)
