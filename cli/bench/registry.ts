import type { Bench } from "./bench";

/** Every bench by name; a file is read when its bench is wanted. */
export const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  agent: async () => (await import("./agent")).agentBench,
  "api-server": async () => (await import("./apiServer")).apiServerBench,
  failover: async () => (await import("./failover")).failoverBench,
  plan: async () => (await import("./plan")).planBench,
  policies: async () => (await import("./policies")).policiesBench,
  server: async () => (await import("./server")).serverBench,
  "task-api": async () => (await import("./taskApi")).taskApiBench,
};
