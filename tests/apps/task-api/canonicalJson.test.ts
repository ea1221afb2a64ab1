import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalHash, canonicalJson } from "../../../apps/task-api/canonicalJson";

describe("Canonical JSON", () => {
  it("says what JSON says", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        assert.deepEqual(JSON.parse(canonicalJson(plain)), plain);
      }),
    );
  });

  it("does not depend on the order of names, nor on what is undefined", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (fields) => {
        const reversed = Object.fromEntries(Object.entries(fields).reverse());
        assert.equal(
          canonicalHash({ a: [fields] }),
          canonicalHash({ b: undefined, a: [{ ...reversed }] }),
        );
      }),
    );
  });

  it("tells values apart", () => {
    const values = [1, "1", [1], [[1]], { "1": 1 }, { "1": "1" }, null, "null", [], {}, [1, 1], ""];
    assert.equal(new Set(values.map(canonicalHash)).size, values.length);
  });
});
