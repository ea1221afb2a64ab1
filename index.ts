import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "./stacks/config/read";
import { environment } from "./stacks/environment";

/** The program: reads the stack's config, builds the environment, and returns its outputs. */
export = async () => {
  return environment({ project: pulumi.getProject(), stack: pulumi.getStack(), ...readConfig() });
};
