import { listed } from "./listed";
import { isSet, ofType, type Resource, type Stack } from "./resource";

/** SageMaker's endpoints, as either of Pulumi's providers writes them, and what scales them. */

export const endpointTypes = [
  "aws:sagemaker/endpoint:Endpoint",
  "aws-native:sagemaker:Endpoint",
] as const;

export const configurationTypes = [
  "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  "aws-native:sagemaker:EndpointConfig",
] as const;

export const modelTypes = ["aws:sagemaker/model:Model", "aws-native:sagemaker:Model"] as const;

export const componentType = "aws-native:sagemaker:InferenceComponent";

export const scalingTargetType = "aws:appautoscaling/target:Target";
export const scalingPolicyType = "aws:appautoscaling/policy:Policy";
export const scheduledActionType = "aws:appautoscaling/scheduledAction:ScheduledAction";

// biome-ignore lint/suspicious/noExplicitAny: API inputs, read by path
type Input = any;

/** What says which container serves. */
export const hostedTypes = [...modelTypes, componentType] as const;

/** The containers of a model, or of an inference component without one. */
export function hostedContainers({ type, props }: Resource): readonly Input[] {
  if (type !== componentType)
    return [...listed(props.primaryContainer), ...listed(props.containers)];
  return [...listed(props.specification), ...listed(props.specifications)].flatMap(
    ({ container }) => listed(container),
  );
}

/** The configuration that an endpoint takes, where it is of the same stack. */
export function configurationOf(endpoint: Resource, stack: Stack): Resource | undefined {
  const configurations = ofType(stack, ...configurationTypes);
  const from = endpoint.sources.get("endpointConfigName") ?? [];
  return (
    configurations.find(({ urn }) => from.includes(urn)) ??
    configurations.find((it) => isCalled(it, () => endpoint.props.endpointConfigName))
  );
}

/** Where the physical name stands. */
const nameProperties: Readonly<Record<string, string>> = {
  "aws:sagemaker/endpoint:Endpoint": "name",
  "aws:sagemaker/endpointConfiguration:EndpointConfiguration": "name",
  "aws-native:sagemaker:Endpoint": "endpointName",
  "aws-native:sagemaker:EndpointConfig": "endpointConfigName",
  [componentType]: "inferenceComponentName",
};

/** Whether a resource has a name; one that AWS makes up nobody can have written. */
function isCalled({ type, props }: Resource, name: () => unknown): boolean {
  const property = nameProperties[type] ?? "name";
  return isSet(props, property) && props[property] === name();
}

/** The variants of a configuration that have instances of their own. */
export function instanceVariants({ props }: Resource): readonly Input[] {
  return [...listed(props.productionVariants), ...listed(props.shadowProductionVariants)].filter(
    (variant) => !isSet(variant, "serverlessConfig"),
  );
}

export function isAsynchronous({ props }: Resource): boolean {
  return isSet(props, "asyncInferenceConfig");
}

/** Whether models come onto an endpoint by inference components, and not with the configuration. */
export function hostsComponents(configuration: Resource): boolean {
  const variants = instanceVariants(configuration);
  return variants.length > 0 && variants.every((variant) => !isSet(variant, "modelName"));
}

/** The resources of a type that Application Auto Scaling keeps for SageMaker. */
export function scalingOf(stack: Stack, ...types: readonly string[]): readonly Resource[] {
  return ofType(stack, ...types).filter(({ props }) => props.serviceNamespace === "sagemaker");
}

/** Whether a target, policy or action changes the copies of a component, or an endpoint's instances. */
export function scales(
  { props, sources }: Resource,
  owner: Resource,
  variantName?: unknown,
): boolean {
  const [kind, name, , variant] = String(props.resourceId).split("/");
  const isKind = kind === (owner.type === componentType ? "inference-component" : "endpoint");
  return (
    isKind &&
    (sources.get("resourceId")?.includes(owner.urn) || isCalled(owner, () => name)) &&
    (variantName === undefined || variantName === variant)
  );
}

/** The endpoint or component of the same stack that a target, policy or action scales. */
export function scaledBy(scaling: Resource, stack: Stack): Resource | undefined {
  const targets = ofType(stack, scalingTargetType);
  const named = targets.find(({ urn }) => scaling.sources.get("resourceId")?.includes(urn));
  return ofType(stack, ...endpointTypes, componentType).find((owner) => {
    if (!scales(named ?? scaling, owner)) return false;
    const configuration = configurationOf(owner, stack);
    if (configuration === undefined) return true;
    return instanceVariants(configuration).some(({ variantName }) =>
      scales(named ?? scaling, owner, variantName),
    );
  });
}

/** Whether a policy or action is about the same number as a target. */
export function isUnder({ props, sources }: Resource, target: Resource): boolean {
  return (
    sources.get("resourceId")?.includes(target.urn) ||
    (props.resourceId === target.props.resourceId &&
      props.scalableDimension === target.props.scalableDimension)
  );
}

/** The bounds of a target at any time: its own, and those of its scheduled actions. */
export function boundsOf(
  target: Resource,
  stack: Stack,
): readonly { readonly minCapacity?: unknown; readonly maxCapacity?: unknown }[] {
  const scheduled = scalingOf(stack, scheduledActionType)
    .filter((action) => isUnder(action, target))
    .flatMap(({ props }) => listed(props.scalableTargetAction));
  return [target.props, ...scheduled];
}

/** How many instances a variant of an endpoint may have; undefined where nothing bounds it. */
export function mostInstances(
  endpoint: Resource,
  variant: Input,
  stack: Stack,
): number | undefined {
  const most = scalingOf(stack, scalingTargetType)
    .filter((target) => scales(target, endpoint, variant.variantName))
    .flatMap((target) => boundsOf(target, stack))
    .flatMap(({ maxCapacity }) => listed(maxCapacity as number | undefined));
  if (most.length > 0) return Math.max(...most);
  const { status = "ENABLED", maxInstanceCount } = variant.managedInstanceScaling ?? {};
  return status === "ENABLED" ? (maxInstanceCount ?? undefined) : undefined;
}
