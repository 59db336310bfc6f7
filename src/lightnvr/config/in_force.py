"""The settings that are in force, while some of them are changed through the API."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lightnvr.config.errors import InvalidSettings
from lightnvr.config.layers import Place, SettingsLayers
from lightnvr.config.member import Plain, at, from_settings, to_text
from lightnvr.config.members import MEMBERS, SECRETS
from lightnvr.config.settings import Settings

MASK = "********"
"""Stands for a secret in answers; sent back it means unchanged."""

_AT_LEAST_ONE = ("webrtc_disabled", "hls_disabled", "mse_disabled")

log = logging.getLogger(__name__)


class InvalidSetting(ValueError):
    """A setting cannot be changed like this; the text names it and says why. Nothing was changed."""


class SettingsStore(Protocol):
    """Keeps the values of members that were changed, by name."""

    async def load(self) -> Mapping[str, Plain]:
        """Return them all."""
        ...

    async def change(self, stored: Mapping[str, Plain], dropped: Iterable[str], secret: frozenset[str]) -> None:
        """Store some and forget others, all or none. `secret` names those to be encrypted."""
        ...


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """Which members have another value now, and which of them are in force after a restart only."""

    changed: tuple[str, ...]
    after_restart: tuple[str, ...]


class SettingsInForce:
    """Loads, tells and changes settings. Belongs to the event loop."""

    def __init__(
        self,
        layers: SettingsLayers,
        store: SettingsStore,
        settings: Settings,
        refusal: Callable[[Settings, Settings], str] = lambda _before, _after: "",
    ) -> None:
        """`settings` are those in force when nothing is stored.

        `refusal` says in a sentence why settings cannot be changed from one to the other, empty when they can.
        """
        self._refusal = refusal
        self._layers = layers
        self._base = settings
        self._store = store
        self._lock = asyncio.Lock()
        self._stored: dict[str, Plain] = {}
        self._told: list[Callable[[Settings], None]] = []
        self.current = settings
        """As they are now. What `after_restart` names is used as it was at the start."""

    async def load(self) -> Settings:
        """Read what was stored and return what is in force. A stored value that is not allowed any more is left out."""
        found = {name: value for name, value in (await self._store.load()).items() if name in MEMBERS}
        try:
            self.current = self._with(found)
        except InvalidSettings:
            for name, value in list(found.items()):
                # One at a time: the others must hold, for recordings could go that were to stay.
                try:
                    self.current = self._with(self._stored | {name: value})
                except InvalidSettings as error:
                    log.error("the stored setting %s is not used: %s", name, " ".join(error.problems))
                else:
                    self._stored[name] = value
        else:
            self._stored = found
        return self.current

    def on_change(self, told: Callable[[Settings], None]) -> None:
        """Call `told` with the new settings after each change."""
        self._told.append(told)

    def value(self, name: str) -> Plain:
        """Return the value of a member."""
        return from_settings(self.current, MEMBERS[name])

    def shown(self, names: Iterable[str]) -> dict[str, Plain]:
        """Return the values of members, secrets masked."""
        values = {name: self.value(name) for name in names}
        return {name: MASK if name in SECRETS and value else value for name, value in values.items()}

    async def change(self, sent: Mapping[str, Plain]) -> SettingsChange:
        """Change members, all or none, store them and tell of it.

        A value that is the one without anything stored is not stored: the file goes on deciding. Raises InvalidSetting.
        """
        async with self._lock:
            wanted = {name: value for name, value in sent.items() if self._is_new(name, value)}
            if not wanted:
                return SettingsChange((), ())
            for name in wanted:
                self._refuse_fixed(name)
            dropped = [name for name, value in wanted.items() if from_settings(self._base, MEMBERS[name]) == value]
            stored = {name: value for name, value in wanted.items() if name not in dropped}
            kept = {name: value for name, value in self._stored.items() if name not in dropped} | stored
            try:
                settings = self._with(kept)
            except InvalidSettings as error:
                raise InvalidSetting(_in_members(" ".join(error.problems), wanted)) from None
            _check_together(settings, wanted)
            if refusal := self._refusal(self.current, settings):
                raise InvalidSetting(refusal)
            await self._store.change(stored, dropped, SECRETS)
            self._stored, self.current = kept, settings
        for told in self._told:
            told(settings)
        return SettingsChange(tuple(wanted), tuple(name for name in wanted if at(MEMBERS[name]).restart))

    def _with(self, stored: Mapping[str, Plain]) -> Settings:
        if not stored:
            return self._base
        return self._layers.settings(
            {at(MEMBERS[name]).place: to_text(value, at(MEMBERS[name])) for name, value in stored.items()}
        )

    def _is_new(self, name: str, value: Plain) -> bool:
        if name in SECRETS and value == MASK:
            return False
        return value != self.value(name)

    def _refuse_fixed(self, name: str) -> None:
        where = at(MEMBERS[name])
        if where.fixed:
            raise InvalidSetting(f"{name} cannot be changed here, only in lightnvr.ini: [{where.section}] {where.key}")
        if by := self._layers.fixed_by(where.place):
            raise InvalidSetting(f"{name} cannot be changed here: {by[0].lower()}{by[1:]} sets it")


def _check_together(settings: Settings, wanted: Iterable[str]) -> None:
    values = {name: from_settings(settings, field) for name, field in MEMBERS.items()}
    if all(values[name] for name in _AT_LEAST_ONE):
        raise InvalidSetting("webrtc_disabled, hls_disabled and mse_disabled must not all be true: one way must remain")
    if set(wanted) & {"auth_timeout_hours", "auth_absolute_timeout_hours"}:
        idle, absolute = settings.web.auth_timeout_hours, settings.web.auth_absolute_timeout_hours
        if idle > absolute:
            raise InvalidSetting(f"auth_absolute_timeout_hours must not be less than auth_timeout_hours, {idle}")


def _in_members(problem: str, wanted: Iterable[str]) -> str:
    """Say it with the names that the caller knows: those of members, not of settings in the file."""
    for name in wanted:
        where: Place = at(MEMBERS[name]).place
        problem = problem.replace(f"The stored setting [{where[0]}] {where[1]}", name)
    return problem
