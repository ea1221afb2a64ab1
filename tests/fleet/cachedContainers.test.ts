import assert from "node:assert/strict";
import {
  cachedContainer,
  cachedContainers,
  containerRegistry,
  nearestCachedContainer,
  startingImage,
} from "../../fleet/cachedContainers";

const registry = "763104351884.dkr.ecr.us-west-2.amazonaws.com";

/** Seed 004's column "Starting Container". */
const printed: Record<string, string> = {
  LMI: "djl-inference:0.31.0-lmi13.0.0-cu124",
  "LMI-TRT": "djl-inference:0.29.0-tensorrtllm0.11.0-cu124",
  "LMI-Neuron": "djl-inference:0.29.0-neuronx-sdk2.19.1",
  "TGI-GPU": "huggingface-pytorch-tgi-inference:2.4.0-tgi2.4.0-gpu-py311-cu124-ubuntu22.04-v2.0",
  "TGI-Neuron":
    "huggingface-pytorch-tgi-inference:2.1.2-optimum0.0.25-neuronx-py310-ubuntu22.04-v1.0",
  "Pytorch-GPU": "pytorch-inference:2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker",
  "Pytorch-CPU": "pytorch-inference:2.5.1-cpu-py311-ubuntu22.04-sagemaker",
  Triton: "sagemaker-tritonserver:24.09-py3",
};

const cached = (image: string) => cachedContainer(`${registry}/${image}`)?.name;
const nearest = (need: Parameters<typeof nearestCachedContainer>[0]) =>
  nearestCachedContainer(need).container.name;

describe("the cached containers", () => {
  it("are the seed's eight, each found by its own starting image", () => {
    assert.deepEqual(
      cachedContainers.map((one) => [one.name, startingImage(one, "us-west-2")]),
      Object.entries(printed).map(([name, image]) => [name, `${registry}/${image}`]),
    );
    for (const [name, image] of Object.entries(printed)) assert.equal(cached(image), name);
  });

  it("hold the seed's excerpt and benchmark image of LMI, above its starting version", () => {
    assert.equal(cached("djl-inference:0.30.0-lmi12.0.0-cu124"), "LMI");
    const [lmi] = cachedContainers;
    assert.deepEqual([lmi?.startingVersion, lmi?.startingTag.slice(0, 6)], ["0.29.0", "0.31.0"]);
  });

  it("hold later versions, and not earlier ones", () => {
    assert.equal(
      cached("pytorch-inference:2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker"),
      "Pytorch-GPU",
    );
    assert.equal(cached("pytorch-inference:2.10.0-cpu-py312-ubuntu22.04-sagemaker"), "Pytorch-CPU");
    assert.equal(
      cached("pytorch-inference:2.5.0-gpu-py311-cu124-ubuntu22.04-sagemaker"),
      undefined,
    );
    assert.equal(cached("sagemaker-tritonserver:25.01-py3"), "Triton");
    assert.equal(cached("sagemaker-tritonserver:24.05-py3"), undefined);
    assert.equal(cached("djl-inference:0.28.0-lmi10.0.0-cu124"), undefined);
    assert.equal(cached("djl-inference:latest"), undefined);
  });

  it("are SageMaker's, not those of the same repository for EC2", () => {
    assert.equal(cached("pytorch-inference:2.5.1-gpu-py311-cu124-ubuntu22.04-ec2"), undefined);
  });

  it("tell a repository's devices and engines apart", () => {
    assert.equal(cached("djl-inference:0.30.0-neuronx-sdk2.20.1"), "LMI-Neuron");
    assert.equal(cached("djl-inference:0.30.0-tensorrtllm0.12.0-cu125"), "LMI-TRT");
    assert.equal(
      cached("huggingface-pytorch-tgi-inference:2.1.2-tgi2.0.0-gpu-py310-cu121-ubuntu22.04"),
      undefined,
    );
  });

  it("are those of each region's own registry, and no copy in another", () => {
    assert.equal(
      containerRegistry("eu-central-1"),
      "763104351884.dkr.ecr.eu-central-1.amazonaws.com",
    );
    assert.equal(containerRegistry("me-south-1"), "217643126080.dkr.ecr.me-south-1.amazonaws.com");
    assert.equal(
      containerRegistry("cn-north-1"),
      "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn",
    );
    const image = printed["Pytorch-GPU"];
    for (const region of ["us-east-1", "me-south-1", "cn-north-1"]) {
      assert.equal(cachedContainer(`${containerRegistry(region)}/${image}`)?.name, "Pytorch-GPU");
    }
    for (const other of [
      "763104351884.dkr.ecr.me-south-1.amazonaws.com",
      "111122223333.dkr.ecr.us-west-2.amazonaws.com",
      "docker.io/library",
    ]) {
      assert.equal(cachedContainer(`${other}/${image}`), undefined);
    }
    assert.equal(
      cachedContainer(`${registry}/pytorch-inference@sha256:${"0".repeat(64)}`),
      undefined,
    );
  });

  it("say for each framework which carries our server, and why", () => {
    assert.equal(nearest({ device: "gpu", framework: "cuda" }), "Pytorch-GPU");
    assert.equal(nearest({ device: "gpu", framework: "triton" }), "Pytorch-GPU");
    assert.equal(nearest({ device: "neuron", framework: "neuron" }), "LMI-Neuron");
    assert.equal(nearest({ device: "cpu" }), "Pytorch-CPU");
    assert.match(nearestCachedContainer({ device: "gpu" }).reason, /hands on to ours/);
  });

  it("say for an image that is not cached which one is nearest", () => {
    const own = "111122223333.dkr.ecr.us-west-2.amazonaws.com";
    assert.equal(nearest(`${own}/diffusion-fleet/inference-server:1.2.0-neuron`), "LMI-Neuron");
    assert.equal(nearest(`${own}/diffusion-fleet/inference-server:1.2.0-cuda`), "Pytorch-GPU");
    assert.equal(nearest(`${own}/server-cpu:1.2.0`), "Pytorch-CPU");
    assert.equal(nearest(`${registry}/pytorch-inference:2.1.0-cpu-py310-sagemaker`), "Pytorch-CPU");
    assert.equal(nearest(`${registry}/djl-inference:0.26.0-neuronx-sdk2.16.0`), "LMI-Neuron");
    assert.equal(nearest(`${registry}/djl-inference:0.26.0-tensorrtllm0.7.1-cu122`), "LMI-TRT");
    assert.equal(nearest(`${own}/mirror/sagemaker-tritonserver:24.09-py3`), "Triton");
    assert.match(
      nearestCachedContainer(`${registry}/sagemaker-tritonserver:23.12-py3`).reason,
      /from 24\.09 on/,
    );
  });
});
