/** Values that nobody knows before `pulumi up`: a rule that reads one has not been decided. */

/** A rule has read a value that is not known yet. */
export class UnknownValue extends Error {
  override readonly name = "UnknownValue";

  /** @param path of the property, `spec.template.spec.containers.0.image` */
  constructor(readonly path: string) {
    super(`${path} is not known yet`);
  }
}

/** What a plan prints where a whole value is an output, or a secret. */
const unreadable = /^<(output of [^<>]+|secret)>$/;

/** Whether a text of a plan stands for a value that is not known, or not to be read. */
export function isPlaceholder(value: unknown): boolean {
  return typeof value === "string" && unreadable.test(value);
}

/**
 * An object of a plan that throws where a value that is not known is read. A text with unknown parts
 * can be read: its parts that are known are what rules look at.
 */
export function guarded<T>(value: T, path = ""): T {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get: (target, property) => {
      const field: unknown = Reflect.get(target, property);
      if (typeof property === "symbol" || !Object.hasOwn(target, property)) return field;
      const at = path === "" ? property : `${path}.${property}`;
      if (isPlaceholder(field)) throw new UnknownValue(at);
      return guarded(field, at);
    },
  });
}

/** Whether a rule threw because it read an unknown value; in Pulumi's engine, the SDK's own error. */
export function isUnknown(error: unknown): error is Error {
  return (
    error instanceof Error && ["UnknownValue", "UnknownValueError"].includes(error.constructor.name)
  );
}
