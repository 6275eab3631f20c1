"""The manifests for Kubernetes are valid, agree with the code, and ask for no rights."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.middleware import _OPEN_PATHS
from service.settings import ServerSettings, load_settings
from tests.test_cluster_files import SERVICES
from tests.test_packaging import KEY, SETTINGS, of

Manifest = dict[str, Any]

FOLDER = Path(__file__).parent.parent / "deploy" / "kubernetes"
VERSION = kubernetes_validate.latest_version()
OLDEST = "1.30"
DEPLOYMENTS = ("darkroom-api", "darkroom-scheduler", "darkroom-workers")


def read(path: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


BASE = read(FOLDER / "kustomization.yaml")[0]
MANIFESTS = {
    f"{manifest['kind']} {manifest['metadata']['name']}": manifest
    for name in BASE["resources"]
    for manifest in read(FOLDER / name)
}


def pod(name: str) -> Manifest:
    found: Manifest = MANIFESTS[f"Deployment {name}"]["spec"]["template"]
    return found


def container(name: str) -> Manifest:
    (found,) = pod(name)["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def config(name: str) -> dict[str, str]:
    found: dict[str, str] = MANIFESTS[f"ConfigMap {name}"]["data"]
    return found


@pytest.mark.parametrize("version", [OLDEST, VERSION])
@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_valid(name: str, version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


def test_every_file_is_part_of_the_base() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(BASE["resources"]) == files


def test_no_secret_is_inside() -> None:
    assert {manifest["kind"] for manifest in MANIFESTS.values()}.isdisjoint({"Secret"})
    for name in ("darkroom", "darkroom-objects"):
        assert [key for key in config(name) if re.search("KEY|SECRET|PASSWORD|STORE", key)] == []


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_containers_run_without_rights(name: str) -> None:
    spec = pod(name)["spec"]
    (line,) = [line for line in of("RUN") if "useradd" in line]
    (user,) = re.findall(r"--uid (\d+)", line)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == int(user)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    for one in spec["containers"] + spec.get("initContainers", []):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_containers_say_what_they_need(name: str) -> None:
    resources = container(name)["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert "memory" in resources["limits"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_the_names_of_services_do_not_become_settings(name: str) -> None:
    # The service `darkroom` would be DARKROOM_PORT=tcp://10.0.0.1:80 in each pod.
    assert pod(name)["spec"]["enableServiceLinks"] is False


def test_what_is_configured_are_settings_and_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    given = config("darkroom")
    assert [name for name in given if name.startswith("DARKROOM_") and name not in SETTINGS] == []
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    secret = {"DARKROOM_API_KEYS": KEY, "DARKROOM_STORE": "mongodb://mongo/darkroom"}
    for name, value in (given | secret).items():
        monkeypatch.setenv(name, value)
    load_settings().server.check_listening()


def test_probes_ask_routes_that_are_there_and_need_no_key(app: FastAPI) -> None:
    one = container("darkroom-api")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        path = one[probe]["httpGet"]["path"]
        assert path in app.openapi()["paths"]
        assert path in _OPEN_PATHS
    assert one["readinessProbe"]["httpGet"]["path"] == "/readyz"


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_probes_ask_ports_that_are_there(name: str) -> None:
    one = container(name)
    ports = {port["name"] for port in one["ports"]}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        (asked,) = [value["port"] for value in one[probe].values() if isinstance(value, dict)]
        assert asked in ports


def test_ports_are_those_that_are_listened_on() -> None:
    ports = {
        name: {port["name"]: port["containerPort"] for port in container(name)["ports"]}
        for name in DEPLOYMENTS
    }
    assert ports["darkroom-api"] == {"http": int(config("darkroom")["DARKROOM_PORT"])}
    listening = {"dask": int(option(container("darkroom-scheduler")["args"], "--port"))}
    assert ports["darkroom-scheduler"].items() >= listening.items()
    for name in DEPLOYMENTS[1:]:
        http = option(container(name)["args"], "--dashboard-address")
        assert http == f":{ports[name]['http']}"
    scheduler = f"darkroom-scheduler:{listening['dask']}"
    assert container("darkroom-workers")["args"][2] == f"tcp://{scheduler}"
    assert config("darkroom")["DARKROOM_ENGINE"] == f"dask://{scheduler}"


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_the_scheduler_does_not_keep_what_it_has_sent() -> None:
    values = {one["name"]: one["value"] for one in container("darkroom-scheduler")["env"]}
    assert int(values["DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH"]) <= 10


@pytest.mark.parametrize("name", ["scheduler", "worker"])
def test_dask_is_started_as_by_compose(name: str) -> None:
    here = container("darkroom-scheduler" if name == "scheduler" else "darkroom-workers")["args"]
    there = SERVICES[name]["command"]
    changed = {"${WORKER_THREADS:-2}": "2", "tcp://scheduler:8786": "tcp://darkroom-scheduler:8786"}
    assert here == [changed.get(word, word) for word in there]


def test_services_budgets_and_policies_mean_pods_that_are_there() -> None:
    pods = [pod(name)["metadata"]["labels"] for name in DEPLOYMENTS]
    selectors = [
        manifest["spec"].get("selector") or manifest["spec"]["podSelector"]
        for manifest in MANIFESTS.values()
        if manifest["kind"] in ("Service", "PodDisruptionBudget", "NetworkPolicy", "Deployment")
    ]
    assert len(selectors) == 10
    for selector in selectors:
        wanted = selector.get("matchLabels", selector).items()
        assert sum(wanted <= labels.items() for labels in pods) == 1


def test_the_end_of_a_server_has_the_time_that_it_takes() -> None:
    spec, one = pod("darkroom-api")["spec"], container("darkroom-api")
    pause = int(one["lifecycle"]["preStop"]["exec"]["command"][1])
    ending = float(config("darkroom")["DARKROOM_SHUTDOWN_TIMEOUT"].removesuffix("s"))
    assert spec["terminationGracePeriodSeconds"] > pause + ending
    assert ending >= ServerSettings.model_fields["shutdown_timeout"].default


def test_the_autoscaler_follows_a_metric_that_the_servers_tell(client: TestClient) -> None:
    (found,) = MANIFESTS["HorizontalPodAutoscaler darkroom-workers"]["spec"]["metrics"]
    name = found["external"]["metric"]["name"]
    assert f"\n{name} " in client.get("/metrics").text
    (rule,) = read(FOLDER / "monitoring/prometheus-adapter.yaml")[0]["rules"]["external"]
    assert rule["name"]["as"] == name
    assert rule["seriesQuery"].startswith(f"{name}{{")


def test_prometheus_scrapes_ports_and_a_route_that_are_there(app: FastAPI) -> None:
    names = {port["name"] for name in DEPLOYMENTS for port in container(name)["ports"]}
    for monitor in read(FOLDER / "monitoring/podmonitor.yaml"):
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert endpoint["port"] in names
        assert endpoint["path"] in app.openapi()["paths"]


def test_the_scheduler_is_open_to_servers_and_workers_only() -> None:
    dask, prometheus = MANIFESTS["NetworkPolicy darkroom-scheduler"]["spec"]["ingress"]
    assert dask["ports"] == [{"port": 8786}]
    near = [one["podSelector"]["matchLabels"] for one in dask["from"]]
    assert [labels["app.kubernetes.io/component"] for labels in near] == ["api", "worker"]
    assert prometheus["ports"] == [{"port": 8787}]


def test_what_is_compiled_is_copied_from_where_the_image_has_it() -> None:
    (line,) = of("ENV")
    (place,) = re.findall(r"NUMBA_CACHE_DIR=(\S+)", line)
    for name in ("darkroom-api", "darkroom-workers"):
        (first,) = pod(name)["spec"]["initContainers"]
        assert first["command"][2] == f"{place}/."
        mounts = {one["name"]: one["mountPath"] for one in container(name)["volumeMounts"]}
        assert mounts["compiled"] == place
        assert first["command"][3] == first["volumeMounts"][0]["mountPath"]
