import type { Create } from "./creation";

/** A key's id; moto encrypts nothing, so that it need not exist there. */
const KEY_ID = "11111111-2222-3333-4444-555555555555";

/** KMS, by resource type: only named, not created. */
export const keyTypes: Readonly<Record<string, Create>> = {
  "aws:kms/key:Key": async (_, { region, account }) => ({
    keyId: KEY_ID,
    id: KEY_ID,
    arn: `arn:aws:kms:${region}:${account}:key/${KEY_ID}`,
  }),
};
