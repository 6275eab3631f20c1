"""The catalogue of operations."""

from typing import Annotated

from fastapi import APIRouter, Path

from processors.errors import UnknownOperation
from processors.registry import registry
from schemas.operations import OperationDescription, describe
from service.errors import NotFound

router = APIRouter(prefix="/v1/operations", tags=["operations"])


@router.get("", summary="All operations")
async def list_operations() -> list[OperationDescription]:
    """Name, summary, aliases, text form, example, and the JSON Schema of the parameters."""
    return [describe(operation) for operation in registry()]


@router.get("/{name}", summary="One operation, by name or alias")
async def show_operation(
    name: Annotated[str, Path(openapi_examples={"resize": {"value": "resize"}})],
) -> OperationDescription:
    try:
        return describe(registry().get(name))
    except UnknownOperation as error:
        raise NotFound(str(error)) from None
