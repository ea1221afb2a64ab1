import assert from "node:assert/strict";
import { hiddenMistakes } from "../../../cli/plan/mistakes";

describe("mistakes hidden in planned inputs", () => {
  it("are found wherever they stand, with URN and path", () => {
    const inputs = {
      name: "a-undefined",
      list: [{ text: "[object Object]" }],
      policy: '{"count":NaN}',
      limit: Number.NaN,
      message: "Calling [toString] on an [Output<T>] is not supported.",
    };
    assert.deepEqual(
      hiddenMistakes("urn", inputs).map((line) => line.split(": ").slice(0, 2)),
      [
        ["urn", "name"],
        ["urn", "list[0].text"],
        ["urn", "policy"],
        ["urn", "limit"],
        ["urn", "message"],
      ],
    );
  });

  it("are not seen in texts that only look similar", () => {
    assert.deepEqual(
      hiddenMistakes("urn", { a: "undefinedBehaviour", b: "BANANAS", c: "[object storage]", d: 0 }),
      [],
    );
  });
});
