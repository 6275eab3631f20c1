"""All settings, and how they are read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from service.environment import PREFIX, SettingsError, given_variables, unknown_variables
from service.settings.camera import CameraSettings
from service.settings.engine import ClusterSettings
from service.settings.ingest import IngestSettings
from service.settings.objects import ObjectSettings
from service.settings.parts import (
    EngineSettings,
    LimitSettings,
    LogSettings,
    ServerSettings,
    StoreSettings,
    WebhookSettings,
)
from service.settings.storage import StorageSettings
from service.settings.stream import StreamSettings
from service.settings.web_source import WebSourceSettings
from service.units import Allowed

_PASSWORD = re.compile(r"//[^/,]*@")


class Settings(BaseModel):
    """All settings. `Settings()` reads the environment too, but only `load_settings` explains."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    server: ServerSettings = Field(default_factory=ServerSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    objects: ObjectSettings = Field(default_factory=ObjectSettings)
    web_source: WebSourceSettings = Field(default_factory=WebSourceSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    webhook: WebhookSettings = Field(default_factory=WebhookSettings)
    engine: EngineSettings = Field(default_factory=EngineSettings)
    cluster: ClusterSettings = Field(default_factory=ClusterSettings)
    stream: StreamSettings = Field(default_factory=StreamSettings)
    camera: CameraSettings = Field(default_factory=CameraSettings)
    ingest: IngestSettings = Field(default_factory=IngestSettings)
    log: LogSettings = Field(default_factory=LogSettings)


@dataclass(frozen=True)
class Variable:
    """One variable: `name` in the environment, `field` of the part's model, `info` about it."""

    name: str
    field: str
    info: FieldInfo

    @property
    def allowed(self) -> str:
        """What it takes, in words."""
        return [item.text for item in self.info.metadata if isinstance(item, Allowed)][-1]

    @property
    def secret(self) -> bool:
        """Whether its value must not be shown."""
        return _holds_secret(self.info.annotation)


def parts() -> dict[str, type[BaseSettings]]:
    """The models of Settings by attribute, in order."""
    found = {name: info.annotation for name, info in Settings.model_fields.items()}
    return {
        name: model
        for name, model in found.items()
        if isinstance(model, type) and issubclass(model, BaseSettings)
    }


def variables(part: type[BaseSettings]) -> list[Variable]:
    """The variables of one part, in order."""
    prefix = part.model_config["env_prefix"]
    return [
        Variable((prefix + field).upper(), field, info) for field, info in part.model_fields.items()
    ]


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; overrides win over the environment, and the environment over `.env`.

    An override is named as its variable: `load_settings(port=0, log_level="debug")`; None means
    not given. Raises SettingsError with every wrong or unknown variable, and TypeError for an
    override that no variable has the name of.
    """
    chosen = _by_variable(overrides)
    given = given_variables() | chosen
    known = [item.name for part in parts().values() for item in variables(part)]
    problems = list(unknown_variables(given, known))
    built: dict[str, BaseSettings] = {}
    for name, part in parts().items():
        mine = {item.field: chosen[item.name] for item in variables(part) if item.name in chosen}
        try:
            built[name] = part(**mine)
        except ValidationError as error:
            problems += _wrong(part, error, given)
    if problems:
        raise SettingsError(*problems)
    return Settings.model_validate(built)


def _by_variable(overrides: Mapping[str, Any]) -> dict[str, Any]:
    known = {item.name for part in parts().values() for item in variables(part)}
    chosen = {PREFIX + key.upper(): value for key, value in overrides.items()}
    if unknown := chosen.keys() - known:
        raise TypeError(f"no setting has the name {', '.join(sorted(unknown))}")
    return {name: value for name, value in chosen.items() if value is not None}


def _wrong(
    part: type[BaseSettings], error: ValidationError, given: Mapping[str, Any]
) -> Iterator[str]:
    """One line for each wrong variable, however many of a list's items are wrong."""
    wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
    for item in variables(part):
        if item.field in wrong:
            value = " (value not shown)" if item.secret else f"={_shown(given.get(item.name))}"
            yield f"{item.name}{value}: expected {item.allowed}"
    # A validator of the whole part has no field: its own words name the variables.
    whole = (item["msg"] for item in error.errors() if not item["loc"])
    yield from (message.removeprefix("Value error, ") for message in whole)


def _shown(value: object) -> str:
    """A wrong value, without the passwords of URLs."""
    return f"{_PASSWORD.sub('//', str(value))!r:.100}"


def _holds_secret(annotation: Any) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(map(_holds_secret, get_args(annotation)))
