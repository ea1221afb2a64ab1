import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePropertyPath, replaceAt } from "../../../cli/plan/propertyPath";

describe("a property path", () => {
  it("is read as `pulumi config set --path` writes it", () => {
    const cases: Record<string, (string | number)[]> = {
      mode: ["mode"],
      "units.sd21-inf2-neuron.weight": ["units", "sd21-inf2-neuron", "weight"],
      "list[0].name": ["list", 0, "name"],
      'tags["a.b/c"].x': ["tags", "a.b/c", "x"],
      '["root key"][1]': ["root key", 1],
      'a["with \\"quotes\\""]': ["a", 'with "quotes"'],
    };
    for (const [text, path] of Object.entries(cases))
      assert.deepEqual(parsePropertyPath(text), path, text);
  });

  it("survives being written with every key in quotes", () => {
    const step = fc.oneof(fc.string({ minLength: 1 }), fc.nat(20));
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.array(step), (root, steps) => {
        const text = [root, ...steps]
          .map((s) =>
            typeof s === "number" ? `[${s}]` : `["${s.replace(/[\\"]/g, (c) => `\\${c}`)}"]`,
          )
          .join("");
        assert.deepEqual(parsePropertyPath(text), [root, ...steps]);
      }),
    );
  });

  it("that makes no sense is refused with the place where it stops", () => {
    for (const text of ["", "a..b", "a[x]", "[0]", 'a["b', ".a", "a]"])
      assert.throws(() => parsePropertyPath(text), { name: "UserError" }, text);
    assert.throws(() => parsePropertyPath("abc[x]"), /at character 4/);
  });
});

describe("replaceAt", () => {
  it("replaces one place and leaves the rest alone", () => {
    const config = { units: { one: { weight: 1 }, two: { weight: 2 } }, list: [1, 2] };
    assert.deepEqual(replaceAt(config, ["units", "one", "weight"], 5), {
      units: { one: { weight: 5 }, two: { weight: 2 } },
      list: [1, 2],
    });
    assert.deepEqual(replaceAt(config.list, [2], 3), [1, 2, 3]);
    assert.deepEqual(config.units.one, { weight: 1 });
  });

  it("makes what is missing on the way", () => {
    assert.deepEqual(replaceAt(undefined, ["a", 0, "b"], 1), { a: [{ b: 1 }] });
  });

  it("takes a place out when there is nothing to put in", () => {
    assert.deepEqual(replaceAt({ a: { b: 1, c: 2 } }, ["a", "b"], undefined), { a: { c: 2 } });
    assert.deepEqual(replaceAt([1, 2, 3], [1], undefined), [1, 3]);
  });

  it("refuses to index what is no list, to leave a gap, and to go through a scalar", () => {
    assert.throws(() => replaceAt({ a: 1 }, [0], 1), /needs a list/);
    assert.throws(() => replaceAt([1], [5], 1), /no place for \[5\]/);
    assert.throws(() => replaceAt("text", ["a"], 1), /needs an object/);
  });

  it("is found again at the path it was put", () => {
    fc.assert(
      fc.property(fc.object(), fc.string(), fc.string(), fc.integer(), (base, a, b, value) => {
        const inner = { ...base, [a]: {} };
        const replaced = replaceAt(inner, [a, b], value) as Record<string, Record<string, number>>;
        assert.ok(Object.hasOwn(replaced, a));
        assert.equal(Object.getOwnPropertyDescriptor(replaced[a], b)?.value, value);
      }),
    );
  });
});
