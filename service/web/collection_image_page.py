"""One image of a collection, large, with what is known of it."""

import base64

from fastapi import Request, Response

from processors.probing import sniff
from service.services import Services
from service.web.collections_page import BROWSERS_SHOW
from service.web.rendering import page


async def collection_image_page(
    request: Request, services: Services, name: str, image: str
) -> Response:
    """Raises StoreError, and ProcessorError for what is no image any more."""
    store = services.store.collections
    found = await store.image(name, image)
    behind = (await store.page(name, image, 1)).images
    format = sniff(base64.b64decode(found.image_base64))
    return page(
        request,
        "collection_image.html",
        collection=name,
        image=found,
        format=format,
        shown=format in BROWSERS_SHOW,
        next=behind[0].name if behind else None,
    )
