import assert from "node:assert/strict";
import { benches } from "../../../cli/bench/registry";
import { fleet } from "../fleetProcess";

describe("fleet bench --help", () => {
  it("lists every bench with a line of what it measures", async () => {
    const { status, stdout } = await fleet("small", ["bench", "--help"]);
    assert.equal(status, 0);
    assert.match(stdout, /--prepare/);
    for (const name of Object.keys(benches))
      assert.match(stdout, new RegExp(`^  ${name} +\\S+ .{10,}$`, "m"));
  });
});
