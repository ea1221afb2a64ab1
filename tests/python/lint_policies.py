"""Lints IAM policy documents with parliament: prints what it finds, as JSON.

Reads a JSON list on stdin: [{"name": name, "policy": document as text}, …]. Prints a list of
{"name", "issue", "detail"}, one for each action where an issue names several.
"""

import json
import sys

import parliament


def details(finding):
    """One text for each action that a finding is about."""
    detail = finding.detail
    if not isinstance(detail, list):
        return [str(detail)]
    return [
        f"{entry['action']} wants {entry['required_format']}" if isinstance(entry, dict) else entry
        for entry in detail
    ]


def covered_elsewhere(entry, statements):
    """
    Whether some statement of the same document names a resource that the action wants.

    parliament judges each statement alone. An action on several types of resource may well name
    them in several statements, with a condition of its own for each.
    """
    return any(
        statement["Effect"] == "Allow"
        and entry["action"].lower() in [action.lower() for action in as_list(statement["Action"])]
        and any(
            serves(entry["required_format"], resource)
            for resource in as_list(statement["Resource"])
        )
        for statement in statements
    )


def serves(required_format, resource):
    if required_format == "*":
        return resource == "*"
    return parliament.is_arn_match("", required_format, resource)


def as_list(value):
    return value if isinstance(value, list) else [value]


def lint(name, text):
    policy = parliament.analyze_policy_string(text, ignore_private_auditors=True)
    statements = json.loads(text)["Statement"]
    for finding in policy.findings:
        if finding.issue == "RESOURCE_MISMATCH":
            finding.detail = [
                entry for entry in finding.detail if not covered_elsewhere(entry, statements)
            ]
        for detail in details(finding):
            yield {"name": name, "issue": finding.issue, "detail": detail}


print(
    json.dumps(
        [
            finding
            for document in json.load(sys.stdin)
            for finding in lint(document["name"], document["policy"])
        ]
    )
)
