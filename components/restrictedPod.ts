import { SERVER_UID } from "../contracts/serverSettings";

/** What the namespace's level of Pod Security, `restricted`, wants of a pod; ours run as nobody. */
export const podSecurity = {
  runAsNonRoot: true,
  runAsUser: SERVER_UID,
  runAsGroup: SERVER_UID,
  seccompProfile: { type: "RuntimeDefault" },
} as const;

/** What it wants of a container, and a root file system that nobody writes to. */
export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
