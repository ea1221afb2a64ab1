import { profileCommand } from "../../../cli/profile/command";
import type { ProfileOptions } from "../../../cli/profile/settings";

/** What the command line says of itself, with a server at an address that nobody asks. */
export const defaults: ProfileOptions = {
  url: "http://localhost:8000",
  ...profileCommand(".", () => undefined).opts<Omit<ProfileOptions, "url">>(),
};
