"""What the parts of the settings have in common."""

from pydantic_settings import BaseSettings, SettingsConfigDict

from service.environment import ENV_ENCODING, ENV_FILE, PREFIX


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
