import { boundsDots } from "./boundsDots";
import { card, label } from "./shapes";
import type { SystemPods } from "./system";

/** Where cards of pods are, below one another. */
export const PODS = { x: 668, width: 336, height: 86, gap: 16 };

/** The height of so many cards of pods. */
export function podsHeight(count: number): number {
  return count * (PODS.height + PODS.gap) - PODS.gap;
}

/** Pods of one kind with their replicas, their machines, and a line of what else is to say. */
export function podsCard(pods: SystemPods, y: number, more: readonly string[]): string {
  const colour = pods.devices?.includes("neuron") ? "neuron" : "gpu";
  const x = PODS.x + 20;
  const facts = [
    [pods.machines, pods.capacity].filter(Boolean).join(", "),
    pods.devices,
    pods.limit && `pool limit ${pods.limit.split(" ")[0]}`,
  ];
  return [
    card(PODS.x, y, PODS.width, PODS.height),
    `<rect class="${colour}" x="${PODS.x}" y="${y + 10}" width="5" height="${PODS.height - 20}" rx="2.5"/>`,
    label(x, y + 25, pods.name, "title"),
    ...boundsDots(
      { min: pods.minReplicas ?? 0, max: pods.maxReplicas ?? 0 },
      { x: PODS.x + PODS.width - 18, y: y + 20, colour },
      "replicas",
    ),
    label(x, y + 48, facts.filter(Boolean).join(" · "), "soft"),
    label(x, y + 69, more.join(" · "), "soft"),
  ].join("");
}
