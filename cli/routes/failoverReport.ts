import {
  FAILOVER_SETTINGS_CONFIG_MAP,
  FAILOVER_SETTINGS_KEY,
  type FailoverSettings,
  failoverSettingsSchema,
} from "../../contracts/failover";
import type { ClusterObjects } from "./clusterObjects";
import { liveData, liveLease, parsed } from "./liveObjects";

/** Whether fail-over is on, and somebody does it. */
export interface FailoverReport {
  /**
   * `off`: there is nothing of it in the cluster. `running`: a controller holds the Lease.
   * `silent`: the Lease has expired. `never started`: nobody has ever held it.
   */
  readonly state: "off" | "running" | "silent" | "never started";
  /** The pod that leads, or did last; null: nobody, or between two. */
  readonly leader: string | null;
  readonly renewedAt: string | null;
  readonly settings: FailoverSettings | null;
  /** What cannot be read of it. */
  readonly problems: readonly string[];
}

/** What fail-over's own objects say; a ConfigMap or Lease that is not there is undefined. */
export function failoverReport(
  objects: Pick<ClusterObjects, "at" | "settings" | "status" | "lease">,
): FailoverReport {
  const isOff = [objects.settings, objects.status, objects.lease].every((it) => it === undefined);
  if (isOff) return { state: "off", leader: null, renewedAt: null, settings: null, problems: [] };
  const lease = liveLease(objects.lease);
  return {
    state:
      lease === undefined
        ? "never started"
        : objects.at - Date.parse(lease.renewedAt) > lease.lastsMs
          ? "silent"
          : "running",
    leader: lease?.holder ?? null,
    renewedAt: lease?.renewedAt ?? null,
    ...settingsIn(objects.settings),
  };
}

/**
 * A second look at a leader that seemed dead: whoever has renewed the Lease in between is alive, and
 * only its clock is wrong.
 */
export function secondLook(first: FailoverReport, second: FailoverReport): FailoverReport {
  if (second.state !== "silent" || second.renewedAt === first.renewedAt) return second;
  const problem = "The controller renews its Lease with a time long past: a clock is wrong.";
  return { ...second, state: "running", problems: [...second.problems, problem] };
}

function settingsIn(raw: unknown): Pick<FailoverReport, "settings" | "problems"> {
  const name = FAILOVER_SETTINGS_CONFIG_MAP;
  const text = liveData(raw)[FAILOVER_SETTINGS_KEY];
  if (text === undefined)
    return { settings: null, problems: [`The ConfigMap ${name} has no ${FAILOVER_SETTINGS_KEY}.`] };
  const result = parsed(text, failoverSettingsSchema);
  if ("value" in result) return { settings: result.value, problems: [] };
  const problem = `The ConfigMap ${name} cannot be read: ${result.mistake}`;
  return { settings: null, problems: [problem] };
}
