"""The schemas of docs/schemas hold for the documents that the library gives, which are those of the command's --json.

RECORD_SNAPSHOTS=1 writes the schema of recipe files anew from the library's table of settings.
"""
import json
import os
from pathlib import Path

import numpy as np
import pytest

import snug_onnx

jsonschema = pytest.importorskip("jsonschema")
ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "schemas"
DIGITS = ROOT / "fixtures" / "digits"


def check(document, name):
    from referencing import Registry, Resource

    schemas = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.glob("*.json")}
    registry = Registry().with_resources([(key, Resource.from_contents(schema)) for key, schema in schemas.items()])
    schema = schemas[f"{name}.schema.json"]
    jsonschema.Draft202012Validator.check_schema(schema)
    errors = jsonschema.Draft202012Validator(schema, registry=registry).iter_errors(document)
    assert not [f"{list(error.path)}: {error.message[:200]}" for error in errors]


@pytest.fixture(scope="module")
def data():
    test = np.load(DIGITS / "test.npz")
    return np.load(DIGITS / "calibration.npz")["x"], (test["x"], test["y"])


def test_inspections(data):
    check(snug_onnx.inspect(DIGITS / "model.onnx").raw, "inspect")
    check(snug_onnx.convert(DIGITS / "model.onnx", data[0], bias_bits=16).report.raw, "inspect")


def test_conversions_and_what_follows(data):
    x, test = data
    result = snug_onnx.convert(DIGITS / "model.onnx", x, validation=test, accumulator_bits=9)
    check(result.raw, "convert")
    check(snug_onnx.verify(result).raw, "verify")
    check(snug_onnx.verify(result, accumulator_bits=5).raw, "verify")
    check(snug_onnx.evaluate(result.model, test).raw, "evaluate")
    check(snug_onnx.export(result, "integer").raw, "export")


def test_trainings(data):
    x, test = data
    check(snug_onnx.finetune(DIGITS / "model.onnx", x, validation=test, loss="distill", epochs=2).raw, "convert")


def test_sweeps(data):
    x, test = data
    check(snug_onnx.sweep(DIGITS / "model.onnx", x, [9, 12], validation=test, method="exact,unconstrained",
                          recommend=3).raw, "sweep")


def test_doctor():
    check(snug_onnx.doctor(), "doctor")


def test_a_schema_refuses_another_document():
    with pytest.raises(AssertionError):
        check({"certified": "yes", "layers": []}, "verify")


def recipe_schema():
    """The schema of recipe files, which editors complete them by."""

    def described(setting):
        schema = {"description": setting["summary"] + "."}
        if "default" in setting:
            schema["description"] += f" Default: {setting['default']}."
        if setting["kind"] == "switch" or setting.get("values") == ["on", "off"]:
            schema["type"] = ["boolean", "string"]
        elif "values" in setting:
            schema["enum"] = setting["values"]
        return schema

    settings = {setting["name"]: described(setting) for setting in snug_onnx.settings("convert")}
    choice = {"max-loss", "minimize", "loss-samples"}
    members = {name: schema for name, schema in settings.items() if name not in choice}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "recipe.schema.json",
        "title": "A recipe file of snug, for --recipe", "type": "object", "additionalProperties": False,
        "properties": {
            **members,
            "layers": {
                "description": "Overrides for single layers.", "type": "array",
                "items": {
                    "type": "object", "required": ["match"],
                    "properties": {"match": {
                        "type": "string", "description": "A node's name, in which * stands for any characters."}},
                },
            },
        },
    }


def test_recipe_files_have_a_schema_of_the_settings():
    path = SCHEMAS / "recipe.schema.json"
    text = json.dumps(recipe_schema(), indent=2) + "\n"
    if os.environ.get("RECORD_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_the_recipe_in_a_model_fits_the_schema(data):
    onnx = pytest.importorskip("onnx")
    result = snug_onnx.convert(DIGITS / "model.onnx", data[0], layers=[{"match": "/conv1/Conv", "weight_bits": 8}])
    metadata = {entry.key: entry.value for entry in onnx.load_model_from_string(bytes(result.model)).metadata_props}
    check(json.loads(metadata["snug.recipe"]), "recipe")
