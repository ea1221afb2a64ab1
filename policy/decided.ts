import config from "./config.json";
import type { PackConfig } from "./packConfig";

/** The levels, thresholds and exceptions that policy/config.json holds. */
export const decided: PackConfig = config as PackConfig;
