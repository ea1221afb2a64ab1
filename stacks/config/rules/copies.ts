/** Whether the copies of inference components have room on their endpoint's instances. */

import {
  componentCapacity,
  copyResources,
  type ManagedInstanceType,
} from "../../../fleet/managedInstances";
import type { Problem } from "../errors";
import type { ComponentEndpointConfig, InferenceComponentConfig } from "../sagemaker";

/** The copies that there always are have to be on the instances that there may be. */
export function roomProblems(
  key: string,
  { instances, components }: ComponentEndpointConfig,
  type: ManagedInstanceType,
): Problem[] {
  const capacity = componentCapacity(type);
  const copies = Object.values(components).flatMap((component) =>
    Array.from({ length: component.copies.min }, () => copyResources(type, component)),
  );
  const alone = copies.every((copy) => resources.every((it) => copy[it] <= capacity[it]));
  const wanted = alone ? instancesFor(copies, capacity) : 0;
  if (wanted <= instances.max) return [];
  return [
    {
      key: `${key}.instances.max`,
      value: instances.max,
      allowed: `${wanted} at least, which the components' least copies want on a ${type.name}`,
      reads: [`${key}.components`, `${key}.instanceType`],
    },
  ];
}

const resources = ["devices", "vcpus", "memoryMiB"] as const;

type Resources = Readonly<Record<(typeof resources)[number], number>>;

/** Instances that so many copies want: the largest first, each where there is room. */
function instancesFor(copies: readonly Resources[], capacity: Resources): number {
  const left: Record<(typeof resources)[number], number>[] = [];
  const bySize = [...copies].sort((a, b) => b.devices - a.devices || b.memoryMiB - a.memoryMiB);
  for (const copy of bySize) {
    let place = left.find((room) => resources.every((it) => copy[it] <= room[it]));
    if (place === undefined) {
      place = { ...capacity };
      left.push(place);
    }
    for (const it of resources) place[it] -= copy[it];
  }
  return left.length;
}

/** What a copy asks for has to be on one instance. */
export function fitProblems(
  key: string,
  component: InferenceComponentConfig,
  type: ManagedInstanceType,
): Problem[] {
  const capacity = componentCapacity(type);
  return resources.flatMap((resource) => {
    const wanted = component[resource];
    if (wanted === undefined || wanted <= capacity[resource]) return [];
    return [
      {
        key: `${key}.${resource}`,
        value: wanted,
        allowed: `at most ${capacity[resource]}, what a ${type.name} has`,
        reads: [`${key}.instanceType`],
      },
    ];
  });
}
