"""The catalogue of operations."""

from fastapi import APIRouter

from processors.registry import registry
from schemas.operations import OperationDescription, describe

router = APIRouter(prefix="/v1/operations", tags=["operations"])


@router.get("", summary="All operations")
async def list_operations() -> list[OperationDescription]:
    """Name, summary, aliases, text form, example, and the JSON Schema of the parameters."""
    return [describe(operation) for operation in registry()]


@router.get("/{name}", summary="One operation, by name or alias")
async def show_operation(name: str) -> OperationDescription:
    return describe(registry().get(name))
