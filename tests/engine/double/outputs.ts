import { outputKinds } from "../../../cli/plan/outputKinds";
import { isObject, UNKNOWN, type WireObject, type WireValue } from "../../../cli/plan/wire";
import { account, digits } from "./account";
import { arnOf } from "./arn";
import type { Identity } from "./identity";

/** An object whose outputs are asked for. */
export interface Made extends Identity {
  readonly type: string;
  readonly inputs: WireObject;
  /** How often it was updated. */
  readonly revision: number;
}

type Output = (made: Made) => WireValue;

/** Outputs that mean the same for every type that declares them. */
const BY_PROPERTY: Readonly<Record<string, Output>> = {
  arn: ({ type, ...identity }) => arnOf(type, identity),
  bucket: ({ name }) => name,
  keyId: ({ id }) => id,
  name: ({ name }) => name,
  region: () => account.region,
  repositoryUrl: ({ name }) => `${account.id}.dkr.ecr.${account.region}.amazonaws.com/${name}`,
  tagsAll: ({ inputs }) => inputs.tags ?? {},
  url: ({ id }) => id,
};

const BY_TYPE: Readonly<Record<string, Readonly<Record<string, Output>>>> = {
  "aws-native:sagemaker:EndpointConfig": { endpointConfigName: ({ name }) => name },
  "aws:apigateway/restApi:RestApi": {
    executionArn: ({ id }) => `arn:aws:execute-api:${account.region}:${account.id}:${id}`,
  },
  "aws:lambda/function:Function": {
    invokeArn: ({ type, ...identity }) =>
      `arn:aws:apigateway:${account.region}:lambda:path/2015-03-31/functions/${arnOf(type, identity)}/invocations`,
  },
  "aws:ec2/launchTemplate:LaunchTemplate": {
    latestVersion: ({ revision }) => 1 + revision,
  },
  "aws:eks/cluster:Cluster": {
    certificateAuthority: ({ id }) => ({ data: digits(32, "authority", id) }),
    endpoint: ({ id }) => `https://${digits(32, id)}.gr7.${account.region}.eks.amazonaws.com`,
    vpcConfig: ({ id, inputs }) => ({
      ...(isObject(inputs.vpcConfig) ? inputs.vpcConfig : {}),
      clusterSecurityGroupId: `sg-${digits(17, "cluster", id)}`,
    }),
  },
};

/** Outputs that any update may change. */
const CHANGING = new Set(["latestVersion"]);

/** What an object has beyond its inputs: the outputs that its type declares and nobody gave. */
export function outputsOf(made: Made): WireObject {
  const values = Object.entries(outputFunctions(made)).map(([property, output]) => [
    property,
    output(made),
  ]);
  return Object.fromEntries(values);
}

/** The same before there is an object, when nobody can know them. */
export function unknownOutputs(type: string, inputs: WireObject): WireObject {
  const properties = Object.keys(outputFunctions({ type, inputs }));
  return Object.fromEntries(properties.map((property) => [property, UNKNOWN]));
}

/** What is known of an object's outputs before it is updated. */
export function outputsBeforeUpdate(outputs: WireObject): WireObject {
  return Object.fromEntries(
    Object.entries(outputs).map(([property, value]) => [
      property,
      CHANGING.has(property) ? UNKNOWN : value,
    ]),
  );
}

function outputFunctions({ type, inputs }: Pick<Made, "type" | "inputs">): Record<string, Output> {
  const declared = [...outputKinds(type).keys()].filter((property) => !(property in inputs));
  const shared = type.startsWith("aws:")
    ? declared.flatMap((property) => {
        const output = BY_PROPERTY[property];
        return output === undefined ? [] : [[property, output] as const];
      })
    : [];
  return { ...Object.fromEntries(shared), ...BY_TYPE[type] };
}
