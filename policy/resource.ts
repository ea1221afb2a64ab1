/** What rules are about: resources as the program wants them, wherever they are looked at. */

/** A resource as a rule sees it: what the program asks for. */
export interface Resource {
  readonly urn: string;
  /** Pulumi's type token, `aws:s3/bucket:Bucket`. */
  readonly type: string;
  readonly name: string;
  /** Reading a value that is not known yet throws; {@link isSet} does not read it. */
  // biome-ignore lint/suspicious/noExplicitAny: every type has properties of its own
  readonly props: any;
  /** Whether Pulumi refuses to delete it. */
  readonly protect: boolean;
  /** The settings of the provider that makes it; absent where that is not known. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly provider?: any;
  /** By property, the URNs of the resources whose outputs it was computed from. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
}

/** All resources of an environment. */
export interface Stack {
  readonly name: string;
  readonly resources: readonly Resource[];
}

export function ofType(stack: Stack, ...types: readonly string[]): readonly Resource[] {
  return stack.resources.filter(({ type }) => types.includes(type));
}

/** Resources of some types of which one property was computed from another resource's outputs. */
export function referring(
  stack: Stack,
  to: Resource,
  property: string,
  ...types: readonly string[]
): readonly Resource[] {
  return ofType(stack, ...types).filter(({ sources }) => sources.get(property)?.includes(to.urn));
}

/** The stack's name, the second part of every URN. */
export function stackOf(urn: string): string {
  return urn.split(":")[2] ?? "";
}

/** Whether an object has a property, be its value known or not. */
export function isSet(object: object | null | undefined, property: string): boolean {
  const value: unknown = Object.getOwnPropertyDescriptor(object ?? {}, property)?.value;
  return value !== undefined && value !== null && value !== "";
}
