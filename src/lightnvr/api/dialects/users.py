"""Users as clients get them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends

from lightnvr.api.dialects.choosing import Spoken


class UserForms:
    """The form of the specification."""

    added = HTTPStatus.CREATED
    """The status when a user was made."""


class LightnvrUsers(UserForms):
    """The form of the original."""

    added = HTTPStatus.OK


InUserDialect = Annotated[UserForms, Depends(Spoken(UserForms(), LightnvrUsers()))]
