import { changesBetween } from "../../../cli/plan/difference";
import { typeOfUrn } from "../../../cli/plan/urn";
import type { WireObject } from "../../../cli/plan/wire";
import type { Cloud, CloudObject } from "./cloud";
import { defaultTagsIn, withDefaultTags } from "./defaultTags";
import { identityOf } from "./identity";
import { invoke } from "./invokes";
import { outputsBeforeUpdate, outputsOf, unknownOutputs } from "./outputs";
import { replaces } from "./replacement";
import { revealed } from "./wireStruct";

/** One input that an update changes. */
export interface PropertyChange {
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
  readonly replaces: boolean;
}

export interface Comparison {
  readonly changes: readonly PropertyChange[];
  /** Old and new are called the same: the old one has to go first. */
  readonly deleteBeforeReplace: boolean;
}

/** What a resource is in the engine's state: its id, and all its properties. */
export interface State {
  readonly id: string;
  readonly properties: WireObject;
}

/** What the engine asks of a provider, on plain values: every provider of this program, in one. */
export class Provider {
  #defaultTags: WireObject = {};

  constructor(private readonly cloud: Cloud) {}

  /** Takes the settings of a provider; only those of AWS's have tags. */
  configure(settings: WireObject): void {
    if ("defaultTags" in settings) this.#defaultTags = defaultTagsIn(settings);
  }

  /** The inputs as they will be in the state. */
  check(urn: string, inputs: WireObject): WireObject {
    return withDefaultTags(typeOfUrn(urn), inputs, this.#defaultTags);
  }

  compare(urn: string, olds: WireObject, news: WireObject): Comparison {
    const type = typeOfUrn(urn);
    const changes = changesBetween(revealed(olds), revealed(news)).map(
      ({ path, before, after }): PropertyChange => ({
        path,
        kind: before === undefined ? "add" : after === undefined ? "delete" : "update",
        replaces: replaces(type, path),
      }),
    );
    const replaced = changes.some((change) => change.replaces);
    // A name that is given stays; what AWS makes up is another with each birth.
    const before = this.#identify(urn, olds, this.cloud.births(urn) - 1).id;
    const after = this.#identify(urn, news).id;
    return { changes, deleteBeforeReplace: replaced && before === after };
  }

  previewCreate(urn: string, inputs: WireObject): WireObject {
    return { ...inputs, ...unknownOutputs(typeOfUrn(urn), inputs) };
  }

  create(urn: string, inputs: WireObject): State {
    const type = typeOfUrn(urn);
    const identity = this.#identify(urn, inputs);
    const outputs = outputsOf({ type, ...identity, inputs, revision: 0 });
    this.cloud.create({ type, urn, ...identity, inputs, outputs });
    return { id: identity.id, properties: { ...inputs, ...outputs } };
  }

  previewUpdate(urn: string, id: string, inputs: WireObject): WireObject {
    const outputs = this.cloud.find(typeOfUrn(urn), id)?.outputs ?? {};
    return { ...inputs, ...outputsBeforeUpdate(outputs) };
  }

  update(urn: string, id: string, inputs: WireObject): WireObject {
    const updated = this.cloud.update(typeOfUrn(urn), id, (object) => {
      object.inputs = inputs;
      object.outputs = outputsOf(object);
    });
    return propertiesOf(updated);
  }

  delete(urn: string, id: string): void {
    this.cloud.delete(typeOfUrn(urn), id);
  }

  /** What there really is; nothing when it is gone. */
  read(urn: string, id: string): { inputs: WireObject; properties: WireObject } | undefined {
    const object = this.cloud.find(typeOfUrn(urn), id);
    return object && { inputs: object.inputs, properties: propertiesOf(object) };
  }

  invoke(token: string, args: WireObject): WireObject {
    return invoke(token, args);
  }

  #identify(urn: string, inputs: WireObject, births = this.cloud.births(urn)) {
    const plain = revealed(inputs) as WireObject;
    return identityOf({ type: typeOfUrn(urn), urn, inputs: plain, births });
  }
}

function propertiesOf({ inputs, outputs }: CloudObject): WireObject {
  return { ...inputs, ...outputs };
}
