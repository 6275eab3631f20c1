"""Who is let in, and where the service refuses to start."""

import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import load_settings
from tests.live import ROOT, LiveServer, environment

KEYS = ("first-key-of-two-0123", "second-key-of-two-456")
OPEN = ["/healthz", "/readyz"]


@pytest.fixture(scope="module")
def locked(workspace: Path) -> TestClient:
    """An application with two keys; its engine is closed, as no request here needs it."""
    app = create_app(load_settings(read_roots=str(workspace), api_keys=",".join(KEYS)))
    app.state.services.engine.close(0)
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("Authorization", "Bearer {}"),
        ("Authorization", "bearer {}"),
        ("Authorization", "BEARER   {} "),
        ("X-API-Key", "{}"),
        ("x-api-key", "{}"),
    ],
)
def test_a_known_key_opens(locked: TestClient, key: str, header: str, form: str) -> None:
    assert locked.get("/", headers={header: form.format(key)}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "wrong"},
        {"X-API-Key": KEYS[0][:-1]},
        {"X-API-Key": KEYS[0] + "x"},
        {"X-API-Key": KEYS[0].upper()},
        {"X-API-Key": ",".join(KEYS)},
        {"X-API-Key": "\xff\xfe"},
        {"X-API-Key": "x" * 10_000},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {KEYS[0]}"},
        {"Authorization": KEYS[0]},
        {"Cookie": f"X-API-Key={KEYS[0]}"},
    ],
    ids=lambda headers: str(headers)[:50],
)
def test_anything_else_does_not(locked: TestClient, headers: dict[str, str]) -> None:
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    response = locked.get("/", headers=raw)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["type"] == "/problems/unauthorized"


def test_a_key_in_the_address_does_not_open(locked: TestClient) -> None:
    assert locked.get(f"/?api_key={KEYS[0]}&X-API-Key={KEYS[0]}").status_code == 401


def test_health_is_open(locked: TestClient) -> None:
    assert locked.get("/healthz").status_code == 200
    assert locked.get("/readyz").status_code == 503  # its engine is closed, the route is not


def test_every_other_route_is_closed(locked: TestClient) -> None:
    known = locked.get("/openapi.json", headers={"X-API-Key": KEYS[0]}).json()["paths"]
    paths = [path for path in known if path not in OPEN]
    assert len(paths) > 8
    for path in [*paths, "/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/nothing"]:
        for method in ("GET", "POST", "OPTIONS", "HEAD"):
            assert locked.request(method, path).status_code == 401, (method, path)


def test_the_assets_of_the_pages_are_closed(locked: TestClient) -> None:
    page = locked.get("/docs", headers={"X-API-Key": KEYS[0]}).text
    asset = next(part for part in page.split('"') if part.endswith(".js"))
    assert locked.get(asset).status_code == 401
    assert locked.get(asset, headers={"X-API-Key": KEYS[0]}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz/", "//healthz", "/HEALTHZ", "/healthz/../metrics"])
def test_no_detour_over_health_is_open(locked: TestClient, path: str) -> None:
    assert locked.get(path, follow_redirects=False).status_code == 401


def test_without_keys_all_is_open(client: TestClient) -> None:
    for path in ("/", "/docs", "/metrics"):
        assert client.get(path).status_code == 200


# ------------------------------------------------------------------------------- the start


def start(folder: Path, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """A start that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_it_refuses_to_listen_to_others_without_keys(tmp_path: Path) -> None:
    ended = start(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")
    assert ended.returncode == 2
    assert "DARKROOM_API_KEYS" in ended.stderr
    assert "DARKROOM_ALLOW_ANONYMOUS" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_the_host_of_the_environment_is_refused_too(tmp_path: Path) -> None:
    ended = start(tmp_path, host="::", port=0)  # with no command, as `make run` does
    assert ended.returncode == 2
    assert "DARKROOM_HOST='::'" in ended.stderr


@pytest.mark.parametrize(
    "settings",
    [{"api_keys": KEYS[0]}, {"allow_anonymous": "true"}],
    ids=lambda chosen: next(iter(chosen)),
)
def test_it_listens_to_others_with_keys_or_when_told_to(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    keys = {"X-API-Key": settings.get("api_keys", "")}
    server = LiveServer(tmp_path, "--host", "0.0.0.0", workers=1, **settings)
    with server, server.client() as client:
        home = client.get("/").status_code, client.get("/", headers=keys).status_code
    assert home == ((401, 200) if "api_keys" in settings else (200, 200))


def test_wrong_settings_stop_the_start_with_their_names(tmp_path: Path) -> None:
    ended = start(tmp_path, "serve", workers="many", max_body="huge", log_level="loud", prot=1)
    assert ended.returncode == 2
    for text in (
        "DARKROOM_WORKERS='many'",
        "DARKROOM_MAX_BODY='huge'",
        "DARKROOM_LOG_LEVEL='loud'",
    ):
        assert text in ended.stderr
    assert "DARKROOM_PROT is not a setting: did you mean DARKROOM_PORT?" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_env_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DARKROOM_TASK_TIMEOUT=soon\n", encoding="utf-8")
    ended = start(tmp_path, "serve")
    assert ended.returncode == 2
    assert "DARKROOM_TASK_TIMEOUT='soon'" in ended.stderr


def test_a_log_file_that_cannot_be_opened_stops_the_start(tmp_path: Path) -> None:
    ended = start(tmp_path, "serve", "--port", "0", log_file=tmp_path)
    assert ended.returncode == 2
    assert "DARKROOM_LOG_FILE" in ended.stderr


def test_a_key_is_never_shown(tmp_path: Path) -> None:
    ended = start(tmp_path, "serve", api_keys=f"{KEYS[0]},short\tone", workers="many")
    assert ended.returncode == 2
    assert KEYS[0] not in ended.stderr + ended.stdout
