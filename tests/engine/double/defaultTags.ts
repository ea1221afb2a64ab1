import { outputKinds } from "../../../cli/plan/outputKinds";
import { isObject, type WireObject, type WireValue } from "../../../cli/plan/wire";

/** The tags that an AWS provider's settings put on everything. The SDK sends objects as JSON. */
export function defaultTagsIn(settings: WireObject): WireObject {
  const { defaultTags = {} } = settings;
  const parsed = typeof defaultTags === "string" ? JSON.parse(defaultTags) : defaultTags;
  return (parsed as { tags?: WireObject }).tags ?? {};
}

/** Inputs with the provider's tags, as the AWS provider's Check gives them back to the engine. */
export function withDefaultTags(type: string, inputs: WireObject, tags: WireObject): WireObject {
  if (!type.startsWith("aws:") || !outputKinds(type).has("tagsAll")) return inputs;
  return { ...inputs, tags: merged(tags, inputs.tags) };
}

function merged(defaults: WireObject, own: WireValue | undefined): WireValue {
  return own === undefined || isObject(own) ? { ...defaults, ...own } : own;
}
