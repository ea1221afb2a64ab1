"""Checks parameters of AWS calls against botocore's service models: prints what is wrong, as JSON.

Reads a JSON list on stdin: [{"name", "service", "operation", "parameters"}, …]. Parameters have the
API's names but for upper and lower case, and plain maps may stand for lists of Key (or Name) and
Value. Prints a list of {"name", "message"}.

botocore's own validator knows types, required members and lower bounds. Upper bounds, enums and
patterns are in its models too, and are checked here.
"""

import functools
import json
import re
import sys

import botocore.session
from botocore.validate import ParamValidator

SESSION = botocore.session.get_session()
VALIDATOR = ParamValidator()

# What Java's regular expressions, which the models are written in, know and Python's do not.
JAVA_CLASSES = {
    r"\p{L}": "A-Za-z\u00c0-\u024f",
    r"\p{M}": "\u0300-\u036f",
    r"\p{N}": "0-9",
    r"\p{Nd}": "0-9",
    r"\p{S}": "$+<=>^`|~",
    r"\p{P}": r"!-#%-*,-/:;?@\[-\]_{}",
    r"\p{Z}": r"\s",
    r"\p{Zs}": " ",
    r"\p{Alnum}": "A-Za-z0-9",
    r"\p{Graph}": "!-~",
    r"\p{Print}": " -~",
}


@functools.cache
def model(service):
    return SESSION.get_service_model(service)


@functools.cache
def compiled(pattern):
    # Characters beyond 16 bits, which Java writes as two.
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    for java, python in JAVA_CLASSES.items():
        inside = re.sub(r"(\[(?:[^\]\\]|\\.)*?)" + re.escape(java), lambda m: m[1] + python, pattern)
        while inside != pattern:
            pattern = inside
            inside = re.sub(
                r"(\[(?:[^\]\\]|\\.)*?)" + re.escape(java), lambda m: m[1] + python, pattern
            )
        pattern = pattern.replace(java, f"[{python}]")
    # Flags in the middle, which Python refuses: "s" holds anyway, "i" only widens a refusal.
    return re.compile(re.sub(r"\(\?[is]+\)", "", pattern), re.DOTALL)


class Unknown(Exception):
    """A parameter that the API does not have."""


def adapt(value, shape, where):
    """The value as the call takes it: members by their real names, scalars by their types."""
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {member.lower(): member for member in shape.members}
        adapted = {}
        for key, inner in value.items():
            member = names.get(key.lower())
            if member is None:
                raise Unknown(f"{where}.{key} is no parameter of the API")
            adapted[member] = adapt(inner, shape.members[member], f"{where}.{member}")
        return adapted
    if shape.type_name == "list":
        return [
            adapt(inner, shape.member, f"{where}[{index}]")
            for index, inner in enumerate(entries(value, shape))
        ]
    if shape.type_name == "map" and isinstance(value, dict):
        return {
            key: adapt(inner, shape.value, f"{where}.{key}") for key, inner in value.items()
        }
    return scalar(value, shape)


def entries(value, shape):
    if isinstance(value, dict) and shape.member.type_name == "structure":
        names = {member.lower(): member for member in shape.member.members}
        key = names.get("key") or names.get("name")
        if key is not None and "value" in names:
            return [{key: k, names["value"]: v} for k, v in value.items()]
    return value if isinstance(value, list) else [value]


def scalar(value, shape):
    if shape.type_name == "string":
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, (int, float)) else value
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(value, value)
    if shape.type_name in ("integer", "long") and re.fullmatch(r"-?\d+", str(value)):
        return int(value)
    return value


def problems(value, shape, where):
    """Whatever ParamValidator lets pass."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for key, inner in value.items():
            yield from problems(inner, shape.members[key], f"{where}.{key}")
    elif shape.type_name == "list":
        yield from above(len(value), shape, f"{where}, its number of entries,")
        for index, inner in enumerate(value):
            yield from problems(inner, shape.member, f"{where}[{index}]")
    elif shape.type_name == "map":
        for key, inner in value.items():
            yield from problems(key, shape.key, f"a key of {where}")
            yield from problems(inner, shape.value, f"{where}.{key}")
    elif shape.type_name == "string":
        yield from above(len(value), shape, f"{where}, its length,")
        enum = getattr(shape, "enum", [])
        if enum and value not in enum:
            yield f"{where} is {value!r}; allowed: {', '.join(enum)}"
        pattern = shape.metadata.get("pattern")
        if pattern is not None and not compiled(pattern).fullmatch(value):
            yield f"{where} is {value[:200]!r}, which does not match {pattern}"
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from above(value, shape, where)


def above(number, shape, where):
    most = shape.metadata.get("max")
    if most is not None and number > most:
        yield f"{where} is {number}; at most {most}"


def check(call):
    shape = model(call["service"]).operation_model(call["operation"]).input_shape
    try:
        parameters = adapt(call["parameters"], shape, call["operation"])
    except Unknown as error:
        return [str(error)]
    report = VALIDATOR.validate(parameters, shape)
    if report.has_errors():
        return [f"{call['operation']}: {report.generate_report()}"]
    return list(problems(parameters, shape, call["operation"]))


print(
    json.dumps(
        [
            {"name": call["name"], "message": message}
            for call in json.load(sys.stdin)
            for message in check(call)
        ]
    )
)
