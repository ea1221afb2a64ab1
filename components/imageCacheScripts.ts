/**
 * What the image cache's automation runs: Python for `aws:executeScript`, which has boto3 and the
 * automation's role, and shell for the machine that pulls.
 */

import { CACHE_TAG_PREFIX } from "./imageBuildSpec";

/** A step's script and the function in it that is called. */
export interface StepScript {
  readonly handler: string;
  readonly source: string;
}

/**
 * Chooses what to pull: the images that the config names, and the youngest one in each of the
 * program's repositories, because an image is pushed before a config names it. What is not there
 * (yet) is left out. Says as well whether a younger execution has started, which then sees the same
 * pushes and more.
 */
export const chooseImages: StepScript = {
  handler: "choose_images",
  source: `import hashlib
import re
import boto3

REFERENCE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9./_:@-]*$")
RUNNING = ["Pending", "InProgress", "Waiting"]


def choose_images(events, context):
    ecr = boto3.client("ecr")
    repositories = {entry["url"]: entry["name"] for entry in events["repositories"]}
    chosen = set()
    for image in events["images"]:
        url, separator, version = split(image)
        if url not in repositories or exists(ecr, repositories[url], separator, version):
            chosen.add(image)
    for url, name in repositories.items():
        tag = youngest_tag(ecr, name)
        if tag is not None:
            chosen.add(f"{url}:{tag}")
    images = sorted(chosen)
    if not images:
        raise Exception("No image to cache: push one first.")
    for image in images:
        if not REFERENCE.match(image):
            raise Exception(f"Not an image reference: {image}")
    text = " ".join(images)
    return {
        "images": text,
        "hash": hashlib.sha256(text.encode()).hexdigest()[:16],
        "superseded": superseded(events["document"], events["execution"]),
    }


def split(image):
    if "@" in image:
        return image.partition("@")
    head, separator, tail = image.rpartition(":")
    return (head, separator, tail) if separator and "/" not in tail else (image, ":", "latest")


def exists(ecr, repository, separator, version):
    key = "imageDigest" if separator == "@" else "imageTag"
    try:
        return bool(ecr.describe_images(repositoryName=repository, imageIds=[{key: version}]))
    except ecr.exceptions.ImageNotFoundException:
        return False


def youngest_tag(ecr, repository):
    pages = ecr.get_paginator("describe_images").paginate(
        repositoryName=repository, filter={"tagStatus": "TAGGED"}
    )
    images = [image for page in pages for image in page["imageDetails"]]
    # Layers that builds keep are no image.
    images = [image for image in images if not image["imageTags"][0].startswith("${CACHE_TAG_PREFIX}")]
    images.sort(key=lambda image: image["imagePushedAt"])
    return images[-1]["imageTags"][0] if images else None


def superseded(document, execution):
    pages = boto3.client("ssm").get_paginator("describe_automation_executions").paginate(
        Filters=[
            {"Key": "DocumentNamePrefix", "Values": [document]},
            {"Key": "ExecutionStatus", "Values": RUNNING},
        ]
    )
    running = {
        entry["AutomationExecutionId"]: entry["ExecutionStartTime"]
        for page in pages
        for entry in page["AutomationExecutionMetadataList"]
        if entry["DocumentName"] == document
    }
    mine = running.pop(execution, None)
    return mine is not None and any(start > mine for start in running.values())
`,
};

/**
 * Deletes all but the youngest completed snapshots of this environment; never the one that the
 * config names, nor the one that is published.
 */
export const pruneSnapshots: StepScript = {
  handler: "prune_snapshots",
  source: `import boto3


def prune_snapshots(events, context):
    ec2 = boto3.client("ec2")
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in events["tags"].items()]
    filters.append({"Name": "status", "Values": ["completed"]})
    pages = ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], Filters=filters)
    snapshots = [snapshot for page in pages for snapshot in page["Snapshots"]]
    snapshots.sort(key=lambda snapshot: snapshot["StartTime"], reverse=True)
    spared = {snapshot["SnapshotId"] for snapshot in snapshots[: int(events["keep"])]}
    spared |= {events["inUse"], events["published"]}
    deleted = [s["SnapshotId"] for s in snapshots if s["SnapshotId"] not in spared]
    for snapshot in deleted:
        ec2.delete_snapshot(SnapshotId=snapshot)
    return {"deleted": deleted}
`,
};

/**
 * Terminates whatever this execution launched and deletes a snapshot that it started but did not
 * publish. Finds both by the execution's tag, so it needs nothing from steps that may have failed,
 * and ends within the two minutes that a cancelled automation has.
 */
export const cleanUp: StepScript = {
  handler: "clean_up",
  source: `import time
import boto3

ALIVE = ["pending", "running", "stopping", "stopped"]


def clean_up(events, context):
    ec2 = boto3.client("ec2")
    mine = {"Name": "tag:" + events["tag"], "Values": [events["execution"]]}
    terminated = set()
    # A machine shows up in EC2's listings some seconds after its launch.
    for attempt in range(3):
        alive = machines(ec2, [mine, {"Name": "instance-state-name", "Values": ALIVE}])
        if alive:
            ec2.terminate_instances(InstanceIds=alive)
            terminated.update(alive)
        time.sleep(events.get("pauseSeconds", 10))
    published = boto3.client("ssm").get_parameter(Name=events["parameter"])["Parameter"]["Value"]
    for snapshot in ec2.describe_snapshots(OwnerIds=["self"], Filters=[mine])["Snapshots"]:
        if snapshot["SnapshotId"] != published:
            ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])
    return {"terminated": sorted(terminated)}


def machines(ec2, filters):
    reservations = ec2.describe_instances(Filters=filters)["Reservations"]
    return [machine["InstanceId"] for r in reservations for machine in r["Instances"]]
`,
};

/** Runs a command of the host: the control container asks the admin container, which is root there. */
const onHost = "apiclient exec admin sheltie";

/**
 * Pulls images into the containerd namespace and image store that the kubelet reads.
 *
 * `host-ctr` is Bottlerocket's own tool for its host containers: unlike `ctr` it fetches ECR
 * credentials by the machine's role, so that no password passes through a command's parameters
 * (bottlerocket-os/bottlerocket-core-kit, sources/host-ctr). The label tells containerd's CRI plugin
 * that the image is the kubelet's.
 *
 * @param images a reference to the list, separated by spaces; each matches the pattern that
 *   {@link chooseImages} enforces, so that a shell sees words only
 */
export function pullCommands(images: string): readonly string[] {
  return [
    "set -eu",
    // The admin container is itself an image that the machine pulls after its boot.
    "for attempt in $(seq 60); do apiclient exec admin true && break; sleep 5; done",
    // A kubelet that joins no cluster would still collect images as garbage.
    `${onHost} systemctl stop kubelet || true`,
    `for image in ${images}; do`,
    `  ${onHost} host-ctr --containerd-socket /run/containerd/containerd.sock --namespace k8s.io ` +
      "pull-image --registry-config /etc/host-containers/host-ctr.toml " +
      '--label io.cri-containerd.image=managed --source "$image"',
    "done",
    `${onHost} sync`,
  ];
}
