import assert from "node:assert/strict";
import { UserError } from "../../contracts/userError";
import { rules } from "../../policy/areas";
import { decided } from "../../policy/decided";
import { evaluate } from "../../policy/evaluate";
import { configured, type PackConfig } from "../../policy/packConfig";
import { inPlan, subject, unknown } from "./subject";

/** What is wrong with a config, line by line. */
function mistakesIn(config: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    configured(rules, config as PackConfig);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    const [title, ...lines] = error.message.split("\n");
    assert.equal(title, "policy/config.json:");
    return lines.map((line) => line.trim());
  }
  return [];
}

function levelOf(name: string, config: PackConfig): string | undefined {
  return configured(rules, config).find(({ rule }) => rule.name === name)?.level;
}

const tags = { "diffusion-fleet:project": "diffusion-fleet", "diffusion-fleet:stack": "dev" };
const key = inPlan(
  subject("aws:kms/key:Key", { enableKeyRotation: true, deletionWindowInDays: 10, tags }),
);
const bucket = inPlan(subject("aws:s3/bucket:Bucket", { tags }));

function refusing(config: PackConfig): readonly string[] {
  return evaluate(configured(rules, config), [key, bucket]).map(
    ({ policy, level }) => `${level} ${policy}`,
  );
}

describe("policy/config.json", () => {
  it("as it is shipped is right", () => {
    assert.doesNotThrow(() => configured(rules, decided));
  });

  it("may leave everything as the rules have it", () => {
    for (const { rule, level } of configured(rules, {})) assert.equal(level, rule.level);
  });

  it("names rules that exist", () => {
    assert.deepEqual(mistakesIn({ "bucket-privat": "disabled" }), [
      "bucket-privat: there is no such rule; did you mean bucket-private?",
    ]);
  });

  it("gives a rule one of three levels, by itself or beside its settings", () => {
    for (const level of ["advisory", "mandatory", "disabled"] as const) {
      assert.equal(levelOf("bucket-private", { "bucket-private": level }), level);
      assert.equal(
        levelOf("bucket-private", { "bucket-private": { enforcementLevel: level } }),
        level,
      );
    }
    const wrong = 'bucket-private: the level "warning" is none of advisory, mandatory, disabled';
    assert.deepEqual(mistakesIn({ "bucket-private": "warning" }), [wrong]);
    assert.deepEqual(mistakesIn({ "bucket-private": { enforcementLevel: "warning" } }), [wrong]);
  });

  it("sets what a rule has, with the type that it has", () => {
    const [misspelt, ...others] = mistakesIn({ "kms-key-deletion-window": { minimumDay: 7 } });
    assert.match(misspelt!, /^kms-key-deletion-window: .*minimumDay/);
    assert.deepEqual(others, []);
    for (const minimumDays of ["7", 6, 31, 7.5, null])
      assert.match(
        mistakesIn({ "kms-key-deletion-window": { minimumDays } }).join(),
        /^kms-key-deletion-window\.minimumDays: /,
      );
    assert.match(
      mistakesIn({ "cost-ceiling": { usdPerHour: { dev: "30" } } }).join(),
      /^cost-ceiling\.usdPerHour\.dev: /,
    );
  });

  it("gives a reason for every exception", () => {
    const exception = { document: "it", actions: ["s3:*"] };
    assert.match(
      mistakesIn({ "iam-no-wildcard-action": { exceptions: [exception] } }).join(),
      /^iam-no-wildcard-action\.exceptions\.0\.reason: /,
    );
    assert.match(
      mistakesIn({
        "iam-service-trust-bound-to-account": {
          servicesWithoutSource: [{ service: "ec2.amazonaws.com", reason: "" }],
        },
      }).join(),
      /servicesWithoutSource\.0\.reason: /,
    );
  });

  it("with several mistakes is told all of them at once", () => {
    const mistakes = mistakesIn({
      "bucket-privat": "disabled",
      "bucket-private": "warning",
      "kms-key-deletion-window": { minimumDay: 7 },
      "cost-ceiling": { otherStacksUsdPerHour: -1 },
    });
    assert.deepEqual(mistakes.map((line) => /^[\w.-]+/.exec(line)?.[0]).sort(), [
      "bucket-privat",
      "bucket-private",
      "cost-ceiling.otherStacksUsdPerHour",
      "kms-key-deletion-window",
    ]);
  });

  it("decides on levels: a disabled rule is not asked, an advisory one only advises", () => {
    assert.deepEqual(refusing({ "bucket-tls-only": "disabled", "bucket-private": "advisory" }), [
      "advisory bucket-private",
      "mandatory bucket-encrypted",
      "mandatory bucket-versioned",
      "mandatory kms-key-deletion-window",
    ]);
  });

  it("decides on thresholds", () => {
    const window = "mandatory kms-key-deletion-window";
    assert.ok(refusing({}).includes(window));
    assert.ok(!refusing({ "kms-key-deletion-window": { minimumDays: 10 } }).includes(window));
    assert.ok(
      refusing({
        "kms-key-deletion-window": { enforcementLevel: "advisory", minimumDays: 11 },
      }).includes("advisory kms-key-deletion-window"),
    );
  });
});

describe("A rule that cannot be decided", () => {
  it("advises, and says which value it wants to know, whatever its level", () => {
    const of = subject("aws:kms/key:Key", { enableKeyRotation: unknown, tags });
    assert.deepEqual(evaluate(configured(rules, {}), [inPlan(of)]), [
      {
        policy: "kms-key-rotation",
        level: "advisory",
        urn: of.urn,
        message: "cannot be decided before `pulumi up`: enableKeyRotation is not known yet",
      },
    ]);
  });

  it("is not asked when it is disabled", () => {
    const of = subject("aws:kms/key:Key", { enableKeyRotation: "<secret>", tags });
    assert.deepEqual(
      evaluate(configured(rules, { "kms-key-rotation": "disabled" }), [inPlan(of)]),
      [],
    );
  });
});
