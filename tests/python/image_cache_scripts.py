"""The image cache's scripts against moto: prints what each did, as JSON.

Reads a JSON object on stdin: {"chooseImages": source, "pruneSnapshots": source, "cleanUp": source}.
"""

import datetime
import hashlib
import json
import os
import sys

os.environ.update(
    AWS_DEFAULT_REGION="us-west-2", AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing"
)

import boto3  # noqa: E402
import botocore.client  # noqa: E402
from moto import mock_aws  # noqa: E402

HOUR = datetime.timedelta(hours=1)
START = datetime.datetime(2026, 8, 1, tzinfo=datetime.timezone.utc)

running = []
real_call = botocore.client.BaseClient._make_api_call


def call(self, operation, arguments):
    """moto does not know automation executions."""
    if operation == "DescribeAutomationExecutions":
        return {"AutomationExecutionMetadataList": running}
    return real_call(self, operation, arguments)


botocore.client.BaseClient._make_api_call = call


def load(source, handler):
    scope = {}
    exec(compile(source, handler, "exec"), scope)
    return scope[handler]


def push(repository, tag):
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"digest": "sha256:" + hashlib.sha256(tag.encode()).hexdigest()},
        "layers": [],
    }
    ecr = boto3.client("ecr")
    ecr.put_image(repositoryName=repository, imageManifest=json.dumps(manifest), imageTag=tag)


def choices(choose):
    ecr = boto3.client("ecr")
    url = {}
    for name in ["neuron", "cuda", "triton"]:
        made = ecr.create_repository(repositoryName=name)
        url[name] = made["repository"]["repositoryUri"]
    events = {
        "images": [f"{url['neuron']}:1.0", f"{url['cuda']}:1.0", "registry.example/tool:3"],
        "repositories": [{"name": name, "url": url[name]} for name in url],
        "document": "cache",
        "execution": "mine",
    }
    push("neuron", "1.0")
    push("neuron", "2.0")
    push("neuron", "cache-2.0")

    def chosen(**more):
        answer = choose({**events, **more}, None)
        answer["images"] = answer["images"].replace(url["neuron"], "NEURON").split(" ")
        return answer

    def start(id, hours, document="cache"):
        return {
            "AutomationExecutionId": id,
            "DocumentName": document,
            "ExecutionStartTime": START + hours * HOUR,
        }

    result = {"first": chosen(), "again": chosen()}
    running[:] = [start("mine", 1), start("older", 0), start("other", 2, "cache-of-another")]
    result["youngest"] = chosen()["superseded"]
    running[:] = [start("mine", 1), start("younger", 2)]
    result["overtaken"] = chosen()["superseded"]
    for name, images in {"none": [], "shell": ["a;reboot"]}.items():
        try:
            choose({**events, "repositories": [], "images": images}, None)
        except Exception as error:
            result[name] = str(error)
    return result


def snapshot(ec2, volume, tags):
    made = ec2.create_snapshot(
        VolumeId=volume,
        TagSpecifications=[
            {
                "ResourceType": "snapshot",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ],
    )
    return made["SnapshotId"]


def pruning(prune):
    ec2 = boto3.client("ec2")
    volume = ec2.create_volume(AvailabilityZone="us-west-2a", Size=1)["VolumeId"]
    tags = {"stack": "dev", "purpose": "image-cache"}
    ours = [snapshot(ec2, volume, tags) for _ in range(6)]
    theirs = snapshot(ec2, volume, {**tags, "stack": "prod"})
    answer = prune(
        {"tags": tags, "keep": "2", "inUse": ours[0], "published": ours[5]},
        None,
    )
    left = {s["SnapshotId"] for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]}
    return {
        "deleted": len(answer["deleted"]),
        "inUseLeft": ours[0] in left,
        "publishedLeft": ours[5] in left,
        "othersLeft": theirs in left,
    }


def cleaning(clean):
    ec2 = boto3.client("ec2")
    ssm = boto3.client("ssm")

    def launch(execution):
        made = ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": "execution", "Value": execution}]}
            ],
        )
        return made["Instances"][0]["InstanceId"]

    mine, theirs = launch("mine"), launch("theirs")
    volume = ec2.create_volume(AvailabilityZone="us-west-2a", Size=1)["VolumeId"]
    published = snapshot(ec2, volume, {"execution": "mine"})
    abandoned = snapshot(ec2, volume, {"execution": "mine"})
    ssm.put_parameter(Name="/p", Value=published, Type="String")
    events = {"tag": "execution", "execution": "mine", "parameter": "/p", "pauseSeconds": 0}
    answer = clean(events, None)
    clean(events, None)
    states = {
        machine["InstanceId"]: machine["State"]["Name"]
        for reservation in ec2.describe_instances()["Reservations"]
        for machine in reservation["Instances"]
    }
    left = {s["SnapshotId"] for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]}
    return {
        "terminated": answer["terminated"] == [mine],
        "mine": states[mine],
        "theirs": states[theirs],
        "publishedLeft": published in left,
        "abandonedLeft": abandoned in left,
    }


sources = json.load(sys.stdin)
with mock_aws():
    print(
        json.dumps(
            {
                "choices": choices(load(sources["chooseImages"], "choose_images")),
                "pruning": pruning(load(sources["pruneSnapshots"], "prune_snapshots")),
                "cleaning": cleaning(load(sources["cleanUp"], "clean_up")),
            }
        )
    )
