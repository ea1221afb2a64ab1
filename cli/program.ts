import program from "../index";
import { readConfig } from "../stacks/config/read";
import { summarise } from "../stacks/summary";
import type { Project } from "./plan/project";

/** The program of this checkout and the facts behind its plan, before anybody judges them. */
export const unjudged: Project = {
  program,
  summarise: () => {
    const { config, aws } = readConfig();
    return summarise(config, aws.region);
  },
};
