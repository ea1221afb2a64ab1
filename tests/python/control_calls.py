"""Makes managed endpoints and deletes them, on moto: prints what was there, as JSON.

Reads a JSON list on stdin: [{"name", "service", "operation", "parameters"}, …], the calls that
create, in their order and as check_inputs.py takes them. Deletes in the reverse order. Prints
  kept        for each call what it asked for, and what the API then tells of it, as a list
  made        how many things of each kind there are before the first is deleted
  unattached  after every call: what is there without that which it belongs to
  left        how many of each kind there are in the end

moto lets pass what AWS refuses, such as a policy without its scaling target, and what AWS would
leave behind, such as a scaling target without its endpoint. This script looks for both.
"""

import contextlib
import io
import json
import os
import sys

os.environ.update(
    AWS_DEFAULT_REGION="us-west-2", AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing"
)

import boto3  # noqa: E402
from botocore import xform_name  # noqa: E402
from moto import mock_aws  # noqa: E402
from moto.sagemaker.models import FakeEndpointConfig, SageMakerModelBackend  # noqa: E402

question = json.load(sys.stdin)
# check_inputs.py answers as soon as it is imported.
sys.stdin = io.StringIO("[]")
with contextlib.redirect_stdout(io.StringIO()):
    from check_inputs import adapt, model

OF_TARGET = ["ServiceNamespace", "ResourceId", "ScalableDimension"]

# By the call that creates: the call that deletes, and the parameters that say which one.
DELETIONS = {
    "CreateModel": ("DeleteModel", ["ModelName"]),
    "CreateEndpointConfig": ("DeleteEndpointConfig", ["EndpointConfigName"]),
    "CreateEndpoint": ("DeleteEndpoint", ["EndpointName"]),
    "RegisterScalableTarget": ("DeregisterScalableTarget", OF_TARGET),
    "PutScalingPolicy": ("DeleteScalingPolicy", ["PolicyName", *OF_TARGET]),
    "PutScheduledAction": ("DeleteScheduledAction", ["ScheduledActionName", *OF_TARGET]),
}

# What moto takes and then does not tell.
FORGOTTEN = {
    "CreateModel": ["EnableNetworkIsolation"],
    "CreateEndpointConfig": ["EnableNetworkIsolation", "ExecutionRoleArn", "VpcConfig"],
    "CreateEndpoint": ["DeploymentConfig"],
}

# moto's list of instance types has no inf2, g5 and g6; check_inputs.py goes by AWS's own.
FakeEndpointConfig.validate_instance_type = lambda _self, _instance_type: None

models_exist = SageMakerModelBackend.validate_production_variants


def models_exist_where_named(self, variants):
    """moto does not know that a variant for inference components has no model."""
    models_exist(self, [variant for variant in variants if "ModelName" in variant])


SageMakerModelBackend.validate_production_variants = models_exist_where_named


def parameters_of(call):
    shape = model(call["service"]).operation_model(call["operation"]).input_shape
    return adapt(call["parameters"], shape, call["operation"])


def key_of(operation, thing):
    return {parameter: thing[parameter] for parameter in DELETIONS[operation][1]}


class Account:
    """What is there, as the API tells."""

    def __init__(self):
        self.clients = {
            service: boto3.client(service) for service in ("sagemaker", "application-autoscaling")
        }

    def send(self, service, operation, parameters):
        return getattr(self.clients[service], xform_name(operation))(**parameters)

    def things(self):
        """All that is there, by the call that creates it."""
        return {
            "CreateModel": self.described("Model"),
            "CreateEndpointConfig": self.described("EndpointConfig"),
            "CreateEndpoint": self.described("Endpoint"),
            "RegisterScalableTarget": self.scaling("ScalableTargets"),
            "PutScalingPolicy": self.scaling("ScalingPolicies"),
            "PutScheduledAction": self.scaling("ScheduledActions"),
        }

    def described(self, kind):
        summaries = self.all(f"{kind}s", "sagemaker", f"List{kind}s", {"MaxResults": 100})
        names = [summary[f"{kind}Name"] for summary in summaries]
        return [self.send("sagemaker", f"Describe{kind}", {f"{kind}Name": name}) for name in names]

    def scaling(self, kinds):
        of_sagemaker = {"ServiceNamespace": "sagemaker"}
        return self.all(kinds, "application-autoscaling", f"Describe{kinds}", of_sagemaker)

    def all(self, kinds, service, operation, parameters):
        answer = self.send(service, operation, parameters)
        assert answer.get("NextToken") is None, f"{operation} has a second page"
        return answer[kinds]


def unattached(things):
    """What is there without that which it belongs to."""
    models = {it["ModelName"] for it in things["CreateModel"]}
    configs = {it["EndpointConfigName"] for it in things["CreateEndpointConfig"]}
    variants = {
        f"endpoint/{it['EndpointName']}/variant/{variant['VariantName']}"
        for it in things["CreateEndpoint"]
        for variant in it["ProductionVariants"]
    }
    targets = [key_of("RegisterScalableTarget", it) for it in things["RegisterScalableTarget"]]
    for config in things["CreateEndpointConfig"]:
        for variant in config["ProductionVariants"]:
            if "ModelName" in variant and variant["ModelName"] not in models:
                yield f"configuration {config['EndpointConfigName']} without its model"
    for endpoint in things["CreateEndpoint"]:
        if endpoint["EndpointConfigName"] not in configs:
            yield f"endpoint {endpoint['EndpointName']} without its configuration"
    for target in targets:
        if target["ResourceId"] not in variants:
            yield f"scaling target {target['ResourceId']} without its endpoint"
    for policy in things["PutScalingPolicy"]:
        if key_of("RegisterScalableTarget", policy) not in targets:
            yield f"policy {policy['PolicyName']} without its target {policy['ResourceId']}"
    for action in things["PutScheduledAction"]:
        if key_of("RegisterScalableTarget", action) not in targets:
            name = action["ScheduledActionName"]
            yield f"action {name} without its target {action['ResourceId']}"


def kept(operation, parameters, things):
    asked = {
        key: value for key, value in parameters.items() if key not in FORGOTTEN.get(operation, [])
    }
    of_it = [
        thing
        for thing in things[operation]
        if key_of(operation, thing) == key_of(operation, parameters)
    ]
    return {"asked": asked, "there": [{key: thing.get(key) for key in asked} for thing in of_it]}


def counted(things):
    return {operation: len(those) for operation, those in things.items()}


@mock_aws
def make_and_delete(calls):
    account = Account()
    loose = []

    def send(call, operation, parameters):
        account.send(call["service"], operation, parameters)
        loose.extend(f"after {operation}: {what}" for what in unattached(account.things()))

    made = [(call, call["operation"], parameters_of(call)) for call in calls]
    for step in made:
        send(*step)
    things = account.things()
    answer = {
        "kept": [
            {"name": call["name"], **kept(operation, parameters, things)}
            for call, operation, parameters in made
        ],
        "made": counted(things),
    }
    for call, operation, parameters in reversed(made):
        send(call, DELETIONS[operation][0], key_of(operation, parameters))
    return {**answer, "unattached": loose, "left": counted(account.things())}


print(json.dumps(make_and_delete(question)))
