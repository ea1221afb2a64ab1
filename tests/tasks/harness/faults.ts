import type { AwsCall, Fate } from "../../python/faultyProxy";
import type { Seeded } from "./seeded";

/** Of a service's calls, the part that fails. */
export type FaultShares = Readonly<Record<string, number>>;

/** Of the calls that fail, those that fail again as often as the SDK repeats them. */
const STUBBORN_SHARE = 0.1;

/** Tries that the agent's and the API's clients make at most. */
const TRIES = 6;

/** What goes wrong, on the way there or back. */
const fates: readonly Fate[] = ["refuse", "reset", "lose", "fail"];

/** Calls fail by chance: before AWS has done what it was asked, or after. */
export function faultsOf(random: Seeded, shares: FaultShares): (call: AwsCall) => Fate {
  const stubborn = new Map<string, number>();
  const fault = ({ service }: AwsCall): Fate => {
    // Only DynamoDB's clients are told in a form that they know.
    const possible: readonly Fate[] = service === "dynamodb" ? [...fates, "throttle"] : fates;
    return possible[random.between(0, possible.length - 1)]!;
  };
  return (call) => {
    const share = shares[call.service];
    if (share === undefined) return "pass";
    const name = `${call.service} ${call.method} ${call.path} ${call.body.toString("base64")}`;
    const left = stubborn.get(name);
    if (left !== undefined) {
      if (left === 1) stubborn.delete(name);
      else stubborn.set(name, left - 1);
      return fault(call);
    }
    if (!random.happens(share)) return "pass";
    if (random.happens(STUBBORN_SHARE)) stubborn.set(name, TRIES - 1);
    return fault(call);
  };
}
