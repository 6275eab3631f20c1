"""Images over a WebSocket."""

from fastapi import APIRouter, WebSocket

from service.dependencies import StreamsDependency

router = APIRouter()


@router.websocket("/v1/stream")
async def stream(socket: WebSocket, streams: StreamsDependency) -> None:
    """Each message an image, each answered."""
    await streams.serve(socket)
