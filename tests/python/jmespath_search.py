"""Puts a JMESPath expression to a document, as `aws --query` does."""

import json
import sys

import jmespath

question = json.load(sys.stdin)
json.dump(jmespath.search(question["expression"], question["document"]), sys.stdout)
