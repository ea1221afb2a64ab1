import assert from "node:assert/strict";
import { z } from "zod";
import { readSettings, secret } from "../../../apps/service/settings";
import { UserError } from "../../../contracts/userError";

const schema = z.object({
  PORT: z.coerce.number().int().min(1).max(65535).default(8080),
  NAMESPACE: z.string().min(1).describe("where the units are"),
  LOG_LEVEL: z.enum(["info", "debug"]).default("info"),
  PERIOD_SECONDS: z.coerce.number().min(1),
  TOPIC: z.string().startsWith("arn:").optional(),
  TOKEN: secret(z.string().min(8)),
});

const right = { NAMESPACE: "units", PERIOD_SECONDS: "2.5", TOKEN: "12345678" };

/** The lines of the error, without the first. */
function problems(env: NodeJS.ProcessEnv, of: z.ZodObject = schema): string[] {
  try {
    readSettings(of, env);
  } catch (error) {
    assert.ok(error instanceof UserError);
    const [first, ...lines] = error.message.split("\n");
    assert.equal(first, "the environment is wrong:");
    return lines.map((line) => line.trim());
  }
  return [];
}

describe("Settings from the environment", () => {
  it("are typed, with defaults, and nothing else of the environment", () => {
    assert.deepEqual(readSettings(schema, { ...right, OTHER: "1" }), {
      PORT: 8080,
      NAMESPACE: "units",
      LOG_LEVEL: "info",
      PERIOD_SECONDS: 2.5,
      TOKEN: "12345678",
    });
  });

  it("name all that is missing or wrong at once, with key, value and what is allowed", () => {
    assert.deepEqual(
      problems({ PORT: "80x", LOG_LEVEL: "loud", PERIOD_SECONDS: "0", TOPIC: "t" }),
      [
        'PORT is "80x": Invalid input: expected number, received NaN',
        "NAMESPACE is not set (where the units are): Too small: expected string to have >=1 characters",
        'LOG_LEVEL is "loud": Invalid option: expected one of "info"|"debug"',
        'PERIOD_SECONDS is "0": Too small: expected number to be >=1',
        'TOPIC is "t": Invalid string: must start with "arn:"',
        "TOKEN is not set: Too small: expected string to have >=8 characters",
      ],
    );
  });

  it("take an empty variable for one that is not set", () => {
    assert.equal(readSettings(schema, { ...right, PORT: "", TOPIC: "" }).PORT, 8080);
    assert.match(problems({ ...right, NAMESPACE: "" }).join(), /^NAMESPACE is not set/);
    assert.match(problems({ ...right, PERIOD_SECONDS: "" }).join(), /^PERIOD_SECONDS is not set/);
  });

  it("never show a secret", () => {
    const wrong = { ...right, TOKEN: "hush" };
    assert.deepEqual(problems(wrong), [
      "TOKEN has a value that is not allowed: Too small: expected string to have >=8 characters",
    ]);
    const wrapped = [
      secret(z.string().min(8)).default("12345678"),
      secret(z.string().min(8)).optional(),
      secret(z.string().min(8)).describe("a token"),
      secret(z.string()).refine(() => false, { error: ({ input }) => `not ${input}` }),
      secret(z.string()).pipe(z.string().min(8)),
    ];
    for (const TOKEN of wrapped) {
      const [line] = problems(wrong, z.object({ TOKEN }));
      assert.match(line as string, /^TOKEN has a value that is not allowed/);
      assert.doesNotMatch(line as string, /hush/);
    }
  });

  it("tell of rules about several of them", () => {
    const both = z
      .object({ A: z.coerce.number(), B: z.coerce.number() })
      .refine(({ A, B }) => A < B, "A has to be less than B");
    assert.deepEqual(problems({ A: "2", B: "1" }, both), ["A has to be less than B"]);
  });
});
