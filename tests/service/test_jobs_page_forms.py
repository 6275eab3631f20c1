"""The forms of the jobs' pages without a browser: tokens, and what they take."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.settings import load_settings
from service.web import dry_run
from service.web.sessions import COOKIE, Sessions
from tests.service.test_pages_security import KEYS, locked, signed_in

__all__ = ["locked"]

OWN = {"Origin": "http://testserver"}


@pytest.mark.parametrize("path", ["/jobs", "/jobs/none/cancel", "/jobs/none/retry"])
def test_with_a_session_each_form_needs_its_token(locked: TestClient, path: str) -> None:
    signed_in(locked)
    assert locked.post(path, headers=OWN).status_code == 403
    keys = Sessions(load_settings(api_keys=",".join(KEYS)).server.api_keys)
    token = {"form_token": keys.form_token(locked.cookies[COOKIE])}
    assert locked.post(path, headers=OWN, data=token).status_code in (404, 422)


@pytest.mark.parametrize(
    ("fields", "field", "detail"),
    [
        ({"input": ""}, "input", "is required"),
        ({"output": "out/{what}.png"}, "output", "{what}"),
        ({"quality": "900"}, "quality", "less than or equal to 100"),
        ({"encode": "[1]"}, "encode", "write a JSON object"),
        ({"encode": "{"}, "encode", "write a JSON object"),
        ({"encode": '{"qualty": 5}'}, "encode", "qualty"),
        ({"widths": "80, wide"}, "widths", "write widths in pixels"),
        ({"widths": "0"}, "widths", "greater than or equal to 1"),
        ({"operations": "x" * 60_001}, "operations", "the limit is 60000"),
        ({"operations": '{"op": "blur", "sigma": -1}'}, "operations", "operation 1: "),
    ],
)
@pytest.mark.parametrize("action", ["plan", "run"])
def test_each_fault_stands_beside_its_field(
    client: TestClient, fields: dict[str, str], field: str, detail: str, action: str
) -> None:
    sound = {"input": "in/*.jpg", "output": "out/{stem}.png", "operations": "", "action": action}
    answer = client.post("/jobs", data=sound | fields)
    assert answer.status_code == 422
    beside = answer.text.partition(f'id="fault-{field}"')[2].partition("</span>")[0]
    assert detail in beside


def test_a_plan_whose_images_take_long_to_find_is_refused_and_its_job_is_not(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    monkeypatch.setattr(dry_run, "_MOST_SECONDS", -1.0)
    fields = {"input": f"{workspace}/in/photo.*", "output": f"{workspace}/out/slow/{{name}}"}
    answer = client.post("/jobs", data={**fields, "operations": "", "action": "plan"})
    assert answer.status_code == 422
    assert "to find the images: run it, or ask for less" in answer.text
    started = client.post(
        "/jobs", data={**fields, "operations": "", "action": "run"}, follow_redirects=False
    )
    assert started.status_code == 303


def test_a_recipe_that_is_not_there_is_told(client: TestClient) -> None:
    sound = {"input": "in/*.jpg", "output": "out/{stem}.png", "recipe": "none-of-that-name"}
    answer = client.post("/jobs", data=sound)
    assert answer.status_code == 404
    assert "none-of-that-name" in answer.text


@pytest.mark.parametrize("text", ["[{]", "[[[", "[1]", '[{"op": "none"}]', "[" * 900])
@pytest.mark.parametrize("path", ["/jobs", "/lab"])
def test_operations_of_an_address_that_cannot_be_read_are_told(
    client: TestClient, path: str, text: str
) -> None:
    answer = client.get(path, params={"operations": text}, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert "Internal error" not in answer.text


def test_what_the_lab_hands_over_fills_the_form(client: TestClient) -> None:
    handed = {"operations": '[{"op": "blur", "sigma": 2}]', "encode": '{"progressive": true}'}
    answer = client.get("/jobs", params=handed)
    assert "&#34;progressive&#34;: true" in answer.text
    assert "blur=5,2.0" in answer.text
