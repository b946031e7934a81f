"""docs/openapi.yaml, and whether an answer is what it says."""

import functools
import json
import pathlib

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
METHODS = ("get", "put", "post", "delete", "patch")


@functools.lru_cache(maxsize=1)
def document():
    return yaml.safe_load((ROOT / "docs/openapi.yaml").read_text(encoding="utf-8"))


def resolve(node, root=None):
    """What a reference stands for; anything else as it is."""
    while isinstance(node, dict) and "$ref" in node:
        target = root or document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def to_json_schema(node):
    """OpenAPI 3.0 says `nullable` where JSON Schema has a type of its own."""
    if isinstance(node, list):
        return [to_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: to_json_schema(value) for key, value in node.items()
           if key not in ("nullable", "example")}
    return {"anyOf": [out, {"type": "null"}]} if node.get("nullable") is True else out


@functools.lru_cache(maxsize=1)
def _resolver():
    components = {"schemas": to_json_schema(document()["components"]["schemas"])}
    return jsonschema.RefResolver("", {"components": components})


def check(value, schema):
    """Fails when the value does not fit the schema of the document."""
    jsonschema.Draft7Validator(
        to_json_schema(schema), resolver=_resolver(),
        format_checker=jsonschema.FormatChecker(formats=["date"])).validate(value)


def operations():
    """(METHOD, path, operation, parameters) of everything that is described."""
    for path, item in document()["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = item.get("parameters", []) + item[method].get("parameters", [])
                yield method.upper(), path, item[method], [resolve(p) for p in parameters]


def response(method, path, status):
    """The description of an answer; fails when there is none."""
    described = document()["paths"][path][method.lower()]["responses"]
    assert str(status) in described, f"{method} {path}: {status} is not described"
    return resolve(described[str(status)])


def check_answer(method, path, status, headers, body):
    """Whether a real answer is one of those described; path as the document has it."""
    described = response(method, path, status)
    content = described.get("content")
    if content is None:
        assert body == b""
        return
    kind = headers["Content-Type"].split(";")[0]
    assert kind in content, f"{method} {path}: {kind} is not described for {status}"
    schema = content[kind]["schema"]
    if kind in ("application/json", "application/problem+json"):
        check(json.loads(body), schema)
    for name in headers.keys():
        if name.startswith("Brinco-") or name in ("Retry-After", "Allow", "Location"):
            assert name in described.get("headers", {}), f"{method} {path} {status}: {name}"
