"""What users look like on the wire. `null` in the two restrictions is none."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lightnvr.accounts.administration import UserChange
from lightnvr.accounts.model import Role, User
from lightnvr.streams.settings import YesNo

_TAGS = "Only streams with one of these tags, separated by commas, can be seen. Empty or null: every stream."
_NETWORKS = "Networks or addresses that this account can be used from, separated by commas. Empty or null: everywhere."
_ACTIONS = (
    "Of live, listen, playback, export, change, delete, separated by commas. Empty or null: all that the role may."
)
_LONGEST = 4096
_ROLE = "0 ADMIN, 1 USER, 2 VIEWER, 3 API."


class NewUserBody(BaseModel):
    """A user to be added."""

    model_config = ConfigDict(
        title="NewUser",
        json_schema_extra={
            "example": {
                "username": "home-assistant",
                "password": "a long secret",
                "role": 3,
                "allowed_tags": "outdoor",
                "allowed_login_cidrs": "192.168.1.0/24",
            }
        },
    )

    username: str = Field(max_length=_LONGEST, description="3 to 32 bytes, unlike that of any other user.")
    password: str = Field(max_length=_LONGEST, description="8 to 1024 bytes.")
    role: int = Field(1, ge=0, le=3, strict=True, description=_ROLE)
    email: str = Field("", max_length=255, description="Kept as a note.")
    is_active: YesNo = Field(True, description="Whether the account can be used.")
    allowed_tags: str | None = Field(None, max_length=_LONGEST, description=_TAGS)
    allowed_login_cidrs: str | None = Field(None, max_length=_LONGEST, description=_NETWORKS)
    allowed_actions: str | None = Field(None, max_length=_LONGEST, description=_ACTIONS)


class UserChangeBody(BaseModel):
    """A change: members that are not sent stay as they are."""

    model_config = ConfigDict(
        title="UserChange",
        json_schema_extra={"example": {"email": "ops@example.org", "allowed_tags": "outdoor,garage"}},
    )

    username: str = Field("", max_length=_LONGEST, description="3 to 32 bytes.")
    email: str = Field("", max_length=255, description="Kept as a note.")
    password: str = Field("", max_length=_LONGEST, description="8 to 1024 bytes; empty stays. ADMIN only.")
    old_password: str = Field(
        "", max_length=_LONGEST, description="The password until now, to change the own one. Not stored."
    )
    role: int = Field(1, ge=0, le=3, strict=True, description=f"{_ROLE} ADMIN only.")
    is_active: YesNo = Field(True, description="False ends all sessions of the user. ADMIN only.")
    allowed_tags: str | None = Field(None, max_length=_LONGEST, description=f"{_TAGS} ADMIN only.")
    allowed_login_cidrs: str | None = Field(None, max_length=_LONGEST, description=f"{_NETWORKS} ADMIN only.")
    allowed_actions: str | None = Field(None, max_length=_LONGEST, description=f"{_ACTIONS} ADMIN only.")

    @property
    def for_administrators(self) -> bool:
        """Whether any member was sent that only an administrator may change."""
        return bool(self.model_fields_set - {"username", "email"})

    def change(self) -> UserChange:
        """Return what was sent."""
        sent = self.model_fields_set
        return UserChange(
            username=self.username if "username" in sent else None,
            email=self.email if "email" in sent else None,
            password=self.password or None,
            role=Role(self.role) if "role" in sent else None,
            is_active=self.is_active if "is_active" in sent else None,
            allowed_tags=(self.allowed_tags or "") if "allowed_tags" in sent else None,
            allowed_login_cidrs=(self.allowed_login_cidrs or "") if "allowed_login_cidrs" in sent else None,
            allowed_actions=(self.allowed_actions or "") if "allowed_actions" in sent else None,
        )


_EXAMPLE: dict[str, Any] = {
    "id": 2,
    "username": "home-assistant",
    "email": "",
    "role": 3,
    "role_name": "api",
    "api_key": "aB3dE5**************************",
    "created_at": 1785578400,
    "updated_at": 1785578400,
    "last_login": 0,
    "is_active": True,
    "password_change_locked": False,
    "totp_enabled": False,
    "allowed_tags": "outdoor",
    "allowed_login_cidrs": "192.168.1.0/24",
    "allowed_actions": "live,playback",
}


class UserView(BaseModel):
    """A user. Times are seconds since 1970 UTC."""

    model_config = ConfigDict(title="User", json_schema_extra={"example": _EXAMPLE})

    id: int
    username: str
    email: str
    role: int = Field(description=_ROLE)
    role_name: str
    api_key: str = Field(
        "",
        description="The beginning of the API key, to tell it by; only in lists and when asked for, if there is one.",
    )
    created_at: int
    updated_at: int
    last_login: int = Field(description="0: never.")
    is_active: bool
    password_change_locked: bool
    totp_enabled: bool
    allowed_tags: str | None = Field(description=_TAGS)
    allowed_login_cidrs: str | None = Field(
        description="Networks that this account can be used from, one a line; null: everywhere."
    )
    allowed_actions: str | None = Field(description=_ACTIONS)

    @classmethod
    def of(cls, user: User) -> "UserView":
        """Return what is shown of a user."""
        return cls(
            id=user.id,
            username=user.username,
            email=user.email,
            role=int(user.role),
            role_name=user.role.name.lower(),
            api_key=user.api_key_prefix,
            created_at=user.created_at,
            updated_at=user.updated_at,
            last_login=user.last_login,
            is_active=user.is_active,
            password_change_locked=user.password_change_locked,
            totp_enabled=user.totp_enabled,
            allowed_tags=user.allowed_tags or None,
            allowed_login_cidrs=user.allowed_login_cidrs or None,
            allowed_actions=user.allowed_actions or None,
        )


class UserList(BaseModel):
    """All users, by id."""

    users: list[UserView]

    @classmethod
    def of(cls, users: Sequence[User]) -> "UserList":
        """Return what is shown of these users."""
        return cls(users=[UserView.of(user) for user in sorted(users, key=lambda user: user.id)])
