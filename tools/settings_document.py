"""Prints docs/settings.md: every setting with its default, its range, its variable and what it does."""

from pydantic.fields import FieldInfo

from lightnvr.config.known import allowed, sections
from lightnvr.config.original import SHORT_VARIABLES

_HEAD = """\
# Settings

Each setting has a default. It can be set in `lightnvr.ini`, then by an environment variable, then by an option of the
command line; the later wins. An unknown key is reported in the log and otherwise ignored; a value that is not allowed
stops the start with a sentence that says where it was set and what is allowed. Settings are read when LightNVR starts;
some can be changed [while it runs](operations.md#settings-while-it-runs), which stands over the file and under the
environment.

```ini
[web]
port = 8443

[storage]
path = /mnt/footage
```

is the same as `LIGHTNVR_WEB_PORT=8443 LIGHTNVR_STORAGE_PATH=/mnt/footage`.

This page is written by `make docs`.
"""


def settings_document() -> str:
    """Return the text of the page, in Markdown."""
    parts = [_HEAD]
    for name, section in sections().items():
        parts.append(f"\n## [{name}]\n\n{' '.join((section.__doc__ or '').split())}\n")
        parts.append("\n| Key | Default | Allowed | What it does |\n|---|---|---|---|\n")
        parts += [_row(name, key, field) for key, field in section.model_fields.items()]
    return "".join(parts)


def _row(section: str, key: str, field: FieldInfo) -> str:
    short = [name for name, place in SHORT_VARIABLES.items() if place == (section, key)]
    also = f" Also set by {' or '.join(f'`{name}`' for name in sorted(short))}." if short else ""
    cells = (f"`{key}`", _default(field), allowed(field), f"{field.description}{also}")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _default(field: FieldInfo) -> str:
    if field.default is None or field.default == "":
        return ""
    value = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
    return f"`{value}`"


if __name__ == "__main__":
    print(settings_document(), end="")
