"""The settings of the service, from DARKROOM_* variables and the `.env` of the working directory.

A part is one small model whose fields are its variables: the name is the model's prefix and the
field's name. Settings composes the parts; the checks, the messages and the reference page are
derived from them, so a new variable is one new field.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.environment import (
    ENV_ENCODING,
    ENV_FILE,
    PREFIX,
    SettingsError,
    given_variables,
    unknown_variables,
)
from service.units import (
    MIB,
    Allowed,
    ApiKeys,
    ByteSize,
    Count,
    Duration,
    Flag,
    Folder,
    Folders,
    Host,
    LogFile,
    LogFormat,
    LogLevel,
    Pixels,
    Port,
    PositiveDuration,
    Secret,
    StoreUrl,
    WorkerMemory,
    Workers,
    usable_cores,
)


class Part(BaseSettings):
    """What the parts have in common."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding=ENV_ENCODING,
        env_ignore_empty=True,
        # Each part sees the whole .env: the other parts' variables are not its own mistakes.
        dotenv_filtering="only_existing",
        extra="forbid",
        frozen=True,
        # An input may be a secret, and messages end in logs.
        hide_input_in_errors=True,
    )


class ServerSettings(Part):
    """Where the service listens, and to whom."""

    host: Host = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(8888, description="Port to listen on; 0 takes any free port.")
    api_keys: ApiKeys = Field((), description="Secrets of which a client has to present one.")
    allow_anonymous: Flag = Field(
        False, description="Listen on addresses other than loopback without API keys."
    )
    max_body: ByteSize = Field(64 * MIB, description="Largest request body.")
    body_timeout: PositiveDuration = Field(
        30.0,
        description="Time that a request body may stand still, or come in at less than 1 KiB/s.",
    )
    shutdown_timeout: Duration = Field(
        10.0, description="Time that running requests get to finish after SIGTERM."
    )

    def check_listening(self) -> None:
        """Raise SettingsError when other machines could reach the service without a key.

        To be called before listening, and only then: a batch run does not listen.
        """
        if self.api_keys or self.allow_anonymous or _is_loopback(self.host):
            return
        raise SettingsError(
            f"DARKROOM_HOST={self.host!r} lets other machines in without a key: set "
            "DARKROOM_API_KEYS, or DARKROOM_ALLOW_ANONYMOUS=true to let anyone in, or listen on "
            "this machine only with DARKROOM_HOST=127.0.0.1"
        )


class StorageSettings(Part):
    """The folders that requests can name. Relative ones start at the working directory."""

    read_roots: Folders = Field((Path(),), description="Folders that images are read from.")
    write_roots: Folders = Field(
        (Path("testoutput"), Path("output")), description="Folders that images are written to."
    )


class LimitSettings(Part):
    """What one request may ask for."""

    max_pixels: Pixels = Field(
        50_000_000,
        description="Largest image, checked before decoding and for the result of each operation.",
    )
    max_image_bytes: ByteSize = Field(32 * MIB, description="Largest encoded image.")
    max_images: Count = Field(10_000, description="Images in a request.")
    max_job_images: Count = Field(100_000, description="Images in a request that runs as a job.")
    max_files: Count = Field(1000, description="Files in a request that adds to a collection.")
    max_operations: Count = Field(100, description="Operations in a request.")
    max_outputs: Count = Field(
        1024, description="Images that one input image may become by splitting."
    )
    max_frames: Count = Field(
        200, description="Frames of an animation, all of which count as pixels."
    )


class StoreSettings(Part):
    """What is kept between requests: the index of the library, collections, recipes."""

    store: StoreUrl = Field(
        SecretStr("sqlite:///data/darkroom.db"),
        description="Database: the path of a file of SQLite, made when it is missing (three "
        "slashes for a relative path, four for an absolute one), or a server of MongoDB.",
    )
    job_retention: PositiveDuration = Field(
        7 * 24 * 3600.0, description="How long jobs that have ended are kept."
    )
    max_queued_jobs: Count = Field(
        1000, description="Jobs that wait or run; more are refused until some have ended."
    )
    library: Folder = Field(
        Path("testimages"),
        description="Folder whose images are indexed, and shown by `/v1/images`.",
    )


class WebhookSettings(Part):
    """Calls to clients when their jobs have ended."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}WEBHOOK_")

    secret: Secret = Field(None, description="Key of the signature that each call carries.")
    allow_private: Flag = Field(
        False, description="Call addresses that are not of the public Internet, too."
    )


class EngineSettings(Part):
    """The processes that do the image work."""

    workers: Workers = Field(default_factory=usable_cores, description="Worker processes.")
    task_timeout: PositiveDuration = Field(
        30.0, description="Time that a task may take before its worker is stopped."
    )
    worker_memory: WorkerMemory = Field(
        1536 * MIB, description="Address space that a worker process may use."
    )
    processing_delay: Duration = Field(
        0.0,
        description="Time that a request of `/items/` waits first, to watch concurrency.",
    )


class LogSettings(Part):
    """What is logged, how, and where to beside standard error."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}LOG_")

    level: LogLevel = Field("info", description="Least severe level that is logged.")
    format: LogFormat = Field("plain", description="Lines for people, or one JSON object a line.")
    file: LogFile = Field(None, description="File to log to as well; its folder is created.")
    file_bytes: ByteSize = Field(10 * MIB, description="Size at which the log file is rotated.")
    file_count: Count = Field(5, description="Rotated log files to keep beside the current one.")


class Settings(BaseModel):
    """All settings. `Settings()` reads the environment too, but only `load_settings` explains."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    server: ServerSettings = Field(default_factory=ServerSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    webhook: WebhookSettings = Field(default_factory=WebhookSettings)
    engine: EngineSettings = Field(default_factory=EngineSettings)
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
            value = " (value not shown)" if item.secret else f"={str(given.get(item.name))!r:.100}"
            yield f"{item.name}{value}: expected {item.allowed}"
    # A validator of the whole part has no field: its own words name the variables.
    whole = (item["msg"] for item in error.errors() if not item["loc"])
    yield from (message.removeprefix("Value error, ") for message in whole)


def _holds_secret(annotation: Any) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(map(_holds_secret, get_args(annotation)))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
