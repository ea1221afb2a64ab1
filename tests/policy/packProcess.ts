import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { credentials } from "@grpc/grpc-js";
import { AnalyzerClient } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/analyzer_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { PlannedResource } from "../../cli/plan/document";
import type { Plan } from "../../cli/plan/makePlan";
import type { Registration } from "../../cli/plan/monitor";

const root = resolve(__dirname, "../..");

/** What the pack says of a resource, in the words of the plan. */
export interface Diagnostic {
  readonly policy: string;
  readonly level: string;
  readonly urn: string;
  readonly message: string;
}

/** The policy pack as Pulumi's engine runs it: a process of the SDK's, asked over its protocol. */
export class PackProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly client: AnalyzerClient,
  ) {}

  /** Starts the pack, and configures it with what it asks for itself. */
  static async start(): Promise<PackProcess> {
    const runner = require.resolve("@pulumi/pulumi/cmd/run-policy-pack");
    const child = spawn(process.execPath, [runner, "no-engine", "."], {
      cwd: resolve(root, "policy"),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [port] = (await Promise.race([
      once(createInterface(child.stdout), "line"),
      once(child, "exit").then(([code]) => {
        throw new Error(`the policy pack ended with ${code}`);
      }),
    ])) as [string];
    const pack = new PackProcess(
      child,
      new AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
        "grpc.enable_http_proxy": 0,
      }),
    );
    try {
      await pack.#configure();
      return pack;
    } catch (error) {
      pack.stop();
      throw error;
    }
  }

  /** Names and levels of its policies, as the engine is told. */
  async policies(): Promise<readonly { readonly name: string; readonly level: string }[]> {
    const info = await this.#info();
    return info.getPoliciesList().map((policy) => ({
      name: policy.getName(),
      level: levelOf(
        info.getInitialconfigMap().get(policy.getName())?.getEnforcementlevel() ??
          policy.getEnforcementlevel(),
      ),
    }));
  }

  /** Asks about every resource of a plan, one by one and then all together. */
  async analyze({ document, run }: Plan): Promise<readonly Diagnostic[]> {
    const inputs = new Map(document.resources.map((resource) => [resource.urn, resource]));
    const resources = run.registrations.map((registration) => ({
      ...registration,
      inputs: inputs.get(registration.urn)?.inputs ?? {},
      providerInputs: inputs.get(registration.provider.replace(/::[^:]*$/, ""))?.inputs,
    }));
    const found: Diagnostic[] = [];
    for (const resource of resources) {
      const response = await this.#call<proto.AnalyzeResponse>(
        "analyze",
        filled(new proto.AnalyzeRequest(), resource),
      );
      found.push(...diagnosticsOf(response, resource.urn));
    }
    const all = new proto.AnalyzeStackRequest().setResourcesList(resources.map(inStack));
    found.push(...diagnosticsOf(await this.#call("analyzeStack", all), ""));
    return found;
  }

  stop(): void {
    this.client.close();
    this.child.kill();
  }

  async #configure(): Promise<void> {
    const request = new proto.ConfigureAnalyzerRequest();
    const wanted = (await this.#info()).getInitialconfigMap();
    wanted.forEach((config, name) => {
      // The engine sends properties of every rule, if only none.
      if (!config.hasProperties()) config.setProperties(struct({}));
      request.getPolicyconfigMap().set(name, config);
    });
    await this.#call("configure", request);
  }

  #info(): Promise<proto.AnalyzerInfo> {
    return this.#call("getAnalyzerInfo", new Empty());
  }

  #call<Response>(method: keyof AnalyzerClient, request: unknown): Promise<Response> {
    const send = this.client[method] as (request: unknown, done: () => void) => void;
    return promisify(send.bind(this.client))(request) as Promise<unknown> as Promise<Response>;
  }
}

type Subject = Omit<Registration, "inputs"> & {
  readonly inputs: PlannedResource["inputs"];
  readonly providerInputs: PlannedResource["inputs"] | undefined;
};

function inStack(resource: Subject): proto.AnalyzerResource {
  const message = filled(new proto.AnalyzerResource(), resource);
  // What is made has outputs, and in the first preview of a cluster there are none.
  message.setProperties(struct({}));
  for (const [property, urns] of resource.propertyDependencies)
    message
      .getPropertydependenciesMap()
      .set(property, new proto.AnalyzerPropertyDependencies().setUrnsList([...urns]));
  return message;
}

function filled<Message extends proto.AnalyzeRequest | proto.AnalyzerResource>(
  message: Message,
  { urn, type, name, inputs, protect, providerInputs }: Subject,
): Message {
  message.setUrn(urn).setType(type).setName(name).setProperties(struct(inputs));
  message.setOptions(
    new proto.AnalyzerResourceOptions()
      .setProtect(protect)
      .setCustomtimeouts(new proto.AnalyzerResourceOptions.CustomTimeouts()),
  );
  if (providerInputs !== undefined)
    message.setProvider(new proto.AnalyzerProviderResource().setProperties(struct(providerInputs)));
  return message;
}

function struct(value: object): Struct {
  return Struct.fromJavaScript(value as Parameters<typeof Struct.fromJavaScript>[0]);
}

function diagnosticsOf(response: proto.AnalyzeResponse, urn: string): Diagnostic[] {
  return response.getDiagnosticsList().map((diagnostic) => ({
    policy: diagnostic.getPolicyname(),
    level: levelOf(diagnostic.getEnforcementlevel()),
    urn: diagnostic.getUrn() || urn,
    message: diagnostic.getMessage(),
  }));
}

function levelOf(level: proto.EnforcementLevel): string {
  return (
    Object.entries(proto.EnforcementLevel).find(([, value]) => value === level)?.[0] ??
    String(level)
  ).toLowerCase();
}
