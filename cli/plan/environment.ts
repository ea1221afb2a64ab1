const CLOUD = /^(AWS|PULUMI|KUBE|HELM)_|^(KUBECONFIG|KUBE_CONFIG_PATH)$/;

/**
 * Takes out of the environment what would make a plan depend on whose machine it runs on: accounts,
 * clusters and Pulumi's own switches, which its SDKs read as defaults.
 *
 * @returns puts back what was there
 */
export function leaveCloudsOut(environment: NodeJS.ProcessEnv): () => void {
  const before = Object.entries(environment).filter(([name]) => CLOUD.test(name));
  for (const [name] of before) delete environment[name];
  return () => {
    for (const [name, value] of before) environment[name] = value;
  };
}
