import assert from "node:assert/strict";
import { componentMinimum, managedInstanceNames } from "../../fleet/managedInstances";
import { describeWithPython } from "../python/python";

describeWithPython("managed instances at SageMaker", ["botocore"], (ask) => {
  const check = (list: readonly object[]) =>
    ask("check_inputs.py", list) as { name: string; message: string }[];
  const service = "sagemaker";

  it("are all types that it hosts endpoints on", () => {
    const config = (name: string) => ({
      name,
      service,
      operation: "CreateEndpointConfig",
      parameters: {
        EndpointConfigName: "a",
        ProductionVariants: [{ VariantName: "a", InstanceType: name }],
      },
    });
    assert.deepEqual(check(managedInstanceNames.map(config)), []);
    assert.equal(check([config("ml.inf2.2xlarge")]).length, 1);
  });

  it("take components of the least size, and no smaller ones", () => {
    const component = (name: string, { devices, vcpus, memoryMiB }: typeof least) => ({
      name,
      service,
      operation: "CreateInferenceComponent",
      parameters: {
        InferenceComponentName: "a",
        EndpointName: "a",
        Specification: {
          ComputeResourceRequirements: {
            NumberOfAcceleratorDevicesRequired: devices,
            NumberOfCpuCoresRequired: vcpus,
            MinMemoryRequiredInMb: memoryMiB,
          },
        },
      },
    });
    const least: { devices: number; vcpus: number; memoryMiB: number } = componentMinimum;
    const refused = check([
      component("least", least),
      component("devices", { ...least, devices: 0.5 }),
      component("vcpus", { ...least, vcpus: 0.2 }),
      component("memory", { ...least, memoryMiB: 127 }),
    ]);
    assert.deepEqual([...new Set(refused.map(({ name }) => name))], ["devices", "vcpus", "memory"]);
  });
});
