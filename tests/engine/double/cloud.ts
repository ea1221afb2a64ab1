import type { WireObject } from "../../../cli/plan/wire";
import { hasUnknown } from "./wireStruct";

/** What there is, once it was made. */
export interface CloudObject {
  readonly type: string;
  readonly id: string;
  readonly name: string;
  readonly urn: string;
  /** As the engine sent them, secrets marked. A test makes drift by replacing them. */
  inputs: WireObject;
  outputs: WireObject;
  revision: number;
}

export interface Operation {
  readonly kind: "create" | "update" | "delete";
  readonly urn: string;
  readonly id: string;
}

/** The answer of a cloud that does not do what it is asked for. */
export class Refusal extends Error {}

/** What the operation that a test lets fail says. */
export const INJECTED_FAILURE = "the cloud is out of order";

/**
 * Every cloud provider's side: the objects, what happened to them, and what cannot happen. It
 * refuses what a real one would: unknown values, a second object with the same id, a change of what
 * is not there, and the end of what guards itself against it.
 */
export class Cloud {
  readonly operations: Operation[] = [];
  readonly #objects = new Map<string, CloudObject>();
  readonly #births = new Map<string, number>();
  #healthyOperations = Number.POSITIVE_INFINITY;

  /** Everything that is there, in the order of creation. */
  get objects(): readonly CloudObject[] {
    return [...this.#objects.values()];
  }

  /** How many objects a resource has had so far. */
  births(urn: string): number {
    return this.#births.get(urn) ?? 0;
  }

  find(type: string, id: string): CloudObject | undefined {
    return this.#objects.get(key(type, id));
  }

  create(object: Omit<CloudObject, "revision">): void {
    const { type, id, urn } = object;
    this.#begin("create", urn);
    refuseUnknown(urn, object.inputs);
    const existing = this.find(type, id);
    if (existing !== undefined)
      throw new Refusal(`${type} ${id} exists already, as ${existing.urn}`);
    this.#needCluster(type, urn);
    this.#objects.set(key(type, id), { ...object, revision: 0 });
    this.#births.set(urn, this.births(urn) + 1);
    this.operations.push({ kind: "create", urn, id });
  }

  update(type: string, id: string, change: (object: CloudObject) => void): CloudObject {
    const object = this.#existing(type, id);
    this.#begin("update", object.urn);
    this.#needCluster(type, object.urn);
    const changed = { ...object, revision: object.revision + 1 };
    change(changed);
    refuseUnknown(object.urn, changed.inputs);
    this.#objects.set(key(type, id), changed);
    this.operations.push({ kind: "update", urn: object.urn, id });
    return changed;
  }

  delete(type: string, id: string): void {
    const object = this.#existing(type, id);
    this.#begin("delete", object.urn);
    this.#needCluster(type, object.urn);
    const guard = guardOf(object, this.objects);
    if (guard !== undefined) throw new Refusal(`${type} ${id} cannot be deleted: ${guard}`);
    this.#objects.delete(key(type, id));
    for (const inside of this.objects.filter((other) => isInside(other, object)))
      this.#objects.delete(key(inside.type, inside.id));
    this.operations.push({ kind: "delete", urn: object.urn, id });
  }

  /** Lets the n-th operation from now on fail, and counts from one. */
  failAt(n: number): void {
    this.#healthyOperations = n - 1;
  }

  /** Changes an object behind the engine's back. */
  drift(urn: string, change: (inputs: WireObject) => WireObject): void {
    const object = this.#ofUrn(urn);
    object.inputs = change(structuredClone(object.inputs));
    if ("tagsAll" in object.outputs)
      object.outputs = { ...object.outputs, tagsAll: object.inputs.tags ?? {} };
  }

  /** Takes an object away behind the engine's back. */
  lose(urn: string): void {
    const { type, id } = this.#ofUrn(urn);
    this.#objects.delete(key(type, id));
  }

  /** The same cloud, from where it is now, without its past. */
  copy(): Cloud {
    const copy = new Cloud();
    for (const [id, object] of this.#objects) copy.#objects.set(id, structuredClone(object));
    for (const [urn, births] of this.#births) copy.#births.set(urn, births);
    return copy;
  }

  #begin(kind: Operation["kind"], urn: string): void {
    this.#healthyOperations -= 1;
    if (this.#healthyOperations === -1)
      throw new Refusal(`${INJECTED_FAILURE}: no ${kind} of ${urn}`);
  }

  #existing(type: string, id: string): CloudObject {
    const object = this.find(type, id);
    if (object === undefined) throw new Refusal(`there is no ${type} ${id}`);
    return object;
  }

  #ofUrn(urn: string): CloudObject {
    const object = this.objects.find((candidate) => candidate.urn === urn);
    if (object === undefined) throw new Error(`nothing in the cloud is ${urn}`);
    return object;
  }

  /** Nobody answers for a cluster's objects when it is not there. */
  #needCluster(type: string, urn: string): void {
    if (isInCluster(type) && !this.objects.some(isCluster))
      throw new Refusal(`there is no cluster for ${urn}`);
  }
}

function key(type: string, id: string): string {
  return `${type} ${id}`;
}

function refuseUnknown(urn: string, inputs: WireObject): void {
  if (hasUnknown(inputs)) throw new Refusal(`${urn} has an unknown input`);
}

function isInCluster(type: string): boolean {
  return type.startsWith("kubernetes:");
}

function isCluster({ type }: CloudObject): boolean {
  return type === "aws:eks/cluster:Cluster";
}

/** What guards an object against its end, if anything does. */
function guardOf(object: CloudObject, all: readonly CloudObject[]): string | undefined {
  if (isCluster(object) && object.inputs.deletionProtection === true)
    return "its deletion protection is on";
  if (object.inputs.deletionProtectionEnabled === true) return "its deletion protection is on";
  if (object.type === "aws:apigateway/deployment:Deployment" && all.some(serves(object)))
    return "a stage serves it";
  if (object.type === "aws:apigateway/stage:Stage" && all.some(plans(object)))
    return "it is in a usage plan";
  if (object.type.endsWith(":Gateway") && all.some(protectsLoadBalancer))
    return "the deletion protection of its load balancer is on";
  return undefined;
}

function serves({ id }: CloudObject) {
  return ({ type, inputs }: CloudObject) =>
    type === "aws:apigateway/stage:Stage" && inputs.deployment === id;
}

function plans(stage: CloudObject) {
  const own = { apiId: stage.inputs.restApi, stage: stage.inputs.stageName };
  return ({ type, inputs }: CloudObject) =>
    type === "aws:apigateway/usagePlan:UsagePlan" &&
    (inputs.apiStages as WireObject[]).some(
      ({ apiId, stage: name }) => apiId === own.apiId && name === own.stage,
    );
}

function protectsLoadBalancer({ type, inputs }: CloudObject): boolean {
  if (!type.endsWith(":LoadBalancerConfiguration")) return false;
  return JSON.stringify(inputs.spec).includes(
    JSON.stringify({ key: "deletion_protection.enabled", value: "true" }),
  );
}

/** A cluster's end is the end of all in it, and a namespace's of all that has its name. */
function isInside({ type, inputs }: CloudObject, outer: CloudObject): boolean {
  if (!isInCluster(type)) return false;
  if (isCluster(outer)) return true;
  const { namespace } = (inputs.metadata ?? {}) as WireObject;
  return outer.type === "kubernetes:core/v1:Namespace" && namespace === outer.name;
}
