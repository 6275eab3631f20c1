"""The options of a request about one image."""

from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from schemas.process import ProcessQuery, ProcessRequest


def process_request(query: ProcessQuery, form: dict[str, Any]) -> ProcessRequest:
    """From the query and the fields of a form, which win. Raises RequestValidationError."""
    try:
        return ProcessRequest.merged(query, form)
    except ValidationError as error:
        findings = [{**item, "loc": ("form", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(findings, body=query.model_dump() | form) from None
