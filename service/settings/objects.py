"""Images in object stores."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from service.environment import PREFIX
from service.settings.part import Part
from service.units import Allowed, PositiveDuration

Retries = Annotated[int, Field(ge=0, le=10), Allowed("a whole number from 0 to 10")]


class ObjectSettings(Part):
    """Reading and writing objects, where a root is `s3://`, `gs://` or `az://`. Credentials and
    endpoints come from the variables of each store's own."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}OBJECT_")

    timeout: PositiveDuration = Field(
        5.0, description="Time to connect to a store, and to wait for the next part of an object."
    )
    total_timeout: PositiveDuration = Field(
        20.0,
        description="Time that an object, or a page of a listing, may take in all, retries "
        "included; keep it below `DARKROOM_TASK_TIMEOUT`.",
    )
    retries: Retries = Field(2, description="Further attempts when a store fails or cuts off.")
