"""Recipes: pipelines with a name."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from processors.plan import Fidelity, OnInvalid


class RecipeBody(BaseModel):
    """What a recipe stands for, as in a batch; checked as a batch is when it is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operations: list[Any] = Field(default_factory=list)
    encode: dict[str, Any] = Field(default_factory=dict)
    fidelity: Fidelity = "fast"
    on_invalid: OnInvalid = "fail"


class Recipe(RecipeBody):
    """A version of a recipe. Each change makes the next version; the earlier ones are kept."""

    name: str
    version: int
    created_at: datetime
