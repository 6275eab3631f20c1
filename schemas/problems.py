"""The one body of every error: RFC 9457, application/problem+json."""

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class Fault(BaseModel):
    """A field or step of the request that is at fault."""

    pointer: str = Field(
        description="JSON Pointer (RFC 6901) into the request.", examples=["/operations/1"]
    )
    detail: str


class Problem(BaseModel):
    """What went wrong, and what to do about it."""

    type: str = Field(description="Identifies the kind; GET it for a description.")
    title: str = Field(description="The kind in words; the same for every occurrence.")
    status: int = Field(description="The HTTP status code.")
    detail: str = Field(description="This occurrence in words.")
    errors: list[Fault] = Field(default_factory=list)
