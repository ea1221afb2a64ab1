/** Objects as the API server has them: nothing is known of their fields but where they are. */

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  /** Changes with every write; opaque. */
  readonly resourceVersion?: string;
  /** Counts the changes of `spec`. */
  readonly generation?: number;
  /** ISO 8601, whole seconds. */
  readonly creationTimestamp?: string;
  /** Set when it is being deleted. */
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** An object, or what claims to be one: read `spec` and `status` as data from outside. */
export interface KubeObject {
  /** Absent in the items of a list. */
  readonly apiVersion?: string;
  /** Absent in the items of a list. */
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** `NAMESPACE/NAME`, or `NAME` of what has no namespace. */
export function keyOf({ metadata }: Pick<KubeObject, "metadata">): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;
}
