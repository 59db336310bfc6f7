"""The state of the storage as clients get it."""

from typing import Annotated

from fastapi import Depends, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from lightnvr.api.answers import json_answer
from lightnvr.api.dialects.choosing import Spoken


class StorageForms:
    """The form of the specification."""

    def state(self, state: BaseModel, min_free_pct: float) -> Response:
        """How full the disk is; `min_free_pct` percent of it are kept free."""
        return json_answer(state)


class LightnvrStorage(StorageForms):
    """The form of the original: what is kept free is a whole number of percent."""

    def state(self, state: BaseModel, min_free_pct: float) -> Response:
        """How full the disk is."""
        shown = state.model_dump(mode="json") | {"capacity_target_free_pct": round(min_free_pct)}
        return JSONResponse(shown, headers={"Cache-Control": "no-store"})


InStorageDialect = Annotated[StorageForms, Depends(Spoken(StorageForms(), LightnvrStorage()))]
