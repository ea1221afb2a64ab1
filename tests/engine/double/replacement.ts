import { keyInputs } from "./identity";

/** Inputs that no AWS resource here can change in place. */
const FIXED = [
  "availabilityZone",
  "bucket",
  "bucketPrefix",
  "cidrBlock",
  "clusterName",
  "name",
  "namePrefix",
  "nodeGroupNamePrefix",
  "role",
  "subnetId",
  "vpcId",
];

/** And what a type cannot change beside them. */
const FIXED_BY_TYPE: Readonly<Record<string, RegExp>> = {
  "aws-native:sagemaker:EndpointConfig": /^(?!tags\b)/,
  "aws:apigateway/deployment:Deployment": /^(restApi|triggers)\b/,
  "aws:dynamodb/table:Table": /^hashKey\b/,
  "aws:eks/cluster:Cluster": /^(roleArn|encryptionConfig|bootstrapSelfManagedAddons)\b/,
  "aws:eks/nodeGroup:NodeGroup": /^(amiType|capacityType|instanceTypes|nodeRoleArn|subnetIds)\b/,
  "aws:eks/accessEntry:AccessEntry": /^type\b/,
  "aws:sagemaker/endpointConfiguration:EndpointConfiguration": /^(?!tags\b)/,
  "aws:sagemaker/model:Model": /^(?!tags\b)/,
  "kubernetes:apps/v1:Deployment": /^spec\.selector\b/,
  "kubernetes:core/v1:PersistentVolume": /^spec\.csi\b/,
  "kubernetes:core/v1:Secret": /^(data|stringData)\b/,
};

/** What a type can change although most that have it cannot. */
const CHANGEABLE_BY_TYPE: Readonly<Record<string, RegExp>> = {
  "aws:lambda/function:Function": /^role$/,
};

/** Whether a change at a path, e.g. `spec.selector.matchLabels`, makes another object of it. */
export function replaces(type: string, path: string): boolean {
  if (FIXED_BY_TYPE[type]?.test(path)) return true;
  if (CHANGEABLE_BY_TYPE[type]?.test(path)) return false;
  const [input = ""] = path.split(/[.[]/);
  if (type === "kubernetes:helm.sh/v3:Release") return input === "name" || input === "namespace";
  if (type.startsWith("kubernetes:"))
    return /^(apiVersion|kind|metadata\.name|metadata\.namespace)$/.test(path);
  // A role policy, and not a role, is of a role.
  return FIXED.includes(input) || keyInputs(type).includes(input);
}
