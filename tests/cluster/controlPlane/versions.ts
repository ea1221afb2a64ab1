/**
 * What the control plane of the tests is made of. Everything else that is pinned is pinned in
 * charts/, where the CRDs' versions come from too.
 */

/** Also stands in for the three minor versions before it (`--emulated-version`). */
export const kubernetesVersion = "1.36.3";

/** The newest patch of the minor version that Kubernetes 1.36 is released with. */
export const etcdVersion = "3.6.16";
