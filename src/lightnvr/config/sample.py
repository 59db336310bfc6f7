"""Prints a lightnvr.ini with every setting, its sentence, its range and its default."""

import textwrap

from pydantic.fields import FieldInfo

from lightnvr.config.known import allowed, sections

_HEAD = """\
# lightnvr.ini - every setting of LightNVR, with its default.
#
# Remove the ; before a setting to change it. Looked for in ./lightnvr.ini, /etc/lightnvr/lightnvr.ini and
# ./config/lightnvr.ini, unless --config names another file. Environment variables named LIGHTNVR_<SECTION>_<KEY>, such
# as LIGHTNVR_WEB_PORT, win over this file, options of the command line over both.
"""
_DERIVED = frozenset({("general", "data_dir"), ("storage", "path"), ("database", "path"), ("models", "path")})


def sample_ini() -> str:
    """Return the text of the file. Read by LightNVR as it is, it changes nothing."""
    parts = [_HEAD]
    for name, section in sections().items():
        parts.append(f"\n[{name}]\n" + _comment(" ".join((section.__doc__ or "").split())))
        for key, field in section.model_fields.items():
            parts.append("\n" + _comment(f"{field.description} Allowed: {allowed(field)}."))
            parts.append(f";{key} = {_default(name, key, field)}".rstrip() + "\n")
    return "".join(parts)


def _comment(text: str) -> str:
    return textwrap.fill(text, 118, initial_indent="# ", subsequent_indent="# ") + "\n"


def _default(section: str, key: str, field: FieldInfo) -> str:
    if (section, key) in _DERIVED or field.default is None:
        return ""
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
