"""docs/openapi.yaml: is it OpenAPI, is it whole, and does it say what the sources say?"""

import json
import pathlib
import re
import sys

import jsonschema
import pytest

from tree import ROOT, assert_none

sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import openapi  # noqa: E402  (the path comes first)

SPECIFICATION = pathlib.Path("/usr/share/openapi-specification/schemas/v3.0/schema.json")
OPERATIONS = list(openapi.operations())
NAMES = [f"{method} {path}" for method, path, _, _ in OPERATIONS]


def nodes(node, path=""):
    """Every mapping of the document, and where it stands."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from nodes(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from nodes(value, f"{path}/{index}")


def names_in(header, table):
    """The texts of an X-macro table."""
    text = (ROOT / header).read_text(encoding="utf-8")
    body = re.search(rf"#define {table}\(X\)(.*?)\n(?!    |\s*X)", text, re.DOTALL).group(1)
    return re.findall(r'X\(\w+, "(\w+)"\)', body)


def test_it_is_openapi():
    schema = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    errors = jsonschema.Draft4Validator(schema).iter_errors(openapi.document())
    assert_none([f"{'/'.join(map(str, error.path))}: {error.message[:200]}" for error in errors])


def test_references_lead_somewhere_and_components_are_used():
    used = set()
    for _, node in nodes(openapi.document()):
        if "$ref" in node:
            openapi.resolve(node)
            used.add(node["$ref"])
    components = openapi.document()["components"]
    there = {f"#/components/{kind}/{name}" for kind in components if kind != "securitySchemes"
             for name in components[kind]}
    described_in_words = {f"#/components/schemas/{name}" for name in ("LiveEvent", "BulkResult")}
    assert there - used == described_in_words


def test_schemas_are_schemas():
    for name, schema in openapi.document()["components"]["schemas"].items():
        jsonschema.Draft7Validator.check_schema(openapi.to_json_schema(schema))
        assert schema.get("type") or schema.keys() & {"allOf", "anyOf"}, name


def test_examples_are_examples():
    """Of contents and of parameters, each against its schema."""
    count = 0
    for path, node in nodes(openapi.document()):
        if "example" in node and "schema" in node:
            openapi.check(node["example"], node["schema"])
            count += 1
        elif path.endswith("/content/application/json") and "/responses/" in path:
            raise AssertionError(f"{path} has no example")
    assert count > 40


@pytest.mark.parametrize("method, path, operation, parameters", OPERATIONS, ids=NAMES)
def test_every_operation_is_whole(method, path, operation, parameters):
    assert operation["operationId"] and operation["summary"]
    in_path = {p["name"] for p in parameters if p["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", path))
    assert len({(p["in"], p["name"]) for p in parameters}) == len(parameters)
    statuses = set(operation["responses"])
    assert any(status.startswith("2") for status in statuses)
    for status in statuses:
        answer = openapi.response(method, path, status)
        if int(status) >= 400 and path != "/readyz":
            assert list(answer["content"]) == ["application/problem+json"]
            assert answer["content"]["application/problem+json"]["example"]["status"] == int(status)
    if path.startswith("/v1"):
        assert {"400", "401", "403", "429", "503"} <= statuses
    else:
        assert operation["security"] == []
    if "requestBody" in operation:
        assert {"413", "415"} <= statuses


def test_operation_ids_are_unique():
    ids = [operation["operationId"] for _, _, operation, _ in OPERATIONS]
    assert len(set(ids)) == len(ids)


def test_the_routes_are_those_of_the_sources():
    table = (ROOT / "src/api/routes.h").read_text(encoding="utf-8")
    routes = set(re.findall(r'X\((\w+), +"([^"]+)"', table))
    described = {(method, path) for method, path, _, _ in OPERATIONS}
    operations = {("GET", path) for path in ("/healthz", "/readyz", "/metrics")}
    assert described == routes | operations


@pytest.mark.parametrize("header, table, schema, identity", [
    ("include/link/link.h", "LINK_FIELDS", "Link", "code"),
    ("include/link/campaign.h", "CAMPAIGN_FIELDS", "Campaign", "id")])
def test_the_fields_are_those_of_the_sources(header, table, schema, identity):
    fields = [identity, *names_in(header, table)]
    schemas = openapi.document()["components"]["schemas"]
    assert list(schemas[schema]["properties"]) == fields
    ours = {"used"}  # brinco counts it: record_field_is_ours()
    assert list(schemas[f"{schema}Write"]["properties"]) == [f for f in fields if f not in ours]


def test_the_words_are_those_of_the_sources():
    schemas = openapi.document()["components"]["schemas"]
    assert schemas["List"]["enum"] == names_in("include/stats/query.h", "STATS_LISTS")
    outcomes = names_in("include/base/vocabulary.h", "TAP_OUTCOMES")
    assert schemas["Counts"]["allOf"][1]["properties"]["outcomes"]["required"] == outcomes
    roles = schemas["Routes"]["properties"]["routes"]["items"]["properties"]["role"]["enum"]
    assert roles == names_in("include/api/token.h", "API_ROLES")


def test_the_limits_are_those_of_the_sources():
    sizes = {"src/api/json_fields.h": r"JSON_FIELDS_BYTES_MAX = (256) \* 1024",
             "include/api/server.h": r"API_BULK_BYTES_MAX = (64) \* 1024 \* 1024",
             "src/api/bulk.c": r"LINE_BYTES_MAX = (64) \* 1024",
             "include/link/store.h": r"STORE_PAGE_LIMIT_MAX = (1000)",
             "src/api/idempotency.h": r"IDEMPOTENCY_KEY_BYTES_MAX = (255)"}
    changed = [f"{name}: {pattern}" for name, pattern in sizes.items()
               if not re.search(pattern, (ROOT / name).read_text(encoding="utf-8"))]
    assert_none(changed)
    text = openapi.document()["info"]["description"]
    assert "256 KiB" in text and "64 MiB" in text and "nested at most 8" in text
