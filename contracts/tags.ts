/** The tags that tell one environment's resources and costs from another's. */
export const PROJECT_TAG = "diffusion-fleet:project";
export const STACK_TAG = "diffusion-fleet:stack";
