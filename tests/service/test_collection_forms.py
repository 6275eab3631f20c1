"""The pages of collections and recipes, and their forms as a browser sends them, with keys set."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from schemas.recipes import RecipeBody
from service.app import create_app
from service.settings import load_settings
from tests.stores import run

KEY = "a-key-for-collections-01"
PATH = "/collections/streets"
CHANGES = ("/collections", f"{PATH}/images", f"{PATH}/delete", "/recipes/card/delete")


@pytest.fixture
def client(workspace: Path, tmp_path: Path) -> TestClient:
    """Somebody who is signed in, and has a collection. There are no workers."""
    store = f"sqlite:///{tmp_path / 'forms.db'}"
    app = create_app(load_settings(read_roots=str(workspace), store=store, api_keys=KEY))
    app.state.services.engine.close(0)
    found = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    found.post("/session", data={"key": KEY, "next": "/"})
    found.headers["Sec-Fetch-Site"] = "same-origin"
    assert found.put("/v1/collections/streets", json={}).status_code == 200
    return found


def token(client: TestClient) -> str:
    found = re.search(r'name="form_token" value="(\w+)"', client.get(PATH).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", CHANGES)
def test_a_form_without_the_token_of_the_session_changes_nothing(
    client: TestClient, path: str
) -> None:
    fields = {"form_token": "x", "name": "new", "confirm": "yes"}
    files = {"files": ("a.jpg", b"data")} if path.endswith("images") else None
    assert client.post(path, data=fields, files=files).status_code == 403
    assert [one["name"] for one in client.get("/v1/collections").json()] == ["streets"]


def test_an_upload_with_the_token_is_taken(client: TestClient) -> None:
    fields = {"form_token": token(client)}
    answer = client.post(f"{PATH}/images", data=fields, files={"files": ("a.jpg", b"no image")})
    assert answer.status_code == 503  # the form was read, and the workers are not there
    assert "shutting down" in answer.text


def test_a_removal_that_is_not_confirmed_changes_nothing(client: TestClient) -> None:
    fields = {"form_token": token(client)}
    assert client.post(f"{PATH}/delete", data=fields).status_code == 422
    assert client.get(PATH).status_code == 200
    answer = client.post(f"{PATH}/delete", data=fields | {"confirm": "yes"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/collections")
    assert client.get(PATH).status_code == 404


def test_a_new_collection_is_where_the_answer_leads(client: TestClient) -> None:
    name = "a b\N{RIGHT-TO-LEFT MARK}?#"
    fields = {"form_token": token(client), "name": name, "operations": "", "format": "png"}
    answer = client.post("/collections", data=fields)
    assert answer.headers["location"] == "/collections/a%20b%E2%80%8F%3F%23"
    assert client.get(answer.headers["location"]).status_code == 200


@pytest.mark.parametrize("limit", ["0", "-1", "9" * 5000, "x", "\N{SUPERSCRIPT TWO}"])
def test_a_limit_that_is_none_is_the_usual_one(client: TestClient, limit: str) -> None:
    assert client.get(PATH, params={"limit": limit, "cursor": "z\0"}).status_code == 200


def test_a_recipe_of_an_operation_that_is_gone_is_shown_and_leads_nowhere(
    client: TestClient,
) -> None:
    store = client.app.state.services.store  # type: ignore[attr-defined]
    run(store.recipes.put("old", RecipeBody(operations=["plugin_that_is_gone=<b>"])))
    for path in ("/recipes", "/recipes/old"):
        text = client.get(path).text
        assert "plugin_that_is_gone=&lt;b&gt;" in text
        assert "does not fit this service any more" in text
        assert 'href="/lab#' not in text
