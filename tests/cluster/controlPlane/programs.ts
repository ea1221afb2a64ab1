import { buildProgram, type GoProgram, type Progress } from "./goBuild";
import { etcdVersion, kubernetesVersion } from "./versions";

/** Every program that the tests can have; a further one is one entry. */
const programs = {
  etcd: {
    module: "go.etcd.io/etcd/server/v3",
    version: `v${etcdVersion}`,
    package: "go.etcd.io/etcd/server/v3",
  },
  "kube-apiserver": ofKubernetes("kube-apiserver"),
} satisfies Readonly<Record<string, GoProgram>>;

export type ProgramName = keyof typeof programs;

/** Path of a program's binary, built if it is not yet; errors as `buildProgram`. */
export function binaryOf(name: ProgramName, progress?: Progress): Promise<string> {
  return buildProgram(name, programs[name], progress);
}

function ofKubernetes(command: string): GoProgram {
  return {
    module: "k8s.io/kubernetes",
    version: `v${kubernetesVersion}`,
    package: `k8s.io/kubernetes/cmd/${command}`,
    stagingVersion: `v0.${kubernetesVersion.slice(2)}`,
    // What /version says, which clients decide by; without it, v0.0.0-master.
    variables: { "k8s.io/component-base/version.gitVersion": `v${kubernetesVersion}` },
  };
}
