import { z } from "zod";
import { PIN_ANNOTATION, PIN_REASON_ANNOTATION } from "../../contracts/failover";
import { MODEL_LABEL } from "../../contracts/labels";
import { counterMetric } from "../../contracts/metrics";
import { type Backend, carriesTraffic } from "../../contracts/routeTable";

/** A cluster's objects, of which nothing is taken for granted. */

/** A model's HTTPRoute. */
export interface LiveRoute {
  readonly name: string;
  readonly model: string;
  /** Of the rule that carries traffic; empty: there is none, or it names none. */
  readonly backends: readonly Backend[];
  readonly pin: { readonly text: string; readonly reason: string | undefined } | undefined;
  readonly generation: number;
  /** What each parent's controller says of it. */
  readonly parents: readonly {
    readonly accepted: boolean;
    readonly generation: number;
    readonly message: string;
  }[];
}

/** How many replicas a Deployment has. */
export interface LiveDeployment {
  readonly name: string;
  readonly ready: number;
  readonly desired: number;
}

/** Who leads, by the Lease. */
export interface LiveLease {
  /** Undefined: nobody holds it. */
  readonly holder: string | undefined;
  /** ISO 8601, as the holder's clock has it, in microseconds. */
  readonly renewedAt: string;
  readonly lastsMs: number;
}

const texts = z.record(z.string(), z.string()).catch({});
const count = z.int().min(0);

const condition = z.looseObject({
  type: z.string(),
  status: z.string().catch(""),
  observedGeneration: count.catch(0),
  message: z.string().catch(""),
});

const rule = z.looseObject({
  // Whether there are headers tells the rules apart; which ones does not matter.
  matches: z.array(z.looseObject({ headers: z.array(z.any()).optional() })).catch([]),
  backendRefs: z
    .array(z.looseObject({ name: z.string(), weight: count.default(1).catch(1) }))
    .catch([]),
});

const routeSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    generation: count.catch(0),
    labels: texts,
    annotations: texts,
  }),
  spec: z.looseObject({ rules: z.array(rule).catch([]) }).catch({ rules: [] }),
  status: z
    .looseObject({
      parents: z.array(z.looseObject({ conditions: z.array(condition).catch([]) })).catch([]),
    })
    .catch({ parents: [] }),
});

/** @returns undefined for what is no route */
export function liveRoute(raw: unknown): LiveRoute | undefined {
  const { data } = routeSchema.safeParse(raw);
  if (data === undefined) return undefined;
  const { metadata, spec, status } = data;
  const { name, annotations, labels } = metadata;
  const traffic = spec.rules.find(({ matches }) =>
    carriesTraffic({
      matches: matches.map(({ headers }) => (headers === undefined ? {} : { headers })),
    }),
  );
  const pin = annotations[PIN_ANNOTATION];
  return {
    name,
    model: labels[MODEL_LABEL] ?? name,
    backends: (traffic?.backendRefs ?? []).map((ref) => ({
      service: ref.name,
      weight: ref.weight,
    })),
    pin: pin === undefined ? undefined : { text: pin, reason: annotations[PIN_REASON_ANNOTATION] },
    generation: metadata.generation,
    parents: status.parents.flatMap(({ conditions }) =>
      conditions
        .filter(({ type }) => type === "Accepted")
        .map((found) => ({
          accepted: found.status === "True",
          generation: found.observedGeneration,
          message: found.message,
        })),
    ),
  };
}

const scaledObjectSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    triggers: z.array(
      z.looseObject({
        metadata: z
          .looseObject({
            expression: z.string().catch(""),
            targetMetricValue: z.string().catch(""),
          })
          .catch({ expression: "", targetMetricValue: "" }),
      }),
    ),
  }),
});

/** A unit and the target of its counter trigger, images per minute per replica. */
export function liveTarget(raw: unknown): readonly [unit: string, target: number] | undefined {
  const { data } = scaledObjectSchema.safeParse(raw);
  if (data === undefined) return undefined;
  const unit = data.metadata.name;
  const trigger = data.spec.triggers.find(({ metadata }) =>
    metadata.expression.includes(`"${counterMetric(unit)}"`),
  );
  const target = Number.parseFloat(trigger?.metadata.targetMetricValue ?? "");
  return Number.isFinite(target) ? [unit, target] : undefined;
}

const deploymentSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({ replicas: count.default(1).catch(1) }).catch({ replicas: 1 }),
  status: z.looseObject({ readyReplicas: count.catch(0) }).catch({ readyReplicas: 0 }),
});

/** @returns undefined for what is no Deployment */
export function liveDeployment(raw: unknown): LiveDeployment | undefined {
  const { data } = deploymentSchema.safeParse(raw);
  if (data === undefined) return undefined;
  const { metadata, spec, status } = data;
  return { name: metadata.name, ready: status.readyReplicas, desired: spec.replicas };
}

const leaseSchema = z.looseObject({
  spec: z.looseObject({
    holderIdentity: z.string().optional(),
    leaseDurationSeconds: z.number().positive().catch(15),
    renewTime: z.string().refine((time) => !Number.isNaN(Date.parse(time))),
  }),
});

/** @returns undefined for a Lease that nobody has ever held */
export function liveLease(raw: unknown): LiveLease | undefined {
  const { data } = leaseSchema.safeParse(raw);
  if (data === undefined) return undefined;
  const { holderIdentity, leaseDurationSeconds, renewTime } = data.spec;
  return {
    holder: holderIdentity || undefined,
    renewedAt: renewTime,
    lastsMs: leaseDurationSeconds * 1000,
  };
}

const configMapSchema = z.looseObject({ data: z.record(z.string(), z.string()).default({}) });

/** The values of a ConfigMap; empty where there is none. */
export function liveData(raw: unknown): Readonly<Record<string, string>> {
  return configMapSchema.safeParse(raw).data?.data ?? {};
}

/** A JSON text of a ConfigMap, or what is wrong with it. */
export function parsed<T>(
  text: string,
  schema: z.ZodType<T>,
): { readonly value: T } | { readonly mistake: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { mistake: (error as Error).message };
  }
  const { data, error } = schema.safeParse(json);
  if (error === undefined) return { value: data as T };
  const [issue, ...more] = error.issues;
  const where = issue!.path.length === 0 ? "" : `${issue!.path.join(".")}: `;
  const rest = more.length === 0 ? "" : ` (and ${more.length} more)`;
  return { mistake: `${where}${issue!.message}${rest}` };
}
