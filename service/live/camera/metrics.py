"""What Prometheus learns of the camera."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from service.live.camera.shared import SharedCamera


class CameraCollector(Collector):
    """The camera's state at the moment of the scrape."""

    def __init__(self, camera: SharedCamera) -> None:
        self._camera = camera

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        camera = self._camera
        yield GaugeMetricFamily("darkroom_camera_viewers", "Viewers of the camera.", camera.viewers)
        yield CounterMetricFamily(
            "darkroom_camera_encodes", "Pictures made for the camera's viewers.", camera.encodes
        )
