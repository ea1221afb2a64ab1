import { outputOf, secretOf, type WireObject } from "./wire";

/** What a provider function is called with, and the region that it is called in. */
interface Call {
  readonly args: WireObject;
  readonly region: string | undefined;
}

type Answer = (call: Call) => WireObject;

/** Provider functions that a plan can answer. What only AWS knows is named, never made up. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  "aws:index/getCallerIdentity:getCallerIdentity": () =>
    named("getCallerIdentity", ["accountId", "arn", "id", "userId"]),
  "aws:index/getRegion:getRegion": ({ args, region }) => {
    const code = args.region ?? args.name ?? region;
    return code === undefined
      ? named("getRegion", ["region", "id", "name", "description"])
      : { ...named("getRegion", ["description"]), region: code, id: code, name: code };
  },
  "aws:index/getPartition:getPartition": ({ region = "" }) => {
    if (region.startsWith("cn-")) return partition("aws-cn", "amazonaws.com.cn");
    if (region.startsWith("us-gov-")) return partition("aws-us-gov", "amazonaws.com");
    return partition("aws", "amazonaws.com");
  },
  "aws:index/getAvailabilityZones:getAvailabilityZones": () => ({
    ...named("getAvailabilityZones", ["id"]),
    names: list("getAvailabilityZones", "names", 3),
    zoneIds: list("getAvailabilityZones", "zoneIds", 3),
  }),
  "aws:eks/getCluster:getCluster": ({ args }) => ({
    ...args,
    ...named("getCluster", ["arn", "endpoint", "id", "platformVersion", "roleArn", "version"]),
    certificateAuthorities: [{ data: outputOf("getCluster", "certificateAuthorities[0].data") }],
    identities: [{ oidcs: [{ issuer: outputOf("getCluster", "identities[0].oidcs[0].issuer") }] }],
    vpcConfig: {
      ...named("getCluster.vpcConfig", ["clusterSecurityGroupId", "vpcId"]),
      subnetIds: list("getCluster", "vpcConfig.subnetIds", 2),
    },
  }),
  "aws:eks/getClusterAuth:getClusterAuth": ({ args }) => ({
    ...args,
    ...named("getClusterAuth", ["id"]),
    token: secretOf(outputOf("getClusterAuth", "token")),
  }),
  "aws:ec2/getVpc:getVpc": ({ args }) => ({
    ...named("getVpc", ["arn", "cidrBlock", "id", "mainRouteTableId", "ownerId"]),
    ...args,
  }),
  "aws:ec2/getPrefixList:getPrefixList": ({ args }) => ({
    ...args,
    ...named("getPrefixList", ["id"]),
    cidrBlocks: list("getPrefixList", "cidrBlocks", 1),
  }),
  "aws:ec2/getSubnet:getSubnet": ({ args }) => ({
    ...named("getSubnet", ["arn", "availabilityZone", "cidrBlock", "id", "vpcId"]),
    ...args,
  }),
  "aws:ecr/getRepository:getRepository": ({ args }) => ({
    ...args,
    ...named("getRepository", ["arn", "id", "registryId", "repositoryUrl"]),
  }),
  "aws:ecr/getAuthorizationToken:getAuthorizationToken": () => ({
    ...named("getAuthorizationToken", ["id", "proxyEndpoint", "userName"]),
    password: secretOf(outputOf("getAuthorizationToken", "password")),
    authorizationToken: secretOf(outputOf("getAuthorizationToken", "authorizationToken")),
  }),
  "aws:ssm/getParameter:getParameter": ({ args }) => ({
    ...args,
    ...named("getParameter", ["arn", "id", "insecureValue", "type"]),
    value: secretOf(outputOf("getParameter", "value")),
  }),
};

/**
 * The answer to a provider function in a plan.
 *
 * @throws Error naming a function that this table lacks, and this file
 */
export function answer(token: string, args: WireObject, region: string | undefined): WireObject {
  const known = ANSWERS[token];
  if (known === undefined)
    throw new Error(
      `the program calls ${token}, which a plan without AWS cannot answer: ` +
        "add it to ANSWERS in cli/plan/invokes.ts",
    );
  return known({ args, region });
}

function named(source: string, properties: readonly string[]): WireObject {
  return Object.fromEntries(properties.map((property) => [property, outputOf(source, property)]));
}

function list(source: string, property: string, length: number): string[] {
  return Array.from({ length }, (_, index) => outputOf(source, `${property}[${index}]`));
}

function partition(name: string, dnsSuffix: string): WireObject {
  return { id: name, partition: name, dnsSuffix, reverseDnsPrefix: "com.amazonaws" };
}
