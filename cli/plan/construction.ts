import { Output, Resource, type ResourceTransformationArgs } from "@pulumi/pulumi";
import { nameOfUrn } from "./urn";
import type { WirePath } from "./wire";

/** One `new` of a resource in the program. */
interface Constructed {
  readonly resource: Resource;
  readonly type: string;
  readonly name: string;
  readonly props: object;
  readonly parent: Resource | undefined;
  readonly dependsOn: readonly Resource[];
  /** Known once the resource is registered. */
  urn?: string;
}

/** A member of every Output that its declared type leaves out; one function object per Output. */
type Resources = () => ReadonlySet<Resource>;

/**
 * What the program constructs, in its order: the engine's side sees resources in the order in
 * which their inputs become known, and sees values, not where they came from.
 */
export class Construction {
  readonly #constructed: Constructed[] = [];
  readonly #byUrn = new Map<string, Constructed>();
  readonly #byResource = new Map<Resource, Constructed>();
  /** From each Output made by an `apply` to the one that it was made from. */
  readonly #madeFrom = new WeakMap<Resources, Resources>();
  #exports: object = {};

  /** For `registerStackTransformation`: looks at every resource and changes none. */
  readonly observe = ({ resource, type, name, props, opts }: ResourceTransformationArgs) => {
    const dependsOn = [opts.dependsOn ?? []].flat().filter(Resource.isInstance);
    const { parent } = opts;
    const constructed: Constructed = { resource, type, name, props, parent, dependsOn };
    this.#constructed.push(constructed);
    this.#byResource.set(resource, constructed);
    queueMicrotask(() => {
      resource.urn.apply((urn) => {
        constructed.urn = urn;
        this.#byUrn.set(urn, constructed);
      });
    });
    return undefined;
  };

  /** Takes note of every `apply` from here on, until the function that it returns is called. */
  observeApplies(): () => void {
    const { prototype } = Output as unknown as { prototype: { apply: Output<unknown>["apply"] } };
    const original = prototype.apply;
    const madeFrom = this.#madeFrom;
    prototype.apply = function apply(this: Output<unknown>, ...args: [never]) {
      const made = original.apply(this, args) as Output<never>;
      madeFrom.set(resourcesFunction(made), resourcesFunction(this));
      return made;
    };
    return () => {
      prototype.apply = original;
    };
  }

  /** The program's result: what the stack exports. */
  ended(exported: object): void {
    this.#exports = exported;
  }

  /** URNs in the order of construction. */
  order(): ReadonlyMap<string, number> {
    return new Map(this.#constructed.map(({ urn }, index) => [urn ?? "", index]));
  }

  /** The output that an input was computed from, e.g. `network.routeTables`. */
  originOf(urn: string, path: WirePath): string | undefined {
    return this.#origin(this.#byUrn.get(urn)?.props, path);
  }

  originOfExport(path: WirePath): string | undefined {
    return this.#origin(this.#exports, path);
  }

  /** What was constructed and never registered, and what each of those waits for. */
  waiting(): { name: string; waitsFor: string[] }[] {
    const stuck = this.#constructed.filter(({ urn }) => urn === undefined);
    const names = new Map(stuck.map(({ resource, type, name }) => [resource, `${name} (${type})`]));
    // To wait for a component is to wait for everything in it.
    const stuckIn = (resource: Resource): string[] => {
      const name = names.get(resource);
      return name !== undefined
        ? [name]
        : stuck.filter(({ parent }) => parent === resource).flatMap((c) => stuckIn(c.resource));
    };
    return stuck.map(({ resource, props, parent, dependsOn }) => ({
      name: names.get(resource) as string,
      waitsFor: [
        ...new Set([
          ...[parent].flatMap((p) => names.get(p as Resource) ?? []),
          ...[...dependsOn, ...resourcesIn(props)].flatMap(stuckIn),
        ]),
      ],
    }));
  }

  #origin(root: unknown, path: WirePath): string | undefined {
    let value = root;
    for (const step of path) {
      if (typeof value !== "object" || value === null || Output.isInstance(value)) break;
      value = (value as Record<string | number, unknown>)[step];
    }
    if (!Output.isInstance(value)) return undefined;
    const sources = [...resourcesFunction(value)()];
    for (
      let origin: Resources | undefined = resourcesFunction(value);
      origin !== undefined;
      origin = this.#madeFrom.get(origin)
    ) {
      for (const source of sources)
        for (const [property, output] of Object.entries(source))
          if (Output.isInstance(output) && resourcesFunction(output) === origin)
            return `${this.#nameOf(source)}.${property}`;
    }
    const names = sources.map((source) => this.#nameOf(source));
    return names.length > 0 ? [...new Set(names)].join(" and ") : undefined;
  }

  #nameOf(resource: Resource): string {
    const constructed = this.#byResource.get(resource);
    return constructed === undefined ? "a resource" : nameOfUrn(constructed.urn ?? "");
  }
}

function resourcesFunction(output: object): Resources {
  return (output as { resources: Resources }).resources;
}

function resourcesIn(value: unknown, seen = new Set<unknown>()): Resource[] {
  if (typeof value !== "object" || value === null || seen.has(value)) return [];
  seen.add(value);
  if (Output.isInstance(value)) return [...resourcesFunction(value)()];
  if (Resource.isInstance(value)) return [value];
  if (value instanceof Promise) return [];
  return Object.values(value).flatMap((inner) => resourcesIn(inner, seen));
}
