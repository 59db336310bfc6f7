"""The printed sample holds every setting and changes nothing."""

import re
from pathlib import Path

from lightnvr.config import CommandLine, load_settings, sample_ini
from lightnvr.config.known import allowed, every_setting


def load(text: str, folder: Path) -> object:
    path = folder / "lightnvr.ini"
    path.write_text(text)
    loaded = load_settings(CommandLine(config=path, data_dir=folder), environment={}, working_dir=folder)
    assert loaded.warnings == ()
    return loaded.settings


def test_every_setting_has_a_sentence_a_range_and_a_place_in_the_sample() -> None:
    text = " ".join(re.sub(r"\n# ", " ", sample_ini()).split())
    for section, key, field in every_setting():
        assert field.description, (section, key)
        assert field.description.endswith("."), (section, key)
        assert f"{' '.join(field.description.split())} Allowed: {allowed(field)}. ;{key} =" in text, (section, key)


def test_the_sample_gives_the_defaults_commented_and_uncommented(tmp_path: Path) -> None:
    defaults = load("", tmp_path)
    assert load(sample_ini(), tmp_path) == defaults
    with_values = re.sub(r"(?m)^;(\w+ = .+)$", r"\1", sample_ini())
    assert "\nport = 8080\n" in with_values
    assert load(with_values, tmp_path) == defaults
