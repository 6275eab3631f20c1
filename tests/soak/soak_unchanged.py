"""Ten thousand images again, of which three have changed."""

import time
from pathlib import Path

from tests.service.storing import jpeg
from tests.soak.conftest import Start
from tests.soak.work import elapsed, make_inputs, say

COUNT = 10_000
CHANGED = (7, 4000, 9998)


def test_what_has_not_changed_is_left_alone(start: Start, tmp_path: Path) -> None:
    images = make_inputs(tmp_path, COUNT, 200, 150)
    body = {"images": images, "operations": ["resize=0.5"], "skip_unchanged": True}
    server = start().ready()
    with server.client(600) as client:
        for expected in (range(COUNT), CHANGED):
            began = time.monotonic()
            answer = client.post("/v1/batches", json=body).raise_for_status().json()
            made = [one["index"] for one in answer["results"] if one["status"] == "succeeded"]
            say(f"{len(made)} of {COUNT} made in {elapsed(began)}: {answer['counts']}")
            assert made == list(expected)
            assert answer["counts"]["skipped"] == COUNT - len(made)
            for number in CHANGED:
                path = tmp_path / f"in/{number}.jpg"
                path.unlink()
                path.write_bytes(jpeg(300, 200 + number % 7))
