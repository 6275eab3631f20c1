"""From what a viewer asks for to what is done to each frame."""

from processors.plan import Pipeline
from schemas.camera import CameraLook
from schemas.process import ProcessQuery
from service.options import process_request
from service.recipes import resolved
from service.services import Services


async def look_pipeline(look: CameraLook, services: Services, quality: int | None) -> Pipeline:
    """What is to be done to a frame. Raises RequestValidationError, InvalidRequest, NotStored."""
    asked = {"operations": look.operations, "recipe": look.recipe, "quality": quality}
    given = {name: value for name, value in asked.items() if value is not None}
    request = process_request(ProcessQuery.model_validate(given), {})
    request = await resolved(request, services.store.recipes)
    services.check_counts((), request.operations)
    return request.pipeline()
