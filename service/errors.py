"""The kinds of problems that a client may be told of: the only place that knows HTTP statuses."""

from collections.abc import Sequence
from dataclasses import dataclass

from processors import errors as image
from service import storage
from service.engine import base as engine
from service.store import base as store
from service.store.errors import JobNotEnded, KeyReused, LeaseLost, QueueFull

TYPE_PREFIX = "/problems/"


class RequestError(Exception):
    """A request that cannot be served as it is; `faults` are (pointer, detail)."""

    def __init__(self, detail: str, faults: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)


class InvalidRequest(RequestError):
    """Fields or steps of the request are wrong."""


class MalformedRequest(RequestError):
    """The body cannot be read as what it says it is."""


class BodyTooLarge(RequestError):
    """The body is over the limit."""


class BodyTooSlow(RequestError):
    """The body stands still, or comes in too slowly."""


class NotAuthorized(RequestError):
    """The API key is missing or wrong."""


class CrossOrigin(RequestError):
    """A page of another site, or a form of another session, wants to change something."""


class TooManyConnections(RequestError):
    """As many connections as may are open, or their images fill the memory that they may take."""


class ConnectionTooSlow(RequestError):
    """A connection stands still, or has taken too long."""


class NotFound(RequestError):
    """There is nothing at that address."""


class MethodNotAllowed(RequestError):
    """The address takes other methods."""


class CameraBusy(RequestError):
    """As many watch the camera, or in as many ways, as may."""


class CameraUnavailable(RequestError):
    """The camera gives no picture."""


class RecordingConflict(RequestError):
    """A recording is under way, or none is."""


class TooManyFiles(RequestError):
    """The server cannot open another file or connection for now."""


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its address below /problems/, its title, and what a client can do."""

    slug: str
    status: int
    title: str
    advice: str


INTERNAL = Kind(
    "internal-error",
    500,
    "Internal error",
    "Report it with the request id; the log has the cause under the same id.",
)

KINDS: dict[type[Exception], Kind] = {
    MalformedRequest: Kind(
        "malformed-request", 400, "Malformed request", "Send well-formed JSON or multipart data."
    ),
    InvalidRequest: Kind(
        "invalid-request", 422, "Invalid request", "Mend the fields that `errors` points at."
    ),
    BodyTooLarge: Kind(
        "body-too-large", 413, "Body too large", "Send less at once, or raise DARKROOM_MAX_BODY."
    ),
    BodyTooSlow: Kind(
        "body-too-slow",
        408,
        "Body too slow",
        "Send the body without pauses, or raise DARKROOM_BODY_TIMEOUT.",
    ),
    QueueFull: Kind(
        "too-many-jobs",
        429,
        "Too many jobs",
        "Send the request again when some have ended, or raise DARKROOM_MAX_QUEUED_JOBS.",
    ),
    NotAuthorized: Kind(
        "unauthorized",
        401,
        "API key missing or wrong",
        "Send `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
    ),
    CrossOrigin: Kind(
        "cross-origin",
        403,
        "Sent by a page of another site",
        "Use the pages of this service, or send an API key in a header.",
    ),
    TooManyConnections: Kind(
        "too-many-connections",
        503,
        "Too many connections",
        "Connect again later, or raise DARKROOM_INGEST_CONNECTIONS or DARKROOM_INGEST_MEMORY.",
    ),
    ConnectionTooSlow: Kind(
        "connection-too-slow",
        408,
        "Connection too slow",
        "Send without pauses, in several connections if need be, or raise "
        "DARKROOM_INGEST_IDLE_TIMEOUT or DARKROOM_INGEST_TOTAL_TIMEOUT.",
    ),
    NotFound: Kind("not-found", 404, "Not found", "See /docs for the addresses."),
    MethodNotAllowed: Kind(
        "method-not-allowed", 405, "Method not allowed", "The header Allow lists the methods."
    ),
    TooManyFiles: Kind(
        "too-many-files",
        503,
        "Too many open files",
        "Send the request again later, or raise the server's limit of open files (`ulimit -n`).",
    ),
    CameraBusy: Kind(
        "camera-busy",
        503,
        "Too many watch the camera",
        "Try again when others have left, or raise DARKROOM_CAMERA_VIEWERS.",
    ),
    CameraUnavailable: Kind(
        "camera-unavailable",
        503,
        "The camera gives no picture",
        "Check DARKROOM_CAMERA, and that the camera is on; it is opened again by itself.",
    ),
    RecordingConflict: Kind(
        "recording-conflict",
        409,
        "One recording at a time",
        "Stop the recording that is under way, or start one.",
    ),
    image.UnknownOperation: Kind(
        "unknown-operation", 422, "Unknown operation", "GET /v1/operations lists the names."
    ),
    image.InvalidArguments: Kind(
        "invalid-arguments", 422, "Invalid parameters", "GET /v1/operations describes each one."
    ),
    image.DuplicateOperation: INTERNAL,
    image.StepFailed: Kind(
        "step-failed",
        422,
        "An operation cannot be applied to this image",
        'Change the step that `errors` points at, or set `on_invalid` to "skip".',
    ),
    image.UnsupportedFormat: Kind(
        "unsupported-format", 415, "Not an image format that is read", "Convert the image first."
    ),
    image.DamagedImage: Kind(
        "damaged-image", 422, "Damaged image", "The file is truncated or corrupt: send it anew."
    ),
    image.ImageTooLarge: Kind(
        "image-too-large",
        413,
        "Image too large",
        "Send a smaller image, or raise DARKROOM_MAX_PIXELS or DARKROOM_MAX_IMAGE_BYTES.",
    ),
    image.ResourceUnavailable: Kind(
        "resource-unavailable",
        422,
        "An image that an operation needs cannot be read",
        "Name an image below DARKROOM_READ_ROOTS.",
    ),
    image.EncodeError: Kind(
        "encode-failed", 422, "The result cannot be written", "Choose another format or size."
    ),
    image.OutOfMemory: Kind(
        "out-of-memory",
        422,
        "Out of memory",
        "Make the image smaller at an earlier step, or raise DARKROOM_WORKER_MEMORY.",
    ),
    storage.PathRefused: Kind(
        "path-refused",
        403,
        "Path refused",
        "Name a file below DARKROOM_READ_ROOTS or DARKROOM_WRITE_ROOTS.",
    ),
    storage.SourceNotFound: Kind(
        "source-not-found",
        404,
        "Input not found",
        "Check the path, which is one of the server's own disk, or the URL.",
    ),
    storage.SourceUnreadable: Kind(
        "source-unreadable",
        422,
        "Input unreadable",
        "Check the permissions of the file, or what is said of the store or the web server.",
    ),
    storage.SourceTooLarge: Kind(
        "source-too-large",
        413,
        "Input too large",
        "Use a smaller file, or raise DARKROOM_MAX_IMAGE_BYTES.",
    ),
    storage.SinkUnwritable: Kind(
        "output-unwritable",
        422,
        "Output cannot be written",
        "Check the folder's permissions and the free space, or the rights in the object store.",
    ),
    storage.SinkTaken: Kind(
        "output-taken", 409, "Output named twice", "Give each image an output of its own."
    ),
    engine.WorkerCrashed: Kind(
        "worker-crashed",
        422,
        "The image ended its worker",
        "Other images are not affected; report the image if it is a valid one.",
    ),
    engine.TaskTimeout: Kind(
        "task-timeout",
        422,
        "The image took too long",
        "Make the image smaller at an earlier step, or raise DARKROOM_TASK_TIMEOUT.",
    ),
    store.StoreUnavailable: Kind(
        "store-unavailable",
        503,
        "The database is away",
        "Send the request again later; what was acknowledged is not lost.",
    ),
    store.StoreTooNew: Kind(
        "store-too-new",
        503,
        "The database is of a later version",
        "Run the version of the service that wrote it.",
    ),
    store.NameRefused: Kind(
        "name-refused", 422, "A name that cannot be kept", "Choose another name."
    ),
    store.CursorRefused: Kind(
        "cursor-refused",
        422,
        "A cursor of another query",
        "Start with the first page, without a cursor.",
    ),
    store.NotStored: Kind(
        "not-stored", 404, "There is nothing of that name", "List what there is."
    ),
    KeyReused: Kind(
        "key-reused",
        422,
        "Idempotency-Key of another request",
        "Take a new key for each request, and the same one only to send it again.",
    ),
    LeaseLost: Kind(
        "lease-lost",
        409,
        "Another process has the job",
        "Look at the job again: it goes on there.",
    ),
    JobNotEnded: Kind(
        "job-not-ended",
        409,
        "The job has not ended",
        "Cancel it with POST /v1/jobs/{id}/cancel, or wait for its end; then remove it.",
    ),
    store.StoredOtherwise: Kind(
        "stored-otherwise",
        409,
        "The name is taken",
        "Choose another name, or remove what is there first.",
    ),
    engine.ClusterAway: Kind(
        "cluster-away",
        503,
        "The cluster has no worker",
        "Send the request again later, or look at DARKROOM_ENGINE and the cluster's workers.",
    ),
    engine.ClusterDiffers: Kind(
        "cluster-differs",
        503,
        "The cluster is of another version",
        "Run the same version of the service, with the same packages, on servers and workers.",
    ),
    engine.EngineClosed: Kind(
        "shutting-down", 503, "The service is shutting down", "Send the request again."
    ),
}


def kind_of(error: BaseException) -> Kind:
    """The kind of the nearest class that has one."""
    found = (KINDS[base] for base in type(error).__mro__ if base in KINDS)
    return next(found, INTERNAL)
