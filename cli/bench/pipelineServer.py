"""What ours is compared to: one pipeline call for each request, as seed 001's app serves.

Source: aws-samples/scalable-hw-agnostic-inference, app/run-sd.py: the pipeline is loaded, called
once, and from then on called for each request, one after the other.

Settings: MODEL_PATH, PORT.
"""

import base64
import io
import os
import threading

import torch
import uvicorn
from diffusers import StableDiffusionPipeline
from fastapi import FastAPI
from pydantic import BaseModel

folder, port = os.environ["MODEL_PATH"], int(os.environ["PORT"])
pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
pipeline.set_progress_bar_config(disable=True)
# A pipeline is not made for threads: its scheduler keeps the state of a call.
turn = threading.Lock()
app = FastAPI()


class Request(BaseModel):
    prompt: str
    steps: int
    seed: int


def image_of(request: Request) -> bytes:
    generator = torch.Generator("cpu").manual_seed(request.seed)
    with turn:
        image = pipeline(
            request.prompt, num_inference_steps=request.steps, generator=generator
        ).images[0]
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@app.get("/readiness")
def readiness() -> dict[str, bool]:
    return {"ready": True}


@app.post("/v1/images/generations")
def generate(request: Request) -> dict[str, object]:
    return {"data": [{"b64_json": base64.b64encode(image_of(request)).decode()}]}


image_of(Request(prompt="warm-up", steps=2, seed=0))
uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")
