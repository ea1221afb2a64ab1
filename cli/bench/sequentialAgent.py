"""An agent that does one thing after the other: what `npm run bench -- agent` compares ours to.

The order of its calls is that of the queue agent in aws-solutions-library-samples/
guidance-for-asynchronous-inference-with-stable-diffusion-on-aws, commit bfec8e2: receive one
message and wait up to 20 s for it, ask the runtime, put each image, put the rest of the answer,
publish, delete. It claims nothing, sends no heartbeats and keeps no states. The code is this
project's own, and talks to the runtime as our inference server's clients do.
"""

import base64
import json
import os
import uuid

import boto3
import requests

queue_url = os.environ["QUEUE_URL"]
bucket = os.environ["RESULTS_BUCKET"]
topic_arn = os.environ["RESULT_TOPIC_ARN"]
runtime = os.environ["RUNTIME"]
generations = os.environ["RUNTIME_URL"] + "/v1/images/generations"

sqs = boto3.client("sqs")
s3 = boto3.client("s3")
sns = boto3.client("sns")
http = requests.Session()


def put(key: str, body: bytes, content_type: str) -> str:
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
    return f"s3://{bucket}/{key}"


def run(message: dict) -> None:
    task = json.loads(message["Body"])
    metadata = task["metadata"]
    answer = http.post(generations, json=task["content"], timeout=(1, 300))
    answer.raise_for_status()
    data = answer.json()["data"]

    name = f"{metadata['prefix']}/{metadata['id']}/{metadata['id']}-{str(uuid.uuid4())[:4]}"
    images = [
        put(f"{name}-{number}.png", base64.b64decode(image["b64_json"]), "image/png")
        for number, image in enumerate(data, 1)
    ]
    output = put(f"{name}.out", json.dumps({"images": len(images)}).encode(), "application/json")
    sns.publish(
        TopicArn=topic_arn,
        Message=json.dumps(
            {
                "runtime": runtime,
                "id": metadata["id"],
                "result": True,
                "status": "completed",
                "image_url": images,
                "output_url": output,
                "context": metadata.get("context", {}),
            }
        ),
    )
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


while True:
    received = sqs.receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=1,
        WaitTimeSeconds=20,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    for message in received.get("Messages", []):
        run(message)
