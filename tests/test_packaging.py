"""The container, the Compose file and the environments agree with the code and with each other."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from pymongo.uri_parser import parse_uri

from service.environment import PREFIX
from service.settings import ServerSettings, load_settings, parts, variables
from tests.live import LiveServer, environment
from tests.pages import ROOT, TEXTS

KEY = "0123456789abcdef"
SETTINGS = {variable.name for part in parts().values() for variable in variables(part)}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def requirements(name: str) -> list[str]:
    """The lines of a file of requirements that name a package."""
    return [line for line in text(name).splitlines() if line[:1] not in ("", "#", "-")]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, each on one line."""
    lines = [line for line in text("Dockerfile").splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (name, " ".join(rest.split()))
        for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def of(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def image_settings() -> dict[str, str]:
    """The settings that the image fixes."""
    (line,) = of("ENV")
    pairs = (item.partition("=") for item in line.split())
    return {name: value for name, _, value in pairs if name.startswith(PREFIX)}


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text("docker-compose.yml"))
    return found


FILES = ["requirements.txt", "requirements-clouds.txt", "requirements-dev.txt"]


@pytest.mark.parametrize("name", FILES)
def test_every_package_is_pinned(name: str) -> None:
    marker = (
        r'(; sys_platform != "win32"|; platform_machine == "x86_64" and sys_platform == "linux")'
    )
    pinned = re.compile(rf"[a-z0-9-]+(\[\w+\])?==[\w.]+{marker}?")
    assert [line for line in requirements(name) if not pinned.fullmatch(line)] == []


def test_every_package_has_its_reason_in_the_docs_and_no_other_has() -> None:
    names = {re.split(r"[=\[]", line)[0] for name in FILES for line in requirements(name)}
    listed = re.findall(r"^\| `([\w-]+)` \| \S", TEXTS["docs/dependencies.md"], re.MULTILINE)
    assert sorted(listed) == sorted(names)


def test_the_conda_environment_has_the_same_packages() -> None:
    found = yaml.safe_load(text("conda_environment.yml"))
    (pip,) = [item["pip"] for item in found["dependencies"] if isinstance(item, dict)]
    assert pip == requirements("requirements.txt")
    assert found["name"] == "image-server"
    assert "pip" in found["dependencies"]


def test_every_environment_has_the_oldest_python_that_is_supported() -> None:
    oldest = tomllib.loads(text("pyproject.toml"))["project"]["requires-python"]
    version = oldest.removeprefix(">=")
    found = yaml.safe_load(text("conda_environment.yml"))
    assert f"python={version}" in found["dependencies"]
    assert of("FROM") == [f"python:{version}-slim-bookworm"]


def test_the_image_can_be_built_from_what_is_sent_to_the_builder() -> None:
    allowed = {line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")}
    sources = [source for line in of("COPY") for source in line.split()[:-1]]
    assert len(sources) >= 6
    assert [source for source in sources if not list(ROOT.glob(source))] == []
    assert [source for source in sources if source not in allowed] == []


def test_requirements_are_installed_before_the_code_is_copied() -> None:
    order = [f"{name} {rest}" for name, rest in instructions()]
    install = next(at for at, line in enumerate(order) if "pip install" in line)
    copies = [at for at, line in enumerate(order) if line.startswith("COPY")]
    assert [at < install for at in copies] == [True] + [False] * (len(copies) - 1)


def test_the_image_runs_as_a_user_without_rights() -> None:
    (user,) = of("USER")
    assert f" {user}" in next(line for line in of("RUN") if "useradd" in line)
    after = [name for name, _ in instructions()]
    assert set(after[after.index("USER") :]).isdisjoint({"RUN", "COPY", "ADD"})


def test_the_folders_that_the_image_writes_to_belong_to_its_user() -> None:
    owned = next(line for line in of("RUN") if "chown" in line).partition("chown")[2].split()[1:]
    settings = image_settings()
    store = str(PurePosixPath(settings["DARKROOM_STORE"].removeprefix("sqlite:///")).parent)
    written = {*settings["DARKROOM_WRITE_ROOTS"].split(","), settings["DARKROOM_LIBRARY"], store}
    assert set(owned) == written


def test_no_request_can_name_the_database_of_the_image() -> None:
    settings = image_settings()
    database = PurePosixPath("/app", settings["DARKROOM_STORE"].removeprefix("sqlite:///"))
    for name in ("DARKROOM_READ_ROOTS", "DARKROOM_WRITE_ROOTS"):
        roots = [PurePosixPath("/app", root) for root in settings[name].split(",")]
        assert [root for root in roots if database.is_relative_to(root)] == []


def test_the_library_of_the_container_is_in_its_volume() -> None:
    (volume,) = of("VOLUME")
    for settings in (image_settings(), compose_environment()):
        assert PurePosixPath(settings["DARKROOM_LIBRARY"]).is_relative_to(volume)


def test_the_command_gets_the_signals() -> None:
    # A list is run as it is; a line would be run by a shell, which keeps SIGTERM for itself.
    (command,) = of("CMD")
    assert json.loads(command) == ["python", "main.py", "serve"]


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The folder /app of the image."""
    for line in of("COPY"):
        *sources, target = line.split()
        for source in (found for pattern in sources for found in ROOT.glob(pattern)):
            if source.is_dir():
                shutil.copytree(source, tmp_path / target)
            else:
                (tmp_path / target).mkdir(exist_ok=True)
                shutil.copy(source, tmp_path / target)
    return tmp_path


def test_what_is_copied_is_enough_to_start(unpacked: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import main, service.cli; print(main.app.title)"],
        cwd=unpacked,
        env=environment(api_keys=KEY) | image_settings(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "Darkroom\n", done.stderr


def health_check(port: int) -> int:
    (line,) = of("HEALTHCHECK")
    command = json.loads(line.partition("CMD ")[2])
    assert command.pop(0) == "python"
    done = subprocess.run(
        [sys.executable, *command],
        env=environment(port=port),
        stderr=subprocess.DEVNULL,
        timeout=30,
    )
    return done.returncode


def test_the_health_check_tells_a_server_that_runs_from_one_that_does_not(tmp_path: Path) -> None:
    with LiveServer(tmp_path, workers=1, api_keys=KEY) as server:
        port = server.address[1]
        assert health_check(port) == 0
    assert health_check(port) != 0


def compose_environment() -> dict[str, str]:
    found: dict[str, str] = compose()["services"]["darkroom"]["environment"]
    return found


def test_compose_does_not_start_without_a_key() -> None:
    key = compose_environment()["DARKROOM_API_KEYS"]
    assert re.fullmatch(r"\$\{DARKROOM_API_KEYS:\?[^}]*\.env[^}]*\}", key)


def test_the_settings_of_the_container_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, value in (image_settings() | compose_environment()).items():
        monkeypatch.setenv(name, KEY if name == "DARKROOM_API_KEYS" else value)
    settings = load_settings()
    settings.server.check_listening()
    assert settings.server.host == "0.0.0.0"


def test_compose_publishes_the_port_that_the_service_listens_on_to_this_machine_only() -> None:
    (port,) = compose()["services"]["darkroom"]["ports"]
    assert port == "127.0.0.1:${DARKROOM_PORT:-8888}:" + compose_environment()["DARKROOM_PORT"]
    assert "ports" not in compose()["services"]["mongo"]


def test_each_service_keeps_its_data_in_a_volume_of_its_own() -> None:
    services = compose()["services"]
    assert services["darkroom"]["volumes"] == ["images:/data"]
    assert services["mongo"]["volumes"] == ["mongo:/data/db"]
    assert of("VOLUME") == ["/data"]


def test_the_database_is_pinned_and_has_a_health_check() -> None:
    mongo = compose()["services"]["mongo"]
    assert re.fullmatch(r"mongo:6\.0\.\d+", mongo["image"])
    assert mongo["healthcheck"]["test"][:2] == ["CMD", "mongosh"]


def test_compose_gives_the_service_the_user_of_the_database() -> None:
    services, password = compose()["services"], r"\$\{MONGO_PASSWORD:\?[^}]*\.env[^}]*\}"
    url, given = re.subn(password, KEY, compose_environment()["DARKROOM_STORE"])
    assert given == 1
    found = parse_uri(url)
    user = services["mongo"]["environment"]
    assert re.fullmatch(password, user["MONGO_INITDB_ROOT_PASSWORD"])
    assert (found["username"], found["password"]) == (user["MONGO_INITDB_ROOT_USERNAME"], KEY)
    assert found["nodelist"] == [("mongo", 27017)]
    assert found["options"]["authSource"] == "admin"
    assert "mongo" in services["darkroom"]["depends_on"]


def test_compose_leaves_requests_the_time_that_they_have() -> None:
    grace = compose()["services"]["darkroom"]["stop_grace_period"]
    assert float(grace.removesuffix("s")) > ServerSettings.model_fields["shutdown_timeout"].default
