import type { ModelFacts, ModelState } from "./modelState";
import type { Route } from "./observe/route";

/** Something said on an object, as `kubectl describe` shows it. */
export interface Notice {
  readonly type: "Normal" | "Warning";
  /** One word, e.g. `FailedOver`. */
  readonly reason: string;
  readonly message: string;
}

/** What has become of fail-over's own switch. */
export function switchNotice(direction: "over" | "back", { reason: message }: ModelState): Notice {
  return direction === "over"
    ? { type: "Warning", reason: "FailedOver", message }
    : { type: "Normal", reason: "ReturnedToConfig", message };
}

/** What has become of a person's pin; undefined: there is none, and was none. */
export function pinNotice(
  route: Route | undefined,
  { pin }: ModelFacts,
  before: ModelState | undefined,
  { reason }: ModelState,
): Notice | undefined {
  if (route?.pin !== undefined && route.pin.mode === undefined)
    return {
      type: "Warning",
      reason: "PinIgnored",
      message: `"${route.pin.text}" is no mode: cost and capacity are.`,
    };
  if (pin !== undefined) return { type: "Normal", reason: "Pinned", message: reason };
  const wasPinned = before?.reason.startsWith("pinned") ?? false;
  return wasPinned ? { type: "Normal", reason: "Unpinned", message: reason } : undefined;
}

/** Somebody else writes what fail-over owns. */
export const overwritten: Notice = {
  type: "Warning",
  reason: "RouteOverwritten",
  message: "Somebody else wrote this route's rules; fail-over owns them. To hold a mode, pin it.",
};
