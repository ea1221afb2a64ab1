import { nameOfUrn } from "../../../cli/plan/urn";
import { isObject, type WireObject, type WireValue } from "../../../cli/plan/wire";
import { account, digits } from "./account";

/** What a cloud needs to know to name an object. */
export interface Subject {
  readonly type: string;
  readonly urn: string;
  /** Without marks of secrets. */
  readonly inputs: WireObject;
  /** How many objects this URN had before: a replacement has another name than what it replaces. */
  readonly births: number;
}

export interface Identity {
  /** Pulumi's id of the object. No two objects of a type have the same. */
  readonly id: string;
  /** What it is called, with what the provider appends to a prefix. */
  readonly name: string;
}

/** Types of which EC2 numbers the objects. */
const EC2_PREFIXES: Readonly<Record<string, string>> = {
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "sg",
  "aws:ec2/eip:Eip": "eipalloc",
  "aws:ec2/flowLog:FlowLog": "fl",
  "aws:ec2/internetGateway:InternetGateway": "igw",
  "aws:ec2/launchTemplate:LaunchTemplate": "lt",
  "aws:ec2/natGateway:NatGateway": "nat",
  "aws:ec2/route:Route": "r",
  "aws:ec2/routeTable:RouteTable": "rtb",
  "aws:ec2/routeTableAssociation:RouteTableAssociation": "rtbassoc",
  "aws:ec2/securityGroup:SecurityGroup": "sg",
  "aws:ec2/subnet:Subnet": "subnet",
  "aws:ec2/vpc:Vpc": "vpc",
  "aws:ec2/vpcEndpoint:VpcEndpoint": "vpce",
  "aws:eks/podIdentityAssociation:PodIdentityAssociation": "a",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "sgr",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "sgr",
};

/** Types of which AWS takes one object only with the same values of these inputs. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  "aws:apigateway/methodSettings:MethodSettings": ["restApi", "stageName", "methodPath"],
  "aws:apigateway/stage:Stage": ["restApi", "stageName"],
  "aws:apigateway/usagePlanKey:UsagePlanKey": ["usagePlanId", "keyId"],
  "aws:appautoscaling/policy:Policy": ["resourceId", "scalableDimension", "name"],
  "aws:appautoscaling/scheduledAction:ScheduledAction": ["resourceId", "scalableDimension", "name"],
  "aws:appautoscaling/target:Target": ["resourceId", "scalableDimension"],
  "aws:cloudwatch/eventTarget:EventTarget": ["rule", "arn"],
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ["vpcId"],
  "aws:ec2/route:Route": ["routeTableId", "destinationCidrBlock"],
  "aws:ec2/routeTableAssociation:RouteTableAssociation": ["subnetId"],
  "aws:ec2/subnet:Subnet": ["vpcId", "cidrBlock"],
  "aws:ec2/vpcEndpoint:VpcEndpoint": ["vpcId", "serviceName"],
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": ["repository"],
  "aws:eks/accessEntry:AccessEntry": ["clusterName", "principalArn"],
  "aws:eks/addon:Addon": ["clusterName", "addonName"],
  "aws:eks/podIdentityAssociation:PodIdentityAssociation": [
    "clusterName",
    "namespace",
    "serviceAccount",
  ],
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ["role", "policyArn"],
  "aws:sns/topicPolicy:TopicPolicy": ["arn"],
  "aws:sns/topicSubscription:TopicSubscription": ["topic", "protocol", "endpoint"],
  "aws:sqs/queuePolicy:QueuePolicy": ["queueUrl"],
  "aws:wafv2/webAclAssociation:WebAclAssociation": ["resourceArn"],
};

/** Types whose id is neither a name nor a number. */
const IDS: Readonly<Record<string, (name: string, subject: Subject) => string>> = {
  // Names of these are no names: two APIs, plans or keys may have the same.
  "aws:apigateway/apiKey:ApiKey": (_, { urn, births }) => digits(10, urn, births),
  "aws:apigateway/deployment:Deployment": (_, { urn, births }) => digits(6, urn, births),
  "aws:apigateway/restApi:RestApi": (_, { urn, births }) => digits(10, urn, births),
  "aws:apigateway/usagePlan:UsagePlan": (_, { urn, births }) => digits(6, urn, births),
  "aws:eks/nodeGroup:NodeGroup": (name, { inputs }) => `${inputs.clusterName}:${name}`,
  "aws:iam/rolePolicy:RolePolicy": (name, { inputs }) => `${inputs.role}:${name}`,
  "aws:kms/key:Key": (_, { urn, births }) =>
    digits(32, urn, births).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
  "aws:sns/topic:Topic": (name) => `arn:aws:sns:${account.region}:${account.id}:${name}`,
  "aws:sqs/queue:Queue": (name) =>
    `https://sqs.${account.region}.amazonaws.com/${account.id}/${name}`,
};

/** Inputs that name an object; each has a twin that gives a prefix. */
const NAME_INPUTS = [
  "name",
  "bucket",
  "nodeGroupName",
  "dashboardName",
  "inferenceComponentName",
  "endpointName",
  "endpointConfigName",
];

/** What an object is called, and by what Pulumi finds it again. */
export function identityOf(subject: Subject): Identity {
  const { type, urn, inputs, births } = subject;
  if (type.startsWith("kubernetes:")) return kubernetesIdentity(subject);
  const name = physicalName(subject);
  const key = keyInputs(type).map((input) => String(inputs[input]));
  const prefix = EC2_PREFIXES[type];
  if (prefix !== undefined) {
    const seed = key.length > 0 ? key : [urn, births];
    return { id: `${prefix}-${digits(17, type, ...seed)}`, name };
  }
  return { id: IDS[type]?.(name, subject) ?? (key.length > 0 ? key.join(":") : name), name };
}

/** The inputs that say which object of its type it is. */
export function keyInputs(type: string): readonly string[] {
  return KEYS[type] ?? [];
}

function physicalName({ urn, inputs, births }: Subject): string {
  for (const input of NAME_INPUTS) {
    const given = inputs[input];
    if (typeof given === "string") return given;
    const prefix = inputs[`${input}Prefix`];
    if (typeof prefix === "string") return `${prefix}${digits(26, urn, births)}`;
  }
  return `${nameOfUrn(urn)}-${digits(7, urn, births)}`;
}

/** @throws Error for an object without a name: the program names all of its own */
function kubernetesIdentity({ urn, inputs }: Subject): Identity {
  const { name, namespace } = isObject(inputs.metadata) ? inputs.metadata : inputs;
  if (typeof name !== "string") throw new Error(`${urn} has no name`);
  return { id: [namespace, name].filter(isText).join("/"), name };
}

function isText(value: WireValue | undefined): value is string {
  return typeof value === "string";
}
