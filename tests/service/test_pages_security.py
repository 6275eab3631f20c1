"""Headers of the pages, sessions, and requests from other sites' pages."""

import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from service.app import create_app
from service.settings import load_settings
from service.web import sessions
from service.web.rendering import prefers_html, static_version
from service.web.sessions import COOKIE, Sessions

KEYS = ("first-key-of-two-0123", "second-key-of-two-456")
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ELSEWHERE = {"Origin": "http://elsewhere.example"}


@pytest.fixture
def locked(workspace: Path) -> TestClient:
    """A client that follows no redirects, of a service with two keys."""
    settings = load_settings(
        read_roots=str(workspace),
        library=str(workspace / "in"),
        store=f"sqlite:///{workspace / 'locked.db'}",
        api_keys=",".join(KEYS),
    )
    app = create_app(settings)
    app.state.services.engine.close(0)
    return TestClient(app, follow_redirects=False, raise_server_exceptions=False)


def signed_in(client: TestClient, key: str = KEYS[0]) -> TestClient:
    answer = client.post("/session", data={"key": key, "next": "/lab"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/lab")
    return client


# --- addresses where nothing is ------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/problems/nothing"])
def test_an_unknown_address_is_a_page_for_people_and_json_for_programs(
    client: TestClient, path: str
) -> None:
    shown = client.get(path, headers=HTML)
    assert shown.status_code == 404
    assert shown.headers["content-type"].startswith("text/html")
    assert 'aria-label="Pages"' in shown.text
    assert 'rel="icon"' in shown.text
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"


def test_a_method_that_is_not_allowed_still_says_which_are_on_the_page(client: TestClient) -> None:
    answer = client.delete("/healthz", headers=HTML)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert "<h1>" in answer.text


def test_a_kind_of_problem_is_a_page_for_people_and_json_for_programs(client: TestClient) -> None:
    shown = client.get("/problems/damaged-image", headers=HTML)
    assert shown.status_code == 200
    assert "<h1>Damaged image</h1>" in shown.text
    assert client.get("/problems/damaged-image").json()["title"] == "Damaged image"


# --- headers -----------------------------------------------------------------------------------


def test_a_page_allows_what_this_service_serves_and_nothing_inline(client: TestClient) -> None:
    answer = client.get("/", headers=HTML)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "<style" not in answer.text
    assert " style=" not in answer.text


def test_the_pages_of_the_documentation_keep_their_own_policy(client: TestClient) -> None:
    assert "'unsafe-inline'" in client.get("/docs").headers["content-security-policy"]


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
def test_programs_get_json_at_the_first_address(client: TestClient, accept: str) -> None:
    answer = client.get("/", headers={"Accept": accept})
    assert (answer.json()["name"], answer.headers["vary"]) == ("Darkroom", "Accept")


def test_a_browser_prefers_html() -> None:
    assert prefers_html(HTML["Accept"])


def test_a_static_file_is_kept_for_good_under_the_address_of_its_content(
    client: TestClient,
) -> None:
    now = client.get(f"/static/{static_version()}/darkroom.css")
    assert "immutable" in now.headers["cache-control"]
    assert client.get("/static/old/darkroom.css").headers["cache-control"] == "no-cache"
    seen = {"If-None-Match": now.headers["etag"]}
    assert client.get("/static/old/darkroom.css", headers=seen).status_code == 304


@pytest.mark.parametrize(
    "name", ["missing.css", "..%2Frendering.py", "%2e%2e/rendering.py", "rendering.py", ".hidden"]
)
def test_nothing_but_static_files_is_served_there(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{static_version()}/{name}").status_code in (404, 422)


# --- sessions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_who_shows_a_key_gets_a_session_that_opens_the_api(locked: TestClient, key: str) -> None:
    assert locked.get("/v1/operations").status_code == 401
    signed_in(locked, key)
    assert locked.get("/v1/operations").status_code == 200


def test_the_cookie_is_for_https_where_the_page_is(locked: TestClient) -> None:
    answer = locked.post("https://testserver/session", data={"key": KEYS[0]})
    assert "; Secure" in answer.headers["set-cookie"]


def test_a_page_without_a_session_leads_to_the_one_that_asks(locked: TestClient) -> None:
    answer = locked.get("/lab?image=1&operations=blur%3D5", headers=HTML)
    assert answer.status_code == 303
    assert (
        answer.headers["location"] == "/session?next=%2Flab%3Fimage%3D1%26operations%3Dblur%253D5"
    )


@pytest.mark.parametrize(
    "next",
    ["//elsewhere.example/", "http://elsewhere.example", "/\\elsewhere.example", "\t//x", ""],
)
def test_signing_in_leads_to_no_other_host(locked: TestClient, next: str) -> None:
    answer = locked.post("/session", data={"key": KEYS[0], "next": next})
    assert answer.headers["location"] == "/"


def test_a_session_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Sessions(load_settings(api_keys=KEYS[0]).server.api_keys)
    token = found.begin(KEYS[0])
    assert token is not None
    assert found.holds(token)
    late = time.time() + sessions.SECONDS + 1
    monkeypatch.setattr(sessions.time, "time", lambda: late)
    assert not found.holds(token)


def test_a_session_ends_with_its_key() -> None:
    both = Sessions(load_settings(api_keys=",".join(KEYS)).server.api_keys)
    one = Sessions(load_settings(api_keys=KEYS[1]).server.api_keys)
    tokens = [both.begin(key) or "" for key in KEYS]
    assert [both.holds(token) for token in tokens] == [True, True]
    assert [one.holds(token) for token in tokens] == [False, True]


@pytest.mark.parametrize("change", ["", "x", "9999999999.aa.bb", "²³.aa.bb", "..", "\xff.a.b"])
def test_a_token_that_was_made_up_opens_nothing(change: str) -> None:
    assert not Sessions(load_settings(api_keys=KEYS[0]).server.api_keys).holds(change)


def test_a_token_whose_time_was_changed_opens_nothing() -> None:
    found = Sessions(load_settings(api_keys=KEYS[0]).server.api_keys)
    token = found.begin(KEYS[0])
    assert token is not None
    expiry, _, rest = token.partition(".")
    assert not found.holds(f"{int(expiry) + 1}.{rest}")


# --- other sites' pages ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        ELSEWHERE,
        {"Origin": "null"},
        {"Origin": "http://testserver:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/v1/images/scan", "/library/scan", "/v1/process"])
def test_without_keys_a_page_of_another_site_changes_nothing(
    client: TestClient, path: str, headers: dict[str, str]
) -> None:
    answer = client.post(path, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/cross-origin")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://testserver"},
        {"Sec-Fetch-Site": "same-origin"},
        {**ELSEWHERE, "X-API-Key": "one-that-no-form-can-send"},
    ],
    ids=str,
)
def test_programs_and_our_own_pages_are_let_in(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/v1/images/scan", headers=headers).status_code == 200


def test_what_changes_nothing_may_be_asked_for_from_anywhere(client: TestClient) -> None:
    assert client.get("/v1/operations", headers=ELSEWHERE).status_code == 200


def test_with_a_session_a_change_has_to_say_where_it_comes_from(locked: TestClient) -> None:
    signed_in(locked)
    assert locked.delete("/v1/images/none").status_code == 403
    assert locked.delete("/v1/images/none", headers=ELSEWHERE).status_code == 403
    own = {"Origin": "http://testserver"}
    assert locked.delete("/v1/images/none", headers=own).status_code == 404


def test_with_a_session_a_form_needs_its_token(locked: TestClient) -> None:
    signed_in(locked)
    own = {"Origin": "http://testserver"}
    assert locked.post("/images/none/delete", headers=own).status_code == 403
    keys = Sessions(load_settings(api_keys=",".join(KEYS)).server.api_keys)
    token = keys.form_token(locked.cookies[COOKIE])
    answer = locked.post("/images/none/delete", headers=own, data={"form_token": token})
    assert answer.status_code == 404


def test_signing_out_takes_the_cookie(locked: TestClient) -> None:
    signed_in(locked)
    keys = Sessions(load_settings(api_keys=",".join(KEYS)).server.api_keys)
    token = keys.form_token(locked.cookies[COOKIE])
    own = {"Origin": "http://testserver"}
    locked.post("/session/end", headers=own, data={"form_token": token})
    assert locked.get("/v1/operations").status_code == 401


def test_a_websocket_of_another_sites_page_is_refused(client: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/v1/stream", headers=ELSEWHERE),
    ):
        pass
