"""How long a client wants to wait: the Prefer header (RFC 7240)."""

from dataclasses import dataclass

LONGEST_WAIT = 300.0
"""Seconds that `wait=N` may hold a request."""


@dataclass(frozen=True, slots=True)
class Preference:
    """`wait`: seconds after which a 202 is as good as the result; None is as long as it takes.

    `applied` is what the answer's Preference-Applied says.
    """

    wait: float | None
    applied: str


def preference(prefer: str) -> Preference | None:
    """What `prefer`, a Prefer header, says about waiting; None when it says nothing of it."""
    found = {
        name.strip().lower(): value.strip().strip('"')
        for name, _, value in (item.partition("=") for item in prefer.split(","))
    }
    wait = found.get("wait", "")
    if wait.isdecimal() and wait.isascii():
        seconds = min(float(wait[:6]), LONGEST_WAIT)
        return Preference(seconds, f"wait={seconds:g}")
    return Preference(0.0, "respond-async") if "respond-async" in found else None
