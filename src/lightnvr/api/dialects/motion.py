"""Triggers of motion as clients know them."""

from typing import Annotated

from fastapi import Depends

from lightnvr.api.dialects.choosing import Spoken


class MotionForms:
    """The form of the specification: what neither records nor stores anything is refused."""

    def refuses(self, *, records: bool, stores: bool) -> bool:
        """Whether a trigger is refused, for a stream that records events or not, when there is something to store."""
        return not records and not stores


class LightnvrMotion(MotionForms):
    """The form of the original: it is accepted with a warning."""

    def refuses(self, *, records: bool, stores: bool) -> bool:
        """Nothing is."""
        return False


InMotionDialect = Annotated[MotionForms, Depends(Spoken(MotionForms(), LightnvrMotion()))]
