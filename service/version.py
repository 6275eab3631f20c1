"""The version of the service."""

VERSION = "0.1.0"
"""It is part of what results depend on: a later version may make other pixels."""
