"""The cluster of `docker-compose.yml` agrees with the code, and gives nothing away."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer
from pymongo.uri_parser import parse_uri

from service.settings import ServerSettings, load_settings
from tests.balancer import SHIPPED
from tests.live import environment
from tests.test_packaging import KEY, SETTINGS, compose, of

Service = dict[str, Any]
SERVICES: dict[str, Service] = compose()["services"]
CLUSTER = {name for name, service in SERVICES.items() if service.get("profiles") == ["cluster"]}
SERVERS = {name for name in SERVICES if name.startswith("api-")}
LONG = CLUSTER - {"bucket"}
OTHERS = {"objects"}
"""Images of others that want rights of root at their start."""


def test_without_the_profile_there_is_the_single_service_and_its_database() -> None:
    assert SERVICES.keys() - CLUSTER == {"darkroom", "mongo"}
    assert {"api-1", "api-2"} == SERVERS


@pytest.mark.parametrize("name", sorted(CLUSTER))
def test_a_service_is_built_here_or_pinned_to_a_version(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        assert (service["build"], "image" in service) == (".", False)
    else:
        assert re.fullmatch(r"[\w/-]+:\d+(\.\d+)+", service["image"])


def test_every_secret_comes_from_the_environment_and_has_no_default() -> None:
    found = {
        (name, variable): str(value)
        for name, service in SERVICES.items()
        for variable, value in service.get("environment", {}).items()
        if re.search(r"PASSWORD|SECRET|API_KEYS", variable)
    }
    assert len(found) >= 6
    wrong = {
        where: value
        for where, value in found.items()
        if not re.fullmatch(r"\$\{\w+(:\?set it in \.env[^}]*|:-)\}", value)
    }
    assert wrong == {}


@pytest.mark.parametrize("name", sorted(CLUSTER))
def test_a_service_gains_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("cap_drop") == (None if name in OTHERS else ["ALL"])


@pytest.mark.parametrize("name", sorted(LONG))
def test_a_service_that_goes_on_is_looked_after(name: str) -> None:
    service = SERVICES[name]
    # The servers' own is in the image.
    assert ("healthcheck" in service) != (name in SERVERS)
    assert service["restart"] == "unless-stopped"
    grace = float(service["stop_grace_period"].removesuffix("s"))
    assert grace > ServerSettings.model_fields["shutdown_timeout"].default


def test_only_the_balancer_can_be_reached_and_from_this_machine_only() -> None:
    published = {name: SERVICES[name]["ports"] for name in CLUSTER if "ports" in SERVICES[name]}
    assert published == {"balancer": ["127.0.0.1:${BALANCER_PORT:-8080}:8080"]}


def test_the_scheduler_can_be_reached_by_servers_and_workers_only() -> None:
    near = {name for name, service in SERVICES.items() if "compute" in service.get("networks", [])}
    assert near == SERVERS | {"scheduler", "worker", "objects", "bucket"}
    assert SERVICES["scheduler"]["networks"] == ["compute"]


def test_the_scheduler_does_not_keep_what_it_has_sent() -> None:
    kept = SERVICES["scheduler"]["environment"]["DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH"]
    assert int(kept) <= 10


def test_what_is_named_is_there() -> None:
    found = compose()
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= SERVICES.keys()
        named = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert {one for one in named if not one.startswith(".")} <= found["volumes"].keys()
    assert set(found["networks"]) == {"compute"}


def test_databases_and_objects_have_volumes_of_their_own() -> None:
    used = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    names = [volume.partition(":")[0] for volume in used]
    assert (names.count("mongo"), names.count("objects")) == (1, 1)


def test_workers_see_the_folders_and_objects_that_the_servers_see() -> None:
    server, worker = SERVICES["api-1"], SERVICES["worker"]
    assert server["volumes"] == worker["volumes"]
    access = {name for name in server["environment"] if name.startswith("AWS_")}
    assert {name: server["environment"][name] for name in access} == worker["environment"]


def test_the_settings_of_the_servers_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, value in SERVICES["api-1"]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:[?-][^}]*\}", KEY, value))
    settings = load_settings()
    settings.server.check_listening()
    assert SERVICES["api-1"] == SERVICES["api-2"]


def test_the_cluster_has_a_database_of_its_own() -> None:
    urls = [SERVICES[name]["environment"]["DARKROOM_STORE"] for name in ("darkroom", "api-1")]
    names = [parse_uri(re.sub(r"\$\{[^}]*\}", KEY, url))["database"] for url in urls]
    assert names == ["darkroom", "cluster"]


def test_the_balancer_hands_on_to_the_servers_of_the_cluster() -> None:
    named = re.findall(r"^\s*server (\S+:\d+)", SHIPPED.read_text(encoding="utf-8"), re.MULTILINE)
    (port,) = {SERVICES[name]["environment"]["DARKROOM_PORT"] for name in SERVERS}
    assert set(named) == {f"{name}:{port}" for name in SERVERS}
    (mount,) = SERVICES["balancer"]["volumes"]
    assert (SHIPPED.parents[2] / mount.partition(":")[0]).samefile(SHIPPED)


def test_workers_are_given_what_the_scheduler_listens_on() -> None:
    scheduler, worker = (SERVICES[name]["command"] for name in ("scheduler", "worker"))
    port = scheduler[scheduler.index("--port") + 1]
    assert worker[2] == f"tcp://scheduler:{port}"
    assert SERVICES["api-1"]["environment"]["DARKROOM_ENGINE"] == f"dask://scheduler:{port}"
    module = worker[worker.index("--preload") + 1]
    assert find_spec(module) is not None


def test_workers_find_the_code_of_the_image() -> None:
    # `dask` is a program elsewhere, which does not look into the folder that it is started in.
    (line,) = of("ENV")
    assert f"PYTHONPATH={of('WORKDIR')[0]}" in line.split()


def start_objects(folder: Path, secret: str) -> "subprocess.CompletedProcess[str]":
    """Run the script of the object store with a program in place of the store's."""
    program = folder / "weed"
    program.write_text(f'#!/bin/sh\necho "$@"\ncat {folder}/s3.json\n')
    program.chmod(0o755)
    service = SERVICES["objects"]
    (script,) = service["command"]
    given = {"S3_ACCESS_KEY": service["environment"]["S3_ACCESS_KEY"], "S3_SECRET_KEY": secret}
    return subprocess.run(
        [*service["entrypoint"], script.replace("$$", "$").replace("/tmp/", f"{folder}/")],
        env=given | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_the_object_store_knows_the_key_of_the_servers_and_no_other(tmp_path: Path) -> None:
    done = start_objects(tmp_path, KEY)
    arguments, _, config = done.stdout.partition("\n")
    assert "-s3.ip.bind=0.0.0.0" in arguments.split(), done.stderr
    (identity,) = json.loads(config)["identities"]
    access = SERVICES["api-1"]["environment"]["AWS_ACCESS_KEY_ID"]
    assert identity["credentials"] == [{"accessKey": access, "secretKey": KEY}]
    assert (tmp_path / "s3.json").stat().st_mode & 0o077 == 0


def test_the_object_store_does_not_start_without_a_key(tmp_path: Path) -> None:
    done = start_objects(tmp_path, "")
    assert done.returncode != 0
    assert "set it in .env" in done.stderr


@pytest.fixture
def store() -> Iterator[str]:
    """An S3 server."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_the_bucket_is_made_once(store: str) -> None:
    service = SERVICES["bucket"]
    given = service["environment"] | {"AWS_ENDPOINT_URL_S3": store, "AWS_SECRET_ACCESS_KEY": KEY}
    for _ in range(2):
        command = [sys.executable, *service["command"][1:]]
        done = subprocess.run(
            command, env=environment() | given, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
    roots = SERVICES["api-1"]["environment"]["DARKROOM_READ_ROOTS"].split(",")
    (bucket,) = [root.removeprefix("s3://") for root in roots if root.startswith("s3://")]
    assert f"store.mkdir('{bucket}')" in service["command"][-1]


def test_dask_s_health_is_asked_where_its_server_listens() -> None:
    for name in ("scheduler", "worker"):
        command, check = SERVICES[name]["command"], SERVICES[name]["healthcheck"]["test"]
        port = command[command.index("--dashboard-address") + 1].removeprefix(":")
        assert f"HTTPConnection('127.0.0.1', {port}," in check[-1]
