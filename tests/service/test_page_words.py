"""What the pages say in words of people: limits, and how many images there are."""

import pytest
from fastapi.testclient import TestClient

from service.web.rendering import readable_limit

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("12342046KiB", "11.77 GiB"),
        ("64MiB", "64 MiB"),
        ("1KiB", "1 KiB"),
        ("64MB", "64 MB"),
        ("2160h", "90 days"),
        ("1h", "1 h"),
        ("1.5m", "1.5 min"),
        ("500ms", "500 ms"),
        ("50MP", "50 MP"),
        ("1000", "1000"),
    ],
)
def test_a_limit_is_read_in_units_of_people(written: str, read: str) -> None:
    assert readable_limit(written) == read


def test_code_in_a_description_is_marked_as_code(client: TestClient) -> None:
    shown = client.get("/status", headers=HTML).text
    assert "<code>skip_unchanged</code>" in shown
    assert "`" not in shown


@pytest.mark.parametrize(
    ("query", "narrowed"), [("", False), ("?sort=-width", False), ("?name=o", True)]
)
def test_images_match_only_where_something_was_asked_of_them(
    client: TestClient, query: str, narrowed: bool
) -> None:
    shown = client.get(f"/{query}", headers=HTML).text
    assert ("that match" in shown or "No image matches" in shown) == narrowed
