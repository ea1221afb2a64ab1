import { promisify } from "node:util";
import { credentials } from "@grpc/grpc-js";
import type { ConstructRequest } from "@pulumi/pulumi/proto/provider_pb";
import { ResourceMonitorClient } from "@pulumi/pulumi/proto/resource_grpc_pb";
import {
  RegisterResourceOutputsRequest,
  RegisterResourceRequest,
  type RegisterResourceResponse,
} from "@pulumi/pulumi/proto/resource_pb";
import { referenceTo, UNKNOWN, type WireObject, type WireValue } from "../../../cli/plan/wire";
import { fromStruct, revealed, settled, toStruct } from "./wireStruct";

/** A resource that a component made. */
export interface Child {
  readonly urn: string;
  /** Unknown in a preview of its creation. */
  readonly id: string;
  readonly outputs: WireObject;
  readonly reference: WireObject;
}

interface ChildOptions {
  readonly dependsOn?: readonly Child[];
  /** The component itself when absent. */
  readonly parent?: Child;
}

/** A component that its provider builds: registers itself, and what it is made of, at the engine. */
export class Component {
  readonly name: string;
  /** Without marks of secrets. */
  readonly inputs: WireObject;
  readonly children: Child[] = [];
  readonly #client: ResourceMonitorClient;
  #urn = "";

  constructor(private readonly request: ConstructRequest) {
    this.name = request.getName();
    this.inputs = revealed(settled(fromStruct(request.getInputs()))) as WireObject;
    this.#client = new ResourceMonitorClient(
      request.getMonitorendpoint(),
      credentials.createInsecure(),
      { "grpc.enable_http_proxy": 0 },
    );
  }

  get urn(): string {
    return this.#urn;
  }

  /**
   * Registers the component, lets `make` register its children, and registers what that returns.
   *
   * @returns the outputs
   */
  async build(make: (component: Component) => Promise<WireObject>): Promise<WireObject> {
    try {
      this.#urn = (await this.#register(this.#ownRequest())).getUrn();
      const outputs = await make(this);
      await this.#registerOutputs(outputs);
      return outputs;
    } finally {
      this.#client.close();
    }
  }

  /** Makes a resource of which this component is the parent. */
  async child(
    type: string,
    name: string,
    inputs: WireObject,
    { dependsOn = [], parent }: ChildOptions = {},
  ): Promise<Child> {
    const [provider = ""] = type.split(":");
    const response = await this.#register(
      new RegisterResourceRequest()
        .setType(type)
        .setName(name)
        .setCustom(true)
        .setParent(parent?.urn ?? this.#urn)
        .setObject(toStruct(inputs))
        .setDependenciesList([...this.#inputDependencies(), ...dependsOn.map(({ urn }) => urn)])
        .setProvider(this.request.getProvidersMap().get(provider) ?? ""),
    );
    const urn = response.getUrn();
    const id = response.getId() || UNKNOWN;
    const outputs = revealed(fromStruct(response.getObject())) as WireObject;
    const child = { urn, id, outputs, reference: referenceTo(urn, id) };
    this.children.push(child);
    return child;
  }

  #ownRequest(): RegisterResourceRequest {
    const own = new RegisterResourceRequest()
      .setType(this.request.getType())
      .setName(this.name)
      .setParent(this.request.getParent())
      .setObject(toStruct({}))
      .setDependenciesList(this.request.getDependenciesList())
      .setProtect(this.request.getProtect() ?? false);
    for (const [name, provider] of this.request.getProvidersMap().entries())
      own.getProvidersMap().set(name, provider);
    return own;
  }

  #inputDependencies(): string[] {
    const lists = [...this.request.getInputdependenciesMap().entries()];
    const urns = lists.flatMap(([, dependencies]) => dependencies.getUrnsList());
    return [...new Set([...this.request.getDependenciesList(), ...urns])];
  }

  #register(request: RegisterResourceRequest): Promise<RegisterResourceResponse> {
    request.setAcceptsecrets(true).setAcceptresources(true);
    return promisify<RegisterResourceRequest, RegisterResourceResponse>((it, done) =>
      this.#client.registerResource(it, done as never),
    )(request);
  }

  #registerOutputs(outputs: WireObject): Promise<unknown> {
    const request = new RegisterResourceOutputsRequest()
      .setUrn(this.#urn)
      .setOutputs(toStruct(outputs));
    return promisify((done) => this.#client.registerResourceOutputs(request, done))();
  }
}

/** A property of a child's output, unknown where the output is. */
export function within(value: WireValue | undefined, property: string): WireValue {
  if (value === undefined || value === UNKNOWN) return UNKNOWN;
  return (value as WireObject)[property] ?? UNKNOWN;
}
