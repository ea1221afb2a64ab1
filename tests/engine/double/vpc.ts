import type { WireObject } from "../../../cli/plan/wire";
import { account } from "./account";
import type { Child, Component } from "./component";

/** One zone's part of a VPC. */
interface Zone {
  readonly publicSubnet: Child;
  readonly privateSubnet: Child;
  readonly routeTables: readonly Child[];
}

interface Surroundings {
  readonly component: Component;
  readonly vpc: Child;
  readonly internetGateway: Child;
}

/**
 * awsx's Vpc: in each zone a public and a private subnet with their routes, gateways, and endpoints.
 * The blocks of addresses are not those that awsx would choose.
 */
export async function vpc(component: Component): Promise<WireObject> {
  const { name, inputs } = component;
  const { cidrBlock = "", enableDnsHostnames = false, enableDnsSupport = false } = inputs;
  const tags = { Name: name };
  const made = await component.child("aws:ec2/vpc:Vpc", name, {
    cidrBlock,
    enableDnsHostnames,
    enableDnsSupport,
    tags,
  });
  const internetGateway = await component.child(
    "aws:ec2/internetGateway:InternetGateway",
    name,
    { vpcId: made.id, tags },
    { parent: made },
  );
  const zones = await makeZones({ component, vpc: made, internetGateway });
  const endpoints = await makeEndpoints(component, made, zones);
  const subnets = { public: publicSubnets(zones), private: privateSubnets(zones) };
  return {
    vpc: made.reference,
    vpcId: made.id,
    internetGateway: internetGateway.reference,
    publicSubnetIds: subnets.public.map(({ id }) => id),
    privateSubnetIds: subnets.private.map(({ id }) => id),
    isolatedSubnetIds: [],
    subnets: [...subnets.public, ...subnets.private].map(({ reference }) => reference),
    routeTables: zones.flatMap(({ routeTables }) => routeTables).map((table) => table.reference),
    vpcEndpoints: endpoints.map(({ reference }) => reference),
  };
}

async function makeZones(surroundings: Surroundings): Promise<Zone[]> {
  const { numberOfAvailabilityZones = 3, natGateways } = surroundings.component.inputs;
  const single = (natGateways as WireObject).strategy === "Single";
  const zones: Zone[] = [];
  let natGateway: Child | undefined;
  for (let index = 0; index < Number(numberOfAvailabilityZones); index++) {
    const publicSubnet = await makeSubnet(surroundings, "public", index);
    if (natGateway === undefined || !single)
      natGateway = await makeNatGateway(surroundings, publicSubnet, index);
    const privateSubnet = await makeSubnet(surroundings, "private", index);
    const { internetGateway } = surroundings;
    const routeTables = [
      await makeRoute(surroundings, "public", index, publicSubnet, {
        gatewayId: internetGateway.id,
      }),
      await makeRoute(surroundings, "private", index, privateSubnet, {
        natGatewayId: natGateway.id,
      }),
    ];
    zones.push({ publicSubnet, privateSubnet, routeTables });
  }
  return zones;
}

function makeSubnet(
  { component, vpc }: Surroundings,
  kind: "public" | "private",
  zone: number,
): Promise<Child> {
  const name = `${component.name}-${kind}-${zone + 1}`;
  const specs = component.inputs.subnetSpecs as readonly WireObject[];
  const spec = specs.find(({ type }) => String(type).toLowerCase() === kind);
  return component.child(
    "aws:ec2/subnet:Subnet",
    name,
    {
      vpcId: vpc.id,
      cidrBlock: subnetBlock(String(component.inputs.cidrBlock), kind, zone),
      availabilityZone: `${account.region}${"abcdef"[zone]}`,
      mapPublicIpOnLaunch: kind === "public",
      tags: { Name: name, ...(spec?.tags as WireObject | undefined) },
    },
    { parent: vpc, dependsOn: [vpc] },
  );
}

/** One of sixteen equal parts of a VPC's /16 for each subnet. */
function subnetBlock(cidrBlock: string, kind: "public" | "private", zone: number): string {
  const [first, second] = cidrBlock.split(".");
  const part = zone * 2 + (kind === "public" ? 1 : 0);
  return `${first}.${second}.${part * 16}.0/20`;
}

async function makeNatGateway({ component }: Surroundings, subnet: Child, zone: number) {
  const name = `${component.name}-${zone + 1}`;
  const under = { parent: subnet, dependsOn: [subnet] };
  const tags = { Name: name };
  const address = await component.child("aws:ec2/eip:Eip", name, { domain: "vpc", tags }, under);
  return component.child(
    "aws:ec2/natGateway:NatGateway",
    name,
    { allocationId: address.id, subnetId: subnet.id, tags },
    { parent: subnet, dependsOn: [subnet, address] },
  );
}

/** @returns the route table */
async function makeRoute(
  { component, vpc, internetGateway }: Surroundings,
  kind: "public" | "private",
  zone: number,
  subnet: Child,
  target: WireObject,
): Promise<Child> {
  const name = `${component.name}-${kind}-${zone + 1}`;
  const table = await component.child(
    "aws:ec2/routeTable:RouteTable",
    name,
    { vpcId: vpc.id, tags: { Name: name } },
    { parent: subnet, dependsOn: [vpc, subnet] },
  );
  const under = { parent: table, dependsOn: [table, subnet, internetGateway] };
  await component.child(
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    name,
    { routeTableId: table.id, subnetId: subnet.id },
    under,
  );
  await component.child(
    "aws:ec2/route:Route",
    name,
    { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", ...target },
    under,
  );
  return table;
}

async function makeEndpoints(
  component: Component,
  vpc: Child,
  zones: readonly Zone[],
): Promise<Child[]> {
  const routeTables = zones.flatMap((zone) => zone.routeTables);
  const specs = (component.inputs.vpcEndpointSpecs ?? []) as readonly WireObject[];
  return Promise.all(
    specs.map((spec) =>
      component.child(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        `${component.name}-${String(spec.serviceName).split(".").at(-1)}`,
        { vpcId: vpc.id, routeTableIds: routeTables.map(({ id }) => id), ...spec },
        { parent: vpc, dependsOn: [vpc, ...routeTables] },
      ),
    ),
  );
}

function publicSubnets(zones: readonly Zone[]): Child[] {
  return zones.map(({ publicSubnet }) => publicSubnet);
}

function privateSubnets(zones: readonly Zone[]): Child[] {
  return zones.map(({ privateSubnet }) => privateSubnet);
}
