import { podDevices, suppliedDevices } from "../devices";
import { nodePoolsFor, scaledObjectType, targetOf } from "../replicas";
import { isSet } from "../resource";
import { type Area, stackRule } from "../rule";

const targetExists = stackRule({
  name: "scaled-object-target-exists",
  level: "mandatory",
  protectsFrom: "An autoscaler without anything to scale: the unit stays at one replica for ever.",
  remedy: "Name a Deployment of the same namespace in spec.scaleTargetRef.",
  types: [scaledObjectType],
  check: (scaled, stack, report) => {
    const { kind = "Deployment", name } = scaled.props.spec?.scaleTargetRef ?? {};
    if (targetOf(scaled, stack) === undefined)
      report(`scales the ${kind} ${name}, which is not in its namespace`);
  },
});

const deviceSupplied = stackRule({
  name: "scaled-object-device-supplied",
  level: "mandatory",
  protectsFrom: "Pods that ask for a chip that their machines do not have, and wait for ever.",
  remedy:
    "Let the pods' node selector choose a NodePool whose instance types carry the device that they request.",
  types: [scaledObjectType],
  check: (scaled, stack, report) => {
    const target = targetOf(scaled, stack);
    if (target === undefined) return;
    const devices = Object.keys(podDevices(target));
    if (devices.length === 0) return;
    const pools = nodePoolsFor(target, stack);
    if (pools.length === 0) report(`no NodePool has the labels that ${target.name} asks for`);
    for (const pool of pools) {
      const supplied = suppliedDevices(pool);
      for (const device of devices)
        if (supplied !== undefined && !supplied.has(device))
          report(
            `${target.name} requests ${device}, and the NodePool ${pool.name} supplies ${[...supplied.keys()].join(", ") || "none"}`,
          );
    }
  },
});

const fitsNodePool = stackRule({
  name: "scaled-object-fits-node-pool",
  level: "mandatory",
  protectsFrom:
    "Replicas that the autoscaler asks for and the NodePool's limit forbids: it looks like a shortage and is none.",
  remedy: "Raise the NodePool's limit, or lower maxReplicaCount.",
  types: [scaledObjectType],
  check: (scaled, stack, report) => {
    const target = targetOf(scaled, stack);
    const most = scaled.props.spec?.maxReplicaCount;
    if (target === undefined || most === undefined) return;
    const pools = nodePoolsFor(target, stack);
    for (const [device, each] of Object.entries(podDevices(target))) {
      const limits = pools.map(({ props }) => Number(props.spec?.limits?.[device] ?? Infinity));
      const room = limits.reduce((sum, limit) => sum + limit, 0);
      if (pools.length > 0 && most * each > room)
        report(`${most} replicas of ${each} ${device} want more than the limit of ${room}`);
    }
  },
});

const bounded = stackRule({
  name: "scaled-object-bounded",
  level: "mandatory",
  protectsFrom:
    "Scaling without end (KEDA's default is 100 replicas), and an autoscaler that scales down when it cannot see.",
  remedy: "Set maxReplicaCount, and a fallback for metrics that fail.",
  types: [scaledObjectType],
  check: ({ props }, _stack, report) => {
    const { minReplicaCount = 0, maxReplicaCount } = props.spec ?? {};
    if (!isSet(props.spec, "maxReplicaCount")) report("maxReplicaCount is not set");
    else if (maxReplicaCount < minReplicaCount)
      report(`maxReplicaCount is ${maxReplicaCount}, less than minReplicaCount ${minReplicaCount}`);
    if (minReplicaCount > 0 && !isSet(props.spec, "fallback")) report("fallback is not set");
  },
});

export const scaling: Area = {
  title: "Scaling",
  rules: [targetExists, deviceSupplied, fitsNodePool, bounded],
};
