import assert from "node:assert/strict";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import { setMockOptions } from "@pulumi/pulumi/runtime/settings";
import type { ClusterFacts } from "../components/clusterFacts";
import type { Scope } from "../components/scope";

/** Components under Pulumi's mocks, for tests: what they register, with parents and dependencies. */

export const scope: Scope = {
  project: "diffusion-fleet",
  stack: "dev",
  region: "us-west-2",
  partition: "aws",
  accountId: "123456789012",
  clusterName: "diffusion-fleet-dev",
  protectData: false,
};

export interface Registered {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into inputs by path
  readonly inputs: any;
  /** URNs that it depends on, explicitly or by a property. */
  readonly dependencies: readonly string[];
  readonly protect: boolean;
  /** Whether it stays when it is taken out of the program. */
  readonly retainOnDelete: boolean;
}

export class Registry {
  readonly resources: Registered[] = [];
  /** Functions that were called, with their arguments. */
  readonly calls: { readonly token: string; readonly inputs: Record<string, unknown> }[] = [];

  ofType(type: string): Registered[] {
    return this.resources.filter((resource) => resource.type === type);
  }

  one(type: string, name?: string): Registered {
    const found = this.ofType(type).filter((it) => name === undefined || it.name === name);
    assert.equal(found.length, 1, `${type} ${name ?? ""} in:\n${this.listing()}`);
    return found[0]!;
  }

  release(name: string): Registered {
    return this.one("kubernetes:helm.sh/v3:Release", name);
  }

  /** Whether one is created after the other, and so deleted before it. */
  waitsFor(later: Registered, earlier: Registered): boolean {
    const seen = new Set<string>();
    const queue = [later.urn];
    for (let urn = queue.pop(); urn !== undefined; urn = queue.pop()) {
      if (urn === earlier.urn) return true;
      if (seen.has(urn)) continue;
      seen.add(urn);
      const resource = this.resources.find((it) => it.urn === urn);
      if (resource !== undefined) queue.push(resource.parent, ...resource.dependencies);
    }
    return false;
  }

  /** Statements of every inline role policy, by the role's name. */
  statements(): { role: string; statement: Statement }[] {
    return this.ofType("aws:iam/rolePolicy:RolePolicy").flatMap(({ name, inputs }) =>
      (JSON.parse(inputs.policy).Statement as Statement[]).map((statement) => ({
        role: name,
        statement,
      })),
    );
  }

  private listing(): string {
    return this.resources.map(({ type, name }) => `${type} ${name}`).join("\n");
  }
}

export interface Statement {
  readonly Sid?: string;
  readonly Action: string | string[];
  readonly Resource: string | string[];
  readonly Condition?: Record<string, Record<string, string | string[]>>;
}

/** Runs `program` and waits until all that it made is registered. */
export async function construct(program: () => void): Promise<Registry> {
  const registry = new Registry();
  setMockOptions(new RecordingMonitor(registry), scope.project, scope.stack, false);
  // Pulumi takes several stack traces per property, which ts-node maps back to the source each time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    program();
    for (let before = -1; before !== registry.resources.length; ) {
      before = registry.resources.length;
      await pulumi.runtime.disconnect();
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return registry;
}

/** A cluster that is there already, for components that only deploy into one. */
export function someCluster(): ClusterFacts {
  const { clusterName } = scope;
  return {
    name: pulumi.output(clusterName),
    arn: pulumi.output(`arn:aws:eks:us-west-2:123456789012:cluster/${clusterName}`),
    endpoint: pulumi.output("https://cluster.example"),
    securityGroupId: pulumi.output("sg-0123456789abcdef0"),
    version: pulumi.output("1.35"),
    provider: new kubernetes.Provider("cluster", { kubeconfig: "{}" }),
  };
}

class RecordingMonitor extends MockMonitor {
  constructor(private readonly registry: Registry) {
    super({
      newResource: ({ type, name, inputs }) => ({
        id: `${name}-id`,
        state: { ...inputs, ...outputsOf(type, name) },
      }),
      call: ({ token, inputs }) => {
        registry.calls.push({ token, inputs });
        const answer = answers[token];
        assert.ok(answer, `no answer for the function ${token}`);
        return answer;
      },
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: protobuf messages of Pulumi's own wire format
  override async registerResource(req: any, callback: any): Promise<void> {
    const dependencies = new Set<string>(req.getDependenciesList());
    // biome-ignore lint/suspicious/noExplicitAny: as above
    req.getPropertydependenciesMap().forEach((property: any) => {
      for (const urn of property.getUrnsList()) dependencies.add(urn);
    });
    // biome-ignore lint/suspicious/noExplicitAny: as above
    await super.registerResource(req, (error: any, response: any) => {
      if (response !== undefined) {
        this.registry.resources.push({
          urn: response.getUrn(),
          type: req.getType(),
          name: req.getName(),
          parent: req.getParent(),
          inputs: req.getObject().toJavaScript(),
          dependencies: [...dependencies],
          protect: req.getProtect(),
          retainOnDelete: req.getRetainondelete() ?? false,
        });
      }
      callback(error, response);
    });
  }
}

function outputsOf(type: string, name: string): Record<string, unknown> {
  switch (type) {
    case "awsx:ec2:Vpc":
      return {
        vpcId: "vpc-0123456789abcdef0",
        privateSubnetIds: ["subnet-a", "subnet-b"],
        publicSubnetIds: ["subnet-c", "subnet-d"],
      };
    case "eks:index:Cluster":
      return {
        clusterSecurityGroupId: "sg-0123456789abcdef0",
        kubeconfigJson: "{}",
        eksCluster: { endpoint: "https://cluster.example" },
      };
    case "aws:ec2/launchTemplate:LaunchTemplate":
      return { latestVersion: 3 };
    case "aws:iam/role:Role":
      return { arn: `arn:aws:iam::123456789012:role/${name}`, name };
    case "aws:sqs/queue:Queue":
      return {
        arn: `arn:aws:sqs:us-west-2:123456789012:${name}`,
        url: `https://sqs.us-west-2.amazonaws.com/123456789012/${name}`,
      };
    case "aws:lambda/function:Function": {
      const arn = `arn:aws:lambda:us-west-2:123456789012:function:${name}`;
      const invoke = "arn:aws:apigateway:us-west-2:lambda:path/2015-03-31/functions";
      return { arn, invokeArn: `${invoke}/${arn}/invocations` };
    }
    case "aws:apigateway/restApi:RestApi":
      return { executionArn: "arn:aws:execute-api:us-west-2:123456789012:a1b2c3d4e5" };
    case "aws:cloudwatch/eventRule:EventRule":
      return { arn: `arn:aws:events:us-west-2:123456789012:rule/${name}`, name };
    default:
      return { arn: `arn:aws:mock:us-west-2:123456789012:${name}` };
  }
}

const answers: Readonly<Record<string, Record<string, unknown>>> = {
  "aws:ec2/getVpc:getVpc": { cidrBlock: "172.16.0.0/16" },
  "aws:ssm/getParameter:getParameter": { insecureValue: "1.57.0-8a1b2c3d" },
  "aws:eks/getCluster:getCluster": {
    endpoint: "https://existing.example",
    version: "1.34",
    certificateAuthorities: [{ data: "Q0E=" }],
    vpcConfig: { clusterSecurityGroupId: "sg-0fedcba9876543210" },
  },
};
