"""The description of the API, the pages that show it, and the examples in it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient

from processors.registry import registry
from tests.live import ROOT

METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "trace"}


@pytest.fixture(scope="module")
def description(repository_client: TestClient) -> dict[str, Any]:
    return cast(dict[str, Any], repository_client.get("/openapi.json").json())


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each route."""
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        yield from (found for item in value.values() for found in references(item))
    if isinstance(value, list):
        yield from (found for item in value for found in references(item))


def resolve(description: dict[str, Any], reference: str) -> Any:
    found: Any = description
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


# ------------------------------------------------------------------------------- structure


def test_it_is_openapi_3_1(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1.")
    assert description["info"]["title"] == "Darkroom"
    assert description["info"]["version"]
    assert set(description) <= {"openapi", "info", "paths", "components", "tags", "servers"}


def test_every_reference_resolves(description: dict[str, Any]) -> None:
    found = set(references(description))
    assert len(found) > 10
    for reference in found:
        assert isinstance(resolve(description, reference), dict)


def test_every_route_has_what_a_reader_looks_for(description: dict[str, Any]) -> None:
    found = list(operations(description))
    assert len(found) >= 11
    for method, path, operation in found:
        assert method in METHODS
        assert operation["summary"], path
        assert {"200", "201", "202", "204"} & set(operation["responses"]), path
    identifiers = [operation["operationId"] for _, _, operation in found]
    assert len(set(identifiers)) == len(identifiers)


def test_the_original_route_is_where_bookmarks_lead(description: dict[str, Any]) -> None:
    """`/docs#/default/create_request_items__post`: no tag, and this id."""
    operation = description["paths"]["/items/"]["post"]
    assert operation["operationId"] == "create_request_items__post"
    assert "tags" not in operation


def test_every_parameter_of_a_path_is_described(description: dict[str, Any]) -> None:
    for _, path, operation in operations(description):
        named = {
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "path"
        }
        assert named == set(re.findall(r"{(\w+)}", path))


def test_every_route_tells_its_problems(description: dict[str, Any]) -> None:
    for _, path, operation in operations(description):
        content = operation["responses"]["4XX"]["content"]
        assert set(content) == {"application/problem+json"}, path
        schema = resolve(description, content["application/problem+json"]["schema"]["$ref"])
        assert list(schema["properties"]) == ["type", "title", "status", "detail", "errors"]


def test_every_operation_is_in_the_schema_with_its_fields(description: dict[str, Any]) -> None:
    items = description["components"]["schemas"]["BatchRequest"]["properties"]["operations"][
        "items"
    ]
    named = set(references(items))
    for operation in registry():
        assert f"#/components/schemas/{operation.__name__}" in named
        schema = description["components"]["schemas"][operation.__name__]
        for field in operation.parameters():
            assert schema["properties"][field]["description"], (operation.name(), field)


def test_the_upload_is_described_as_it_is_read(description: dict[str, Any]) -> None:
    content = description["paths"]["/v1/process"]["post"]["requestBody"]["content"]
    assert {"multipart/form-data", "application/octet-stream"} <= set(content)


# ------------------------------------------------------------------------------- the pages


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_pages_use_their_own_assets_alone(repository_client: TestClient, page: str) -> None:
    response = repository_client.get(page)
    assert response.status_code == 200
    assert "//" not in re.sub(r"<!--.*?-->|// .*", "", response.text, flags=re.DOTALL)
    assets = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    assert any(asset.endswith(".js") for asset in assets)
    for asset in assets:
        assert asset.startswith("/")
        assert repository_client.get(asset).status_code == 200, asset


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_pages_may_load_nothing_from_elsewhere(
    repository_client: TestClient, page: str
) -> None:
    """ReDoc's script asks for a logo of its maker: the browser is told not to fetch it."""
    policy = repository_client.get(page).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'")
    assert "http" not in policy
    assert "*" not in policy


def test_the_styles_load_nothing_from_elsewhere(repository_client: TestClient) -> None:
    styles = repository_client.get("/static-offline-docs/swagger-ui.css").text
    assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", styles)


# ------------------------------------------------------------------------------- the examples


def examples(media: dict[str, Any], description: dict[str, Any]) -> list[Any]:
    """What "Try it out" offers: named examples, else those of the schema."""
    named = [example["value"] for example in media.get("examples", {}).values()]
    schema = media["schema"]
    schema = resolve(description, schema["$ref"]) if "$ref" in schema else schema
    return named or schema.get("examples", [])


@pytest.mark.parametrize("path", ["/items/", "/v1/batches", "/v1/plan"])
def test_the_examples_of_bodies_work_as_they_stand(
    repository_client: TestClient,
    description: dict[str, Any],
    repository_outputs: None,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    media = description["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    bodies = examples(media, description)
    assert bodies
    for body in bodies:
        with_files(repository_client, path, body, monkeypatch)


def with_files(
    client: TestClient, path: str, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Post an example in the root of the repository; what it writes is removed again."""
    monkeypatch.chdir(ROOT)
    before = written()
    try:
        response = client.post(path, json=body)
        assert response.status_code == 200
        answer = response.json()
        assert not any(result["error"] for result in answer.get("results", []))
        assert not any(found["error"] for found in answer.get("plans", []))
        assert response.headers.get("Darkroom-Skipped", "0") == "0" or not body["images"]
        writes = path != "/v1/plan" and bool(body["images"])
        assert (written() != before) == writes
    finally:
        for made in sorted(written().keys() - before.keys(), reverse=True):
            made.rmdir() if made.is_dir() else made.unlink()


def written() -> dict[Path, int]:
    """All that is in the folders that results go to, and the folders, with their times."""
    folders = [folder for folder in (Path("output"), Path("testoutput")) if folder.is_dir()]
    paths = folders + [path for folder in folders for path in folder.rglob("*")]
    return {path: path.stat().st_mtime_ns for path in paths}


def kept(client: TestClient) -> None:
    """Store what the examples name."""
    photo = (ROOT / "testimages/cyclo1.jpg").read_bytes()
    for response in (
        client.post("/v1/images/scan"),
        client.put("/v1/recipes/thumbnail", json={"operations": ["resize=0.5"]}),
        client.post("/v1/collections/faces/images", files={"files": ("cyclo1.jpg", photo)}),
    ):
        assert response.is_success, response.text


NOT_TRIED = (
    "/v1/jobs/{id}",  # ids of jobs are random
    "/v1/camera/stream",  # it has no end
    "/v1/camera/pictures/{name}",  # there are none in the repository
    "/v1/camera/recordings/{name}",
)


def test_every_get_works_with_the_example_of_its_parameters(
    repository_client: TestClient, description: dict[str, Any]
) -> None:
    kept(repository_client)
    for method, path, operation in operations(description):
        if method != "get" or path.startswith(NOT_TRIED):
            continue
        query = {}
        for parameter in operation.get("parameters", []):
            if not parameter["required"] and "examples" not in parameter:
                continue
            (example, *_) = parameter["examples"].values()
            if parameter["in"] == "query":
                query[parameter["name"]] = example["value"]
            path = path.replace(f"{{{parameter['name']}}}", example["value"])
        assert repository_client.get(path, params=query).status_code == 200, path


def test_the_examples_of_the_query_work(
    repository_client: TestClient, description: dict[str, Any]
) -> None:
    query: dict[str, Any] = {}
    for parameter in description["paths"]["/v1/process"]["post"]["parameters"]:
        if "examples" in parameter["schema"]:
            query[parameter["name"]] = parameter["schema"]["examples"][0]
    assert set(query) == {"operations"}
    photo = (ROOT / "testimages/cyclo1.jpg").read_bytes()
    response = repository_client.post("/v1/process", params=query, content=photo)
    assert response.headers["Darkroom-Width"] == "512"


def test_the_examples_of_the_form_work(
    repository_client: TestClient, description: dict[str, Any]
) -> None:
    content = description["paths"]["/v1/process"]["post"]["requestBody"]["content"]
    properties = content["multipart/form-data"]["schema"]["properties"]
    fields = {
        name: field["examples"][0] for name, field in properties.items() if "examples" in field
    }
    assert set(fields) == set(properties) - {"file"}
    photo = (ROOT / "testimages/cyclo1.jpg").read_bytes()
    response = repository_client.post("/v1/process", files={"file": ("a.jpg", photo)}, data=fields)
    assert response.headers["Darkroom-Width"] == "512"


def test_the_example_of_each_operation_works(repository_client: TestClient) -> None:
    photo = (ROOT / "testimages/cyclo1.jpg").read_bytes()
    for entry in repository_client.get("/v1/operations").json():
        query = {"operations": entry["example"]}
        response = repository_client.post("/v1/process", params=query, content=photo)
        assert response.status_code == 200, (entry["name"], response.text)
