const STACK_TYPE = "pulumi:pulumi:Stack";

/** The name that Pulumi's engine gives a resource for good. */
export function urnOf(
  stack: string,
  project: string,
  parent: string,
  type: string,
  name: string,
): string {
  const parentType = parent === "" ? STACK_TYPE : qualifiedType(parent);
  const qualified = parentType === STACK_TYPE ? type : `${parentType}$${type}`;
  return `urn:pulumi:${stack}::${project}::${qualified}::${name}`;
}

/** The types of a resource and its ancestors, outermost first, joined by `$`. */
function qualifiedType(urn: string): string {
  return urn.split("::")[2] ?? "";
}

export function typeOfUrn(urn: string): string {
  return typesOfUrn(urn).at(-1) ?? "";
}

/** The types of a resource's ancestors and its own, outermost first. */
export function typesOfUrn(urn: string): readonly string[] {
  return qualifiedType(urn).split("$");
}

/** A name may itself hold `::`. */
export function nameOfUrn(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

export function isStack(type: string): boolean {
  return type === STACK_TYPE;
}
