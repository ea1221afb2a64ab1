import { distance } from "fastest-levenshtein";
import { artefactPath } from "../../contracts/serverSettings";
import { UserError } from "../../contracts/userError";
import type { Framework } from "../../fleet/accelerators";
import { modelStoreSchema } from "../../stacks/config/models";
import { nearest } from "../../stacks/config/nearest";
import { shortName } from "../../stacks/config/scalars";
import { readStackConfig } from "../plan/stackConfig";
import { stackOutput } from "../stackOutput";

/** Frameworks that an import may be for. */
export const frameworks: readonly Framework[] = ["cuda", "triton", "neuron"];

/** What a stack's file says of its models. */
export interface StackModels {
  readonly project: string;
  readonly stack: string;
  readonly region: string;
  readonly names: readonly string[];
  /** Hashes of the models' imports, by model and framework. */
  readonly artefacts: Readonly<Record<string, Partial<Readonly<Record<Framework, string>>>>>;
  /** Names of models whose images are looked at by a safety checker. */
  readonly withSafety: readonly string[];
  readonly existingBucket?: string;
  /** Prefix in the bucket, with a slash at its end. */
  readonly prefix: string;
}

/** @throws UserError when there is no such stack, or its model store is wrong */
export function stackModels(root: string, stack: string): StackModels {
  const { project, values } = readStackConfig(root, stack);
  const store = modelStoreSchema.safeParse(values[`${project}:modelStore`] ?? {});
  if (!store.success)
    throw new UserError(
      `${project}:modelStore of stack ${stack} is wrong; npm run -s plan -- --stack ${stack}  says what is.`,
    );
  const models = Object.entries((values[`${project}:models`] ?? {}) as Record<string, unknown>);
  const { existingBucket, prefix } = store.data;
  return {
    project,
    stack,
    region: process.env.AWS_REGION || String(values["aws:region"] ?? "us-west-2"),
    names: models.map(([name]) => name),
    artefacts: Object.fromEntries(
      models.map(([name, model]) => [
        name,
        (model as { artefacts?: Partial<Record<Framework, string>> } | null)?.artefacts ?? {},
      ]),
    ),
    withSafety: models
      .filter(([, model]) => (model as { safetyChecker?: unknown } | null)?.safetyChecker === true)
      .map(([name]) => name),
    ...(existingBucket === undefined ? {} : { existingBucket }),
    prefix,
  };
}

/** @throws UserError that says what is allowed, and which name was probably meant */
export function checkFramework(framework: string): Framework {
  const known = frameworks.find((each) => each === framework);
  if (known !== undefined) return known;
  throw new UserError(
    `--framework is "${framework}"; allowed: ${frameworks.join(", ")}.${meant(nearest(framework, frameworks))}`,
  );
}

/**
 * A model may be imported before it is in the config; a name that is one slip away from one that is
 * there is taken for a slip.
 *
 * @throws UserError that says what is allowed, and which name was probably meant
 */
export function checkModel(name: string, { names, project, stack }: StackModels): void {
  if (names.includes(name)) return;
  const allowed = shortName.safeParse(name);
  const lower = name.toLowerCase();
  const slip = names.find(
    (each) => each.toLowerCase() === lower || distance(each, name) === 1 || isSwapped(each, name),
  );
  if (!allowed.success)
    throw new UserError(
      `The model's name is "${name}"; allowed: ${allowed.error.issues[0]?.message}.${meant(slip)}`,
    );
  if (slip !== undefined)
    throw new UserError(
      `Stack ${stack} has no model "${name}"; it has ${names.join(", ")}.${meant(slip)} ` +
        `A new model of this name is put into the config first: pulumi config set --path '${project}:models.${name}.pathPrefix' /${name}`,
    );
}

/** Two letters that have changed places. */
function isSwapped(a: string, b: string): boolean {
  return (
    a.length === b.length && distance(a, b) === 2 && [...a].sort().join() === [...b].sort().join()
  );
}

function meant(name: string | undefined): string {
  return name === undefined ? "" : ` Did you mean "${name}"?`;
}

/** The output of a stack that says where its models are. */
const STORE_OUTPUT = "modelStore";

/** The stack's bucket, by its config or as Pulumi knows it; nothing where nobody does. */
export async function stackBucket(
  root: string,
  { stack, existingBucket }: StackModels,
): Promise<string | undefined> {
  if (existingBucket !== undefined) return existingBucket;
  const [, bucket] =
    /^s3:\/\/([^/]+)\//.exec((await stackOutput(root, stack, STORE_OUTPUT)) ?? "") ?? [];
  return bucket;
}

export function noBucket({ stack }: StackModels): UserError {
  return new UserError(
    "Which bucket? Give it as --bucket BUCKET, or deploy the stack first: it is in the output " +
      `${STORE_OUTPUT}: pulumi stack output ${STORE_OUTPUT} --stack ${stack}`,
  );
}

/** @throws UserError when it cannot be a bucket's name */
export function checkBucket(bucket: string): string {
  if (modelStoreSchema.safeParse({ existingBucket: bucket }).success) return bucket;
  throw new UserError(
    `--bucket is "${bucket}"; allowed: a bucket's name, without s3:// and without a path.`,
  );
}

/** Prefix of an import's objects, with a slash at its end. */
export function importPrefix(
  { prefix }: StackModels,
  model: string,
  framework: Framework,
  hash: string,
): string {
  return `${prefix}${artefactPath(model, framework, hash)}/`;
}
