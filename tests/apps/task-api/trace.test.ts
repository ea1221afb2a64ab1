import assert from "node:assert/strict";
import { traceOf } from "../../../apps/task-api/trace";

const xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

describe("The trace of a request", () => {
  it("is the client's, state and all, where it has sent one", () => {
    const headers = {
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
      tracestate: "rojo=00f067aa0ba902b7",
    };
    assert.deepEqual(traceOf(headers, xray), headers);
  });

  it("is X-Ray's where the client has sent none, or nonsense", () => {
    for (const headers of [{}, { traceparent: "00-0-0-0" }, { traceparent: "" }])
      assert.deepEqual(traceOf(headers, xray), {
        traceparent: "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
      });
    assert.match(traceOf({}, xray.replace("Sampled=1", "Sampled=0")).traceparent, /-00$/);
  });

  it("is a new one where there is none", () => {
    for (const header of [
      undefined,
      "",
      "Root=1-x;Parent=y",
      "Root=1-5759e988-bd862e3fe1be46a994272793",
    ]) {
      const { traceparent, tracestate } = traceOf({}, header);
      assert.match(traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      assert.doesNotMatch(traceparent, /5759e988/);
      assert.equal(tracestate, undefined);
    }
  });
});
