import type { WireObject } from "../../../cli/plan/wire";
import { account } from "./account";

/** What the program looks up in its account. */
const ANSWERS: Readonly<Record<string, (args: WireObject) => WireObject>> = {
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({
    accountId: account.id,
    arn: `arn:aws:iam::${account.id}:user/somebody`,
    id: account.id,
    userId: "AIDAEXAMPLE",
  }),
  // Of the release of an operating system's image: the program looks up no other parameter.
  "aws:ssm/getParameter:getParameter": ({ name = "" }) => ({
    id: name,
    name,
    type: "String",
    insecureValue: "1.57.0-8a1b2c3d",
  }),
};

/** @throws Error naming a function that is not in the table */
export function invoke(token: string, args: WireObject): WireObject {
  const answer = ANSWERS[token];
  if (answer === undefined)
    throw new Error(`${token} has no answer in tests/engine/double/invokes.ts`);
  return answer(args);
}
