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
    ...replicaDots(pods, colour, y + 20),
    label(x, y + 48, facts.filter(Boolean).join(" · "), "soft"),
    label(x, y + 69, more.join(" · "), "soft"),
  ].join("");
}

/** Filled: the minimum of replicas; hollow: up to the maximum, as far as there is room. */
function replicaDots({ minReplicas = 0, maxReplicas = 0 }: SystemPods, colour: string, y: number) {
  const room = 8;
  const right = PODS.x + PODS.width - 18;
  const range = `${minReplicas}–${maxReplicas}`;
  if (maxReplicas > room) return [label(right + 4, y + 4, `${range} replicas`, "soft", "end")];
  return Array.from({ length: maxReplicas }, (_, index) => {
    const x = right - (maxReplicas - 1 - index) * 14;
    const hollow = index >= minReplicas ? "hollow " : "";
    return `<circle class="${hollow}${colour}" cx="${x}" cy="${y}" r="4.5"/>`;
  });
}
