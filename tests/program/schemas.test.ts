import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Plan } from "../../cli/plan/makePlan";
import { filled, plansToCheck } from "../python/python";
import { type Manifest, ofKind } from "./planned";

const root = resolve(__dirname, "../..");

/** Why a manifest is refused; nothing when it is not. */
type Validate = (manifest: Manifest) => string | undefined;

interface Kind {
  readonly apiVersion: string;
  /** Makes a sound manifest one that the API server must refuse. */
  readonly spoil: (manifest: Manifest) => void;
}

type Model = new (manifest: Manifest) => { validate(): void };

/**
 * The kinds of @kubernetes-models, which come from each project's Go types. The packages export
 * themselves to `import` only, which is a `require` by the time that it runs: hence by file.
 */
function loadModels(): Readonly<Record<string, Model>> {
  const packages = [
    "gateway-api/gateway.networking.k8s.io/v1",
    "karpenter/karpenter.k8s.aws/v1",
    "karpenter/karpenter.sh/v1",
    "keda/keda.sh/v1alpha1",
  ];
  const modules = packages.map((path) =>
    require(resolve(root, "node_modules/@kubernetes-models", path, "index.js")),
  );
  return Object.assign({}, ...modules);
}

function refusal(Model: Model, manifest: Manifest): string | undefined {
  try {
    new Model(manifest).validate();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const kinds: Readonly<Record<string, Kind>> = {
  NodePool: {
    apiVersion: "karpenter.sh/v1",
    spoil: ({ spec }) => {
      spec.disruption.consolidationPolicy = "WhenBored";
    },
  },
  EC2NodeClass: {
    apiVersion: "karpenter.k8s.aws/v1",
    spoil: ({ spec }) => {
      spec.metadataOptions.httpTokens = "sometimes";
    },
  },
  ScaledObject: {
    apiVersion: "keda.sh/v1alpha1",
    spoil: ({ spec }) => {
      spec.triggers[0].metadata.targetMetricValue = { at: "least" };
    },
  },
  ClusterTriggerAuthentication: {
    apiVersion: "keda.sh/v1alpha1",
    spoil: ({ spec }) => {
      spec.podIdentity.provider = "nobody";
    },
  },
  Gateway: {
    apiVersion: "gateway.networking.k8s.io/v1",
    spoil: ({ spec }) => {
      spec.listeners[0].port = 70_000;
    },
  },
  GatewayClass: {
    apiVersion: "gateway.networking.k8s.io/v1",
    spoil: ({ spec }) => {
      spec.controllerName = "no domain in front";
    },
  },
  HTTPRoute: {
    apiVersion: "gateway.networking.k8s.io/v1",
    spoil: ({ spec }) => {
      spec.rules[0].backendRefs[0].weight = -1;
    },
  },
};

const crdFile = resolve(
  root,
  "../shared/crds/aws-load-balancer-controller-3.5.0/gateway-crds.yaml",
);

/** The load balancer controller's kinds: only its CRDs say what they take, and no package has them. */
const controllerKinds: Readonly<Record<string, Kind["spoil"]>> = {
  LoadBalancerConfiguration: ({ spec }) => {
    spec.scheme = "secret";
  },
  TargetGroupConfiguration: ({ spec }) => {
    spec.defaultConfiguration.healthCheckConfig.matcher = { httpCodes: "200" };
  },
  ListenerRuleConfiguration: ({ spec }) => {
    spec.actions[0].type = "authenticate-nobody";
  },
};

/** The schema of each kind in a file of CRDs, in version v1. */
function schemasIn(file: string): ReadonlyMap<string, Manifest> {
  return new Map(
    parseAllDocuments(readFileSync(file, "utf8"))
      .map((document) => document.toJS())
      .filter((crd) => crd?.kind === "CustomResourceDefinition")
      .flatMap(({ spec }) =>
        spec.versions
          .filter(({ name }: Manifest) => name === "v1")
          .map(({ schema }: Manifest) => [spec.names.kind, schema.openAPIV3Schema]),
      ),
  );
}

/**
 * What is wrong with a value by a structural schema. Unknown fields are wrong too: the API server
 * drops them without a word.
 */
function wrong(value: Manifest, schema: Manifest, where: string): string[] {
  if (schema["x-kubernetes-int-or-string"]) return [];
  const bad = (rule: string) => [`${where} is ${JSON.stringify(value)}: ${rule}`];
  const type = Array.isArray(value)
    ? "array"
    : Number.isInteger(value) && schema.type === "integer"
      ? "integer"
      : typeof value;
  if (schema.type !== type) return bad(`not of type ${schema.type}`);
  if (schema.enum !== undefined && !schema.enum.includes(value)) return bad(String(schema.enum));
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
    return bad(schema.pattern);
  const size = type === "number" || type === "integer" ? value : (value.length ?? 0);
  const least = schema.minimum ?? schema.minLength ?? schema.minItems;
  const most = schema.maximum ?? schema.maxLength ?? schema.maxItems;
  if (least !== undefined && size < least) return bad(`at least ${least}`);
  if (most !== undefined && size > most) return bad(`at most ${most}`);
  if (type === "array")
    return value.flatMap((item: Manifest, index: number) =>
      wrong(item, schema.items, `${where}[${index}]`),
    );
  if (type !== "object" || schema["x-kubernetes-preserve-unknown-fields"]) return [];
  const missing = (schema.required ?? []).filter((key: string) => value[key] === undefined);
  return [
    ...missing.map((key: string) => `${where}.${key} is missing`),
    ...Object.entries(value).flatMap(([key, inner]) => {
      const known = schema.properties?.[key] ?? schema.additionalProperties;
      // The CRD leaves metadata to the API server.
      if (where === "" && key === "metadata") return [];
      return known === undefined
        ? [`${where}.${key} is no field`]
        : wrong(inner, known, `${where}.${key}`);
    }),
  ];
}

describe("Custom resources", () => {
  let plans: readonly Plan[];
  let models: Readonly<Record<string, Model>>;

  const manifestsOf = (kind: string) =>
    plans.flatMap((plan) =>
      ofKind(plan, kind).map(
        ({ inputs }): Manifest => JSON.parse(filled(plan, JSON.stringify(inputs))),
      ),
    );

  function checksKind(name: string, { apiVersion, spoil }: Kind, validate: Validate): void {
    it(`of kind ${name} are what their schema allows`, () => {
      const manifests = manifestsOf(name);
      assert.ok(manifests.length > 0, `no plan has a ${name}`);
      for (const manifest of manifests) {
        assert.equal(manifest.apiVersion, apiVersion);
        assert.equal(validate(manifest), undefined, manifest.metadata.name);
      }
    });

    it(`of kind ${name} would not pass with nonsense in them`, () => {
      const spoilt = structuredClone(manifestsOf(name)[0]);
      spoil(spoilt);
      assert.notEqual(validate(spoilt), undefined);
    });
  }

  before(async () => {
    plans = Object.values(await plansToCheck());
    models = loadModels();
  });

  it("are all of kinds that this test knows", () => {
    const ofKubernetesItself =
      /^(?!kubernetes:)|:(core|apps|batch|policy|(coordination|rbac\.authorization|scheduling)\.k8s\.io|helm\.sh|yaml)\//;
    const custom = plans.flatMap(({ document }) =>
      document.resources.flatMap(({ type, inputs }) =>
        ofKubernetesItself.test(type) ? [] : [String(inputs.kind)],
      ),
    );
    assert.deepEqual(
      [...new Set(custom)].sort(),
      [...Object.keys(kinds), ...Object.keys(controllerKinds)].sort(),
    );
  });

  for (const [name, kind] of Object.entries(kinds))
    checksKind(name, kind, (manifest) => refusal(models[name]!, manifest));

  const hasCrds = existsSync(crdFile);
  (hasCrds ? describe : describe.skip)(
    `of the load balancer controller${hasCrds ? "" : " (skipped: its CRDs are not beside the checkout, in ../shared/crds)"}`,
    () => {
      let schemas: ReadonlyMap<string, Manifest> | undefined;
      for (const [name, spoil] of Object.entries(controllerKinds))
        checksKind(name, { apiVersion: "gateway.k8s.aws/v1", spoil }, (manifest) => {
          schemas ??= schemasIn(crdFile);
          const schema = schemas.get(name);
          assert.ok(schema, `no CRD for ${name}`);
          return wrong(manifest, schema, "")[0];
        });
    },
  );
});
