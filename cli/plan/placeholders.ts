import { IMAGE_BUILD_TYPE } from "../../components/imageBuild";
import { outputKinds } from "./outputKinds";
import {
  isObject,
  outputOf,
  referenceTo,
  secretOf,
  UNKNOWN,
  type WireObject,
  type WireValue,
} from "./wire";

/** A resource that the program reads outputs of. */
export interface Subject {
  readonly type: string;
  readonly name: string;
  /** Its inputs, already as outputs. */
  readonly inputs: WireObject;
  /** The stack's `aws:region`, which every AWS resource repeats. */
  readonly region: string | undefined;
  /** The URN of a resource that a component provider makes inside this one. */
  readonly childUrn: (type: string, name: string) => string;
}

type Outputs = Record<string, WireValue>;

/** Outputs that programs compute with although their declared type says too little. */
const OVERRIDES: Readonly<Record<string, (subject: Subject) => Outputs>> = {
  "awsx:ec2:Vpc": (vpc) => ({
    publicSubnetIds: subnetIds(vpc, "Public"),
    privateSubnetIds: subnetIds(vpc, "Private"),
    isolatedSubnetIds: subnetIds(vpc, "Isolated"),
  }),
  "eks:index:Cluster": ({ name }) => ({
    kubeconfig: secretOf(outputOf(name, "kubeconfig")),
    kubeconfigJson: secretOf(outputOf(name, "kubeconfigJson")),
  }),
  "aws:eks/cluster:Cluster": ({ name, inputs }) => ({
    certificateAuthority: { data: outputOf(name, "certificateAuthority.data") },
    identities: [{ oidcs: [{ issuer: outputOf(name, "identities[0].oidcs[0].issuer") }] }],
    vpcConfig: {
      ...(isObject(inputs.vpcConfig) ? inputs.vpcConfig : {}),
      clusterSecurityGroupId: outputOf(name, "vpcConfig.clusterSecurityGroupId"),
      vpcId: outputOf(name, "vpcConfig.vpcId"),
    },
  }),
  [IMAGE_BUILD_TYPE]: ({ name }) => ({ digest: outputOf(name, "digest") }),
};

/**
 * A resource's outputs in a plan: its inputs, and for what only its provider knows a text that says
 * so where the output is a string, and "unknown" where it is anything else.
 */
export function outputsOf(subject: Subject): WireObject {
  const { type, name, inputs, region, childUrn } = subject;
  const outputs: Outputs = { ...inputs };
  for (const [property, kind] of outputKinds(type)) {
    if (property in inputs) continue;
    if (property === "region" && type.startsWith("aws:") && region !== undefined)
      outputs.region = region;
    else if (kind.is === "string") outputs[property] = outputOf(name, property);
    else if (kind.is === "resource") {
      const child = `${name}.${property}`;
      outputs[property] = referenceTo(childUrn(kind.type, child), outputOf(child, "id"));
    } else outputs[property] = UNKNOWN;
  }
  if (isKubernetesObject(inputs)) outputs.metadata = namedMetadata(subject);
  return { ...outputs, ...OVERRIDES[type]?.(subject) };
}

function isKubernetesObject(inputs: WireObject): boolean {
  return typeof inputs.apiVersion === "string" && typeof inputs.kind === "string";
}

/** The provider names an object that the program leaves unnamed. */
function namedMetadata({ name, inputs }: Subject): WireValue {
  if (inputs.metadata !== undefined && !isObject(inputs.metadata)) return inputs.metadata;
  return { name: outputOf(name, "metadata.name"), ...inputs.metadata };
}

/** awsx makes one subnet of each kind in each zone; without a list of kinds, public and private. */
function subnetIds({ name, inputs }: Subject, kind: "Public" | "Private" | "Isolated"): WireValue {
  const specs = Array.isArray(inputs.subnetSpecs) ? inputs.subnetSpecs : undefined;
  const kinds = specs?.map((spec) => String(isObject(spec) ? spec.type : "").toLowerCase()) ?? [
    "public",
    "private",
  ];
  if (!kinds.includes(kind.toLowerCase())) return [];
  const zones = Array.isArray(inputs.availabilityZoneNames)
    ? inputs.availabilityZoneNames.length
    : Number(inputs.numberOfAvailabilityZones ?? 3);
  return Array.from({ length: zones }, (_, zone) =>
    outputOf(name, `${kind.toLowerCase()}SubnetIds[${zone}]`),
  );
}
