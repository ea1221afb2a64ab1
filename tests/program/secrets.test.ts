import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { differenceOf } from "../../cli/plan/difference";
import { differenceLines } from "../../cli/plan/differenceText";
import { makePlan, type Plan } from "../../cli/plan/makePlan";
import { page } from "../../cli/plan/page";
import { planLines } from "../../cli/plan/planText";
import { readStackConfig, type StackConfig } from "../../cli/plan/stackConfig";
import { project } from "../../cli/project";
import { type Manifest, manifest, ofType, planOf, planWithSecrets } from "./planned";

/** A stack's key encrypts it, so that this is what stands in the file. */
const ciphertext = "AAABANnSxLnZVWQbNj5yQ9L0cKZ8mUqR3vJh7T2w";
/** What `pulumi up` hands to the program for it. */
const plaintext = "hf_ThisIsWhatNobodyMayRead";

const unit = "sd21-inf2-neuron";
const root = resolve(__dirname, "../..");

/** A plan in every form in which it is shown: JSON, text short and full, and HTML. */
function shown(plan: Plan): Readonly<Record<string, string>> {
  const text = (full: boolean) => planLines(plan, (_, line) => line, full).join("\n");
  return {
    JSON: JSON.stringify(plan.document, null, 2),
    text: text(false),
    "the full text": text(true),
    HTML: page(plan),
  };
}

function assertHidden(plan: Plan, ...secrets: readonly string[]): void {
  for (const [form, output] of Object.entries(shown(plan)))
    for (const secret of secrets) assert.ok(!output.includes(secret), `${form} shows ${secret}`);
}

/** `dev` with an encrypted setting of a unit's server, as Pulumi's CLI writes it. */
function encryptedConfig(): StackConfig {
  const folder = mkdtempSync(join(tmpdir(), "fleet-secret-"));
  try {
    const { values } = readStackConfig(root, "dev");
    const units = structuredClone(values["diffusion-fleet:units"]) as Manifest;
    units[unit].env = { HF_TOKEN: { secure: ciphertext } };
    writeFileSync(join(folder, "Pulumi.yaml"), "name: diffusion-fleet\nruntime: nodejs\n");
    writeFileSync(
      join(folder, "Pulumi.dev.yaml"),
      // JSON is YAML.
      JSON.stringify({ config: { ...values, "diffusion-fleet:units": units } }),
    );
    return readStackConfig(folder, "dev");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function setting(plan: Plan, name: string): unknown {
  const { env } = manifest(plan, "Deployment", unit).spec.template.spec.containers[0];
  return env.find((entry: Manifest) => entry.name === name)?.value;
}

describe("Secrets", () => {
  let dev: Plan;
  let encrypted: Plan;

  before(async () => {
    dev = await planOf("dev");
    encrypted = await makePlan(project, "dev", encryptedConfig());
  });

  it("of a stack's config are said to be there, and not shown, in JSON, text and HTML", () => {
    assertHidden(encrypted, ciphertext);
    const secret = ofType(encrypted, "kubernetes:core/v1:Secret")[0]!;
    assert.equal(secret.inputs.stringData, "<secret>");
    const { envFrom } = manifest(encrypted, "Deployment", unit).spec.template.spec.containers[0];
    const { name } = secret.inputs.metadata as Manifest;
    assert.deepEqual(envFrom, [{ secretRef: { name } }]);
    assert.equal(setting(encrypted, "HF_TOKEN"), undefined, "it is not in the Deployment");
    assert.notEqual(setting(encrypted, "MODEL"), "<secret>", "the plain settings stay readable");
  });

  it("of a stack's config are not shown by a comparison either", () => {
    const comparables = (plan: Plan) =>
      plan.document.resources.map((resource) => ({ ...resource, ignoreChanges: [] }));
    const difference = differenceOf(comparables(dev), comparables(encrypted));
    assert.ok(difference.updated.length > 0);
    const lines = differenceLines(difference, "title", 1, (_, line) => line).join("\n");
    assert.ok(!lines.includes(ciphertext));
  });

  it("of a stack's config stay secrets in the resources that get them, so `up` hides them too", async () => {
    const config = encryptedConfig();
    const key = "diffusion-fleet:units";
    const decrypted = JSON.stringify(config.values[key]).replace("<secret>", plaintext);
    const values = { ...config.values, [key]: JSON.parse(decrypted) };
    const plan = await makePlan(project, "dev", { ...config, values });
    assert.ok(config.secretKeys.has(key));
    assertHidden(plan, plaintext);
  });

  it("that open the cluster are not shown: its kubeconfig", async () => {
    for (const plan of [dev, await planOf("prod")]) {
      const [provider, ...others] = ofType(plan, "pulumi:providers:kubernetes");
      assert.equal(provider?.inputs.kubeconfig, "<secret>");
      assert.deepEqual(others, []);
      assertHidden(plan, "kubeconfigJson", "certificate-authority-data");
    }
  });

  it("that open an existing cluster are not in its kubeconfig: it asks the AWS CLI for a token", async () => {
    const plan = await planOf(
      "dev",
      "network.existing={vpcId: vpc-0123456789abcdef0, privateSubnetIds: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]}",
      "cluster.existing={name: theirs}",
    );
    const [provider] = ofType(plan, "pulumi:providers:kubernetes");
    const kubeconfig = String(provider?.inputs.kubeconfig);
    assert.notEqual(kubeconfig, "<secret>", "it has nothing to hide, and shows it");
    const [{ user }] = JSON.parse(kubeconfig).users;
    assert.deepEqual(Object.keys(user), ["exec"]);
    assert.ok(user.exec.args.includes("get-token"));
  });

  it("of the person who plans do not get into the plan: AWS credentials of the environment", async () => {
    const credentials = {
      AWS_ACCESS_KEY_ID: "AKIAQQQQEXAMPLEQQQQQ",
      AWS_SECRET_ACCESS_KEY: "qqqqEXAMPLEqqqqSECRETqqqqACCESSqqqqKEYqq",
      AWS_SESSION_TOKEN: "qqqqEXAMPLEqqqqSESSIONqqqqTOKENqqqq",
    };
    const before = { ...process.env };
    Object.assign(process.env, credentials);
    try {
      assertHidden(await planOf("dev"), ...Object.values(credentials));
    } finally {
      for (const name of Object.keys(credentials))
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
    }
  });

  it("and nothing that looks like one is in a plan", async () => {
    const shapes = [
      /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
      /\b(AKIA|ASIA)[0-9A-Z]{16}\b/,
      /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\./,
      /\bk8s-aws-v1\.[\w-]{10,}/,
      /\bgh[pousr]_\w{20,}/,
    ];
    for (const plan of [dev, await planOf("prod")])
      for (const [form, output] of Object.entries(shown(plan)))
        for (const shape of shapes) assert.doesNotMatch(output, shape, form);
  });
});

describe("A setting that is no secret", () => {
  it("is shown, so that the tests above would see one", async () => {
    const plan = await planOf("dev", `units.${unit}.env={HF_TOKEN: ${plaintext}}`);
    assert.throws(() => assertHidden(plan, plaintext), /JSON shows/);
  });

  it("of a managed endpoint's server is a secret of the plan, and of the state", async () => {
    const path = "sagemaker.variantEndpoints.live.env";
    const plan = await planWithSecrets(
      "managed",
      ["sagemaker"],
      `${path}={HF_TOKEN: ${plaintext}}`,
    );
    const [model] = ofType(plan, "aws:sagemaker/model:Model").filter(({ name }) => name === "live");
    const { environment } = (model!.inputs as Manifest).primaryContainer;
    assert.equal(environment.HF_TOKEN, "<secret>");
    assert.equal(environment.FRAMEWORK, "cuda", "what is none stays readable");
    assertHidden(plan, plaintext);
  });
});
