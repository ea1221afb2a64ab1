/**
 * Fail-over as the program configures it, the controller does it and `fleet routes` shows it.
 *
 * A unit is in a shortage when it wants machines that EC2 does not have. The controller then moves
 * the model's traffic off it, and back when a machine was launched and some time has passed.
 */

import * as z from "zod";
import { routingModes } from "../fleet/targets";

/** ConfigMap with the settings, under the key `settings.json`; read again when it changes. */
export const FAILOVER_SETTINGS_CONFIG_MAP = "failover-settings";
export const FAILOVER_SETTINGS_KEY = "settings.json";

/** ConfigMap that the controller writes: what it knows and does, a key `MODEL.json` per model. */
export const FAILOVER_STATUS_CONFIG_MAP = "failover-status";

/** Name of the controller: of its Deployment, its service account, its Lease. */
export const FAILOVER_CONTROLLER = "failover-controller";

/** Who owns the routes' rules and the ScaledObjects' triggers while fail-over is on. */
export const FAILOVER_FIELD_MANAGER = "diffusion-fleet-failover";

/**
 * Annotation of HTTPRoutes and ScaledObjects: who writes rules and triggers. Pulumi sets it to
 * {@link FAILOVER_CONTROLLER} or to `pulumi`; that it changes makes Pulumi write the object when
 * fail-over is turned off, and the controller write no more while it still runs.
 */
export const TRAFFIC_OWNER_ANNOTATION = "diffusion-fleet.io/traffic-owner";

/** Annotation of an HTTPRoute by which a person holds a model in a mode, `cost` or `capacity`. */
export const PIN_ANNOTATION = "diffusion-fleet.io/pin-mode";
/** Why, and who; shown in the status and by `fleet routes`. */
export const PIN_REASON_ANNOTATION = "diffusion-fleet.io/pin-reason";

/** Label of a capacity probe's pods: the unit that they ask a machine for. */
export const PROBE_LABEL = "diffusion-fleet.io/probe-of";

/**
 * Why a unit has no machine.
 *
 * `capacity`: EC2 has none (or none in the reservation). `quota`: of vCPUs, spot requests or
 * fleets. `subnet`: no free address. `unsupported`: not offered as requested. `permission`: spot's
 * service-linked role is missing. `node-class`: the EC2NodeClass is missing. `limit`: the NodePool
 * is at its own limit. `launch`: another error of the launch. `unknown`: Karpenter does not say.
 */
export const shortageCauses = [
  "capacity",
  "quota",
  "subnet",
  "unsupported",
  "permission",
  "node-class",
  "limit",
  "launch",
  "unknown",
] as const;

export type ShortageCause = (typeof shortageCauses)[number];

/** `switch`: all of a model's traffic to capacity mode. `reweight`: each unit by what it has. */
export const failoverStrategies = ["switch", "reweight"] as const;

export const failoverSettingsSchema = z.strictObject({
  strategy: z
    .enum(failoverStrategies)
    .default("switch")
    .describe(
      "`switch`: the model goes to capacity mode; `reweight`: a unit's weight is scaled by the share of its replicas that are ready.",
    ),
  actOn: z
    .array(z.enum(shortageCauses))
    .min(1)
    .refine((causes) => new Set(causes).size === causes.length, "each cause once")
    .default(["capacity"])
    .describe("Causes of missing machines that move traffic; the others are reported."),
  confirmSeconds: z
    .number()
    .min(0)
    .max(60)
    .default(2)
    .describe("How long a shortage must last before traffic moves; at most `dwellSeconds`."),
  holdSeconds: z
    .number()
    .min(190, "not less than the three minutes for which Karpenter hides a sold-out offering")
    .max(3600)
    .default(190)
    .describe(
      "How long evidence counts without news of it: Karpenter hides a sold-out offering for three minutes.",
    ),
  recoverSeconds: z
    .number()
    .min(0)
    .max(3600)
    .default(300)
    .describe(
      "How long after a launch, without a new shortage, traffic moves back; less than `probeMinutes`, unless that is 0.",
    ),
  dwellSeconds: z
    .number()
    .min(0)
    .max(86400)
    .default(600)
    .describe("How long a model stays failed over at least; not less than `confirmSeconds`."),
  maxSwitchesPerHour: z
    .int()
    .min(2)
    .max(3600)
    .default(5)
    .describe(
      "Switches of a model in any hour, there and back. One is always left for the way out, so 3 are one way out and back, 5 are two; with 2, traffic stays away for an hour.",
    ),
  probeMinutes: z
    .number()
    .min(0)
    .max(120)
    .default(15)
    .describe(
      "How long a capacity probe may hold a machine in one shortage: longer than `recoverSeconds`. 0: no probes, and traffic moves back on silence.",
    ),
});

export type FailoverSettings = z.infer<typeof failoverSettingsSchema>;

const time = z.iso.datetime();

/** A unit as fail-over sees it. Times are ISO 8601, UTC. */
export const unitStatusSchema = z.looseObject({
  /**
   * `well`; `suspected`: evidence that is not confirmed yet; `short`; `recovering`: a machine was
   * launched after the last evidence.
   */
  state: z.enum(["well", "suspected", "short", "recovering"]),
  /** Since when it is in that state. */
  since: time,
  ready: z.int(),
  desired: z.int(),
  /** Pods that wait for a machine, and since when there have been any. */
  pending: z.int(),
  pendingSince: time.optional(),
  /** What is known of missing machines, acted on or not. */
  evidence: z
    .looseObject({
      cause: z.enum(shortageCauses),
      /** What it was seen on, e.g. `NodeClaim dev-sd21-inf2-neuron-x7k2p`. */
      source: z.string(),
      /** What Karpenter said. */
      message: z.string(),
      firstSeen: time,
      lastSeen: time,
    })
    .optional(),
  /** The last launch of a machine of this unit. */
  launchedAt: time.optional(),
  /** Replicas wanted when the shortage began or since: what `ready` is compared with. */
  wanted: z.int().optional(),
  probe: z.enum(["off", "waiting", "running"]),
  /** When a probe was first on a machine that was launched for it. */
  probeStartedAt: time.optional(),
  /** Until when there is no probe: the last one found a machine that was left over. */
  probeRestsUntil: time.optional(),
  /** Times that a probe has found a machine that was left over, in this shortage. */
  leftovers: z.int().optional(),
  /** Whether it was short since the model was last as configured. */
  affected: z.boolean(),
});

export type UnitStatus = z.infer<typeof unitStatusSchema>;

/** A model as fail-over sees it; also all that a controller needs to go on after a restart. */
export const modelStatusSchema = z.looseObject({
  model: z.string(),
  /** What the route does. */
  mode: z.enum(routingModes),
  configuredMode: z.enum(routingModes),
  /** When fail-over moved traffic away from what is configured; absent: it has not. */
  failedOverSince: time.optional(),
  pin: z.looseObject({ mode: z.enum(routingModes), reason: z.string().optional() }).optional(),
  /** In a sentence, why the route is as it is, and since when. */
  reason: z.string(),
  since: time,
  /** Weight by Service. */
  weights: z.record(z.string(), z.int()),
  units: z.record(z.string(), unitStatusSchema),
  /** Fail-over's own switches in the last hour. */
  switches: z.array(time),
  /** What keeps the controller from doing what it wants; absent: nothing. */
  error: z.string().optional(),
});

export type ModelStatus = z.infer<typeof modelStatusSchema>;
