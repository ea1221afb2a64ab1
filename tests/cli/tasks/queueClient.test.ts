import assert from "node:assert/strict";
import { queueClient } from "../../../cli/tasks/queueClient";
import { UserError } from "../../../contracts/userError";

describe("the queues that fleet tasks asks for", () => {
  for (const api of ["http://127.0.0.1:3000/dev", "http://localhost:3000", "http://[::1]:3000/dev"])
    it(`are not AWS's own when the API is ${api}`, () =>
      assert.throws(
        () => queueClient("us-west-2", { FLEET_API_URL: api }),
        (error: Error) =>
          error instanceof UserError &&
          error.message.includes(api) &&
          error.message.includes("AWS_ENDPOINT_URL"),
      ));

  for (const environment of [
    {},
    { FLEET_API_URL: "https://abc.execute-api.us-west-2.amazonaws.com/dev" },
    { FLEET_API_URL: "http://127.0.0.1:3000/dev", AWS_ENDPOINT_URL: "http://127.0.0.1:5000" },
    { FLEET_API_URL: "http://localhost:3000", AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:5000" },
  ])
    it(`are where the environment says: ${JSON.stringify(environment)}`, () =>
      queueClient("us-west-2", environment).destroy());
});
