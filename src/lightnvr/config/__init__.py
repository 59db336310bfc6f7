"""Start-up settings: one typed model, read from lightnvr.ini, the environment and the command line."""

from lightnvr.config.errors import InvalidSettings
from lightnvr.config.loading import CommandLine, LoadedSettings, load_settings
from lightnvr.config.sample import sample_ini
from lightnvr.config.settings import Settings

__all__ = ["CommandLine", "InvalidSettings", "LoadedSettings", "Settings", "load_settings", "sample_ini"]
