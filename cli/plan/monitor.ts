import { answer } from "./invokes";
import { outputsOf } from "./placeholders";
import { isStack, nameOfUrn, typeOfUrn, urnOf } from "./urn";
import {
  echoed,
  isObject,
  isSecret,
  outputOf,
  secretOf,
  type WireObject,
  type WireValue,
} from "./wire";

/** A resource as the program registered it, in wire form. */
export interface Registration {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly parent: string | null;
  readonly inputs: WireObject;
  readonly dependencies: readonly string[];
  /** By input, the resources whose outputs it was computed from. */
  readonly propertyDependencies: ReadonlyMap<string, readonly string[]>;
  readonly ignoreChanges: readonly string[];
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly provider: string;
  /** Whether a provider makes it; if not, it groups others. */
  readonly custom: boolean;
  /** Whether a component provider builds its children during `pulumi up`. */
  readonly remote: boolean;
}

interface Struct {
  toJavaScript(): WireObject;
}

interface UrnList {
  getUrnsList(): string[];
}

interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getObject(): Struct | undefined;
  getDependenciesList(): string[];
  getPropertydependenciesMap(): { entries(): Iterable<[string, UrnList]> };
  getIgnorechangesList(): string[];
  getAdditionalsecretoutputsList(): string[];
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDeletebeforereplace(): boolean;
  getProvider(): string;
  getCustom(): boolean;
  getRemote(): boolean;
}

interface ReadRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getId(): string;
  getProperties(): Struct | undefined;
}

interface CallRequest {
  getTok(): string;
  getArgs(): Struct | undefined;
}

type Callback<T> = (error: RpcError | null, response?: T) => void;

/** An error as gRPC clients see it: some of Pulumi's SDK reads `details`, some `message`. */
interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly details: string;
}

const INVALID_ARGUMENT = 3;
/** Where a dynamic resource has its provider's source, which says nothing about the resource. */
const DYNAMIC_PROVIDER = "__provider";
const FEATURES = new Set([
  "secrets",
  "resourceReferences",
  "deletedWith",
  "replaceWith",
  "aliasSpecs",
  "parameterization",
]);

/**
 * Stands where Pulumi's SDK expects the engine, and answers as a preview would that had every
 * provider at hand but no account: everything is registered, nothing is looked up.
 */
export class PlanMonitor {
  readonly registrations: Registration[] = [];
  readonly #urns = new Set<string>();
  /** Children of remote components that the program holds references to, and their owners. */
  readonly #children = new Map<string, string>();
  #outputs: WireObject = {};

  constructor(
    private readonly project: string,
    private readonly stack: string,
    private readonly region: string | undefined,
  ) {}

  /** What the stack exports, in wire form. */
  get stackOutputs(): WireObject {
    return this.#outputs;
  }

  registerResource(request: RegisterRequest, callback: Callback<unknown>): void {
    respond(callback, () => {
      const type = request.getType();
      const name = request.getName();
      const urn = urnOf(this.stack, this.project, request.getParent(), type, name);
      if (this.#urns.has(urn))
        throw new Error(`two resources have the URN ${urn}: give one of them another name`);
      this.#urns.add(urn);
      const { [DYNAMIC_PROVIDER]: _, ...inputs } = request.getObject()?.toJavaScript() ?? {};
      const custom = request.getCustom();
      const remote = request.getRemote();
      this.registrations.push({
        urn,
        type,
        name,
        parent: request.getParent() || null,
        inputs,
        dependencies: this.#known(request.getDependenciesList()),
        propertyDependencies: new Map(
          [...request.getPropertydependenciesMap().entries()].map(([property, list]) => [
            property,
            this.#known(list.getUrnsList()),
          ]),
        ),
        ignoreChanges: request.getIgnorechangesList(),
        protect: request.getProtect(),
        retainOnDelete: request.getRetainondelete(),
        deleteBeforeReplace: request.getDeletebeforereplace(),
        provider: request.getProvider(),
        custom,
        remote,
      });
      const outputs = custom || remote ? this.#outputsOf(urn, inputs) : {};
      return {
        getUrn: () => urn,
        getId: () => (custom ? outputOf(name, "id") : ""),
        getObject: () => struct(withSecrets(outputs, request.getAdditionalsecretoutputsList())),
        getPropertydependenciesMap: () => undefined,
        getResult: () => 0,
      };
    });
  }

  registerResourceOutputs(
    request: { getUrn(): string; getOutputs(): Struct | undefined },
    callback: Callback<unknown>,
  ): void {
    respond(callback, () => {
      if (isStack(typeOfUrn(request.getUrn())))
        this.#outputs = request.getOutputs()?.toJavaScript() ?? {};
      return {};
    });
  }

  /** A resource that exists already: `Type.get(name, id)`. */
  readResource(request: ReadRequest, callback: Callback<unknown>): void {
    respond(callback, () => {
      const urn = urnOf(
        this.stack,
        this.project,
        request.getParent(),
        request.getType(),
        request.getName(),
      );
      const given = request.getProperties()?.toJavaScript() ?? {};
      return { getUrn: () => urn, getProperties: () => struct(this.#outputsOf(urn, given)) };
    });
  }

  invoke(request: CallRequest, callback: Callback<unknown>): void {
    respond(callback, () => {
      const args = request.getArgs()?.toJavaScript() ?? {};
      const result =
        request.getTok() === "pulumi:pulumi:getResource"
          ? this.#resource(String(args.urn))
          : answer(request.getTok(), args, this.region);
      return { getReturn: () => struct(result), getFailuresList: () => [] };
    });
  }

  call(request: CallRequest, callback: Callback<unknown>): void {
    respond(callback, () => {
      throw new Error(
        `the program calls the method ${request.getTok()} of a component provider, which only ` +
          "`pulumi up` can answer: use one of the component's outputs",
      );
    });
  }

  supportsFeature(request: { getId(): string }, callback: Callback<unknown>): void {
    respond(callback, () => ({ getHassupport: () => FEATURES.has(request.getId()) }));
  }

  registerPackage(_request: unknown, callback: Callback<unknown>): void {
    respond(callback, () => ({ getRef: () => "package" }));
  }

  #outputsOf(urn: string, inputs: WireObject): WireObject {
    return outputsOf({
      type: typeOfUrn(urn),
      name: nameOfUrn(urn),
      inputs: echoed(inputs) as WireObject,
      region: this.region,
      childUrn: (type, name) => {
        const child = urnOf(this.stack, this.project, urn, type, name);
        this.#children.set(child, urn);
        return child;
      },
    });
  }

  /** The state behind a reference: only children of remote components are referred to. */
  #resource(urn: string): WireObject {
    return { urn, id: outputOf(nameOfUrn(urn), "id"), state: this.#outputsOf(urn, {}) };
  }

  /** A dependency on a child that is not in the plan is one on the component that will make it. */
  #known(urns: readonly string[]): string[] {
    return [...new Set(urns.map((urn) => this.#children.get(urn) ?? urn))];
  }
}

function respond(callback: Callback<unknown>, work: () => unknown): void {
  try {
    callback(null, work());
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    callback({ code: INVALID_ARGUMENT, message, details: message });
  }
}

function withSecrets(outputs: WireObject, secret: readonly string[]): WireObject {
  if (secret.length === 0) return outputs;
  return Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [
      key,
      secret.includes(key) && !isSecret(value) ? secretOf(value) : value,
    ]),
  );
}

/** As much of a protobuf Struct as the SDK reads from a response. */
function struct(value: WireObject): unknown {
  return {
    toJavaScript: () => value,
    getFieldsMap: () => ({ get: (key: string) => field(value[key] ?? null) }),
  };
}

function field(value: WireValue): unknown {
  return {
    toJavaScript: () => value,
    getStructValue: () => (isObject(value) ? struct(value) : undefined),
  };
}
