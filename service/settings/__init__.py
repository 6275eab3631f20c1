"""The settings of the service, from DARKROOM_* variables and the `.env` of the working directory.

A part is one small model whose fields are its variables: the name is the model's prefix and the
field's name. Settings composes the parts; the checks, the messages and the reference page are
derived from them, so a new variable is one new field.
"""

from service.settings.loading import Settings, Variable, load_settings, parts, variables
from service.settings.parts import LogSettings, ServerSettings

__all__ = [
    "LogSettings",
    "ServerSettings",
    "Settings",
    "Variable",
    "load_settings",
    "parts",
    "variables",
]
