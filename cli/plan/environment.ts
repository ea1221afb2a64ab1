const CLOUD = /^(AWS|PULUMI|KUBE|HELM)_|^(KUBECONFIG|KUBE_CONFIG_PATH)$/;

/**
 * Takes out of the environment what would make a plan depend on whose machine it runs on: accounts,
 * clusters and Pulumi's own switches, which its SDKs read as defaults.
 */
export function leaveCloudsOut(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(environment)) if (CLOUD.test(name)) delete environment[name];
  environment.PULUMI_ERROR_OUTPUT_STRING = "true";
}
