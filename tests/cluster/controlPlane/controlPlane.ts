import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { clusterSchema } from "../../../stacks/config/cluster";
import {
  type Accepted,
  type Access,
  type ApplyOptions,
  KubernetesClient,
  type KubernetesObject,
} from "./client";
import { allCrds } from "./crds";
import { freePorts } from "./freePorts";
import type { Progress } from "./goBuild";
import { Processes, ProgramEnded } from "./processes";
import { binaryOf } from "./programs";

/** A running API server with its etcd, and nothing else: no controller, no scheduler, no node. */
export interface ControlPlane {
  /** Address of its etcd, plain HTTP, which also answers JSON. */
  readonly etcd: string;
  /** Path of a kubeconfig for its administrator. */
  readonly kubeconfig: string;
  readonly client: KubernetesClient;
  /** Where a test may add programs of its own, e.g. a scheduler; they end with it. */
  readonly processes: Processes;
  /**
   * Applies objects server-side, in their order.
   *
   * @throws Refusal of the first one that is refused
   */
  apply(objects: readonly KubernetesObject[], options?: ApplyOptions): Promise<readonly Accepted[]>;
  /** Creates CRDs, and what comes with them, and waits until their kinds can be used. */
  define(crds: readonly KubernetesObject[]): Promise<void>;
  /**
   * Ends the API server as a crash would. What is stored stays. To have it hang instead, send
   * `SIGSTOP` to `kube-apiserver` of the processes.
   */
  stopApiServer(): Promise<void>;
  /** Starts it again after `stopApiServer`, with the same address, certificate and token. */
  startApiServer(): Promise<void>;
  /** Ends everything and leaves nothing behind. */
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  /**
   * The Kubernetes version to behave as, e.g. `1.35`. Default: the one that a stack's config has by
   * default.
   */
  readonly version?: string;
  /** Default: all that `allCrds` finds. */
  readonly crds?: readonly KubernetesObject[];
  readonly progress?: Progress;
}

export const defaultVersion = clusterSchema.parse({}).version;

/** As EKS has it beside what kube-apiserver switches on by itself, PodSecurity among others. */
const ADMISSION_PLUGINS = "NodeRestriction";
const SERVICE_CIDR = "172.20.0.0/16";
const ATTEMPTS = 5;
const PORT_TAKEN = /address already in use/;
const API_SERVER = "kube-apiserver";
const ETCD_READY = "ready to serve client requests";

/**
 * Builds and fetches what a control plane needs, so that starting one takes seconds.
 *
 * @throws GoUnavailable when this machine cannot
 */
export async function prepareControlPlane(progress?: Progress): Promise<void> {
  await binaryOf("etcd", progress);
  await binaryOf("kube-apiserver", progress);
  await allCrds();
}

/**
 * Starts a control plane of its own, on free loopback ports. Any number may run side by side.
 *
 * @throws GoUnavailable when this machine cannot build it; ProgramEnded when it does not come up
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const { version = defaultVersion, progress } = options;
  const crds = options.crds ?? (await allCrds());
  const binaries = {
    etcd: await binaryOf("etcd", progress),
    apiServer: await binaryOf("kube-apiserver", progress),
  };
  for (let attempt = 1; ; attempt++) {
    const processes = new Processes();
    try {
      return await start(processes, binaries, version, crds);
    } catch (error) {
      await processes.stop();
      if (attempt === ATTEMPTS || !isPortTaken(error)) throw error;
    }
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof ProgramEnded && PORT_TAKEN.test(error.message);
}

interface Binaries {
  readonly etcd: string;
  readonly apiServer: string;
}

async function start(
  processes: Processes,
  binaries: Binaries,
  version: string,
  crds: readonly KubernetesObject[],
): Promise<ControlPlane> {
  const [etcdPort, peerPort, port] = (await freePorts(3)) as [number, number, number];
  const etcd = `http://127.0.0.1:${etcdPort}`;
  await startEtcd(processes, binaries.etcd, etcd, `http://127.0.0.1:${peerPort}`);
  const apiServer = apiServerOf(processes, binaries.apiServer, etcd, port, version);
  await apiServer.start();
  const access = apiServer.access();

  const client = new KubernetesClient(access);
  const controlPlane: ControlPlane = {
    etcd,
    kubeconfig: writeKubeconfig(processes.folder, access),
    client,
    processes,
    apply: (objects, options) => applyInOrder(client, objects, options),
    define: (objects) => define(client, objects),
    stopApiServer: () => processes.end(API_SERVER),
    startApiServer: () => apiServer.start(),
    stop: async () => {
      client.close();
      await processes.stop();
    },
  };
  await controlPlane.define(crds);
  return controlPlane;
}

function startEtcd(
  processes: Processes,
  binary: string,
  clientUrl: string,
  peerUrl: string,
): Promise<void> {
  const args = {
    "data-dir": join(processes.folder, "etcd"),
    "listen-client-urls": clientUrl,
    "advertise-client-urls": clientUrl,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": `default=${peerUrl}`,
    // Nothing of it outlives the process.
    "unsafe-no-fsync": "true",
  };
  // Its own word, since whoever else has taken the port would answer a request as well.
  const ready = () => readFileSync(processes.logOf("etcd"), "utf8").includes(ETCD_READY);
  return processes.start("etcd", binary, flags(args), ready);
}

interface ApiServer {
  /** Resolves when it is ready. */
  start(): Promise<void>;
  /** How its administrator reaches it, once it has started. */
  access(): Access;
}

function apiServerOf(
  processes: Processes,
  binary: string,
  etcd: string,
  port: number,
  version: string,
): ApiServer {
  const { folder } = processes;
  const token = randomBytes(24).toString("hex");
  const certificates = join(folder, "certificates");
  const tokens = join(folder, "tokens.csv");
  const accountKey = join(folder, "service-account.key");
  mkdirSync(certificates);
  writeFileSync(tokens, `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  writeFileSync(accountKey, signingKey(), { mode: 0o600 });
  const args = {
    "etcd-servers": etcd,
    "bind-address": "127.0.0.1",
    "secure-port": String(port),
    "cert-dir": certificates,
    "token-auth-file": tokens,
    "authorization-mode": "Node,RBAC",
    "service-account-issuer": "https://kubernetes.default.svc",
    "service-account-key-file": accountKey,
    "service-account-signing-key-file": accountKey,
    "service-cluster-ip-range": SERVICE_CIDR,
    "enable-admission-plugins": ADMISSION_PLUGINS,
    // Privileged pods are up to Pod Security, as on EKS.
    "allow-privileged": "true",
    // A Service's endpoints may not be on loopback.
    "endpoint-reconciler-type": "none",
    "emulated-version": version,
  };
  // The certificate that it makes at its first start is followed by the authority that signed it.
  const access = (): Access => ({
    server: `https://127.0.0.1:${port}`,
    token,
    certificateAuthority: readFileSync(join(certificates, "apiserver.crt"), "utf8"),
  });
  const start = () => processes.start(API_SERVER, binary, flags(args), () => isReady(access()));
  return { start, access };
}

function flags(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

function signingKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "sec1", format: "pem" }).toString();
}

async function isReady(access: Access): Promise<boolean> {
  const client = new KubernetesClient(access);
  try {
    return (await client.get<string>("/readyz")) === "ok";
  } finally {
    client.close();
  }
}

function writeKubeconfig(folder: string, access: Access): string {
  const path = join(folder, "kubeconfig");
  const authority = Buffer.from(access.certificateAuthority).toString("base64");
  const name = "test";
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name, cluster: { server: access.server, "certificate-authority-data": authority } },
    ],
    users: [{ name, user: { token: access.token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
  writeFileSync(path, stringify(config), { mode: 0o600 });
  return path;
}

async function applyInOrder(
  client: KubernetesClient,
  objects: readonly KubernetesObject[],
  options?: ApplyOptions,
): Promise<Accepted[]> {
  const accepted: Accepted[] = [];
  for (const object of objects) accepted.push(await client.apply(object, options));
  return accepted;
}

async function define(client: KubernetesClient, crds: readonly KubernetesObject[]): Promise<void> {
  await Promise.all(crds.map((crd) => client.apply(crd)));
  for (const crd of crds)
    if (crd.kind === "CustomResourceDefinition")
      while (!(await isServed(client, crd))) await new Promise((again) => setTimeout(again, 25));
}

/** Whether the kind that a CRD defines can be used, in each of its versions. */
async function isServed(client: KubernetesClient, crd: KubernetesObject): Promise<boolean> {
  const { status } = await client.read(crd);
  const established = (status?.conditions ?? []).some(
    (condition: { type: string; status: string }) =>
      condition.type === "Established" && condition.status === "True",
  );
  if (!established) return false;
  const { group, names, versions } = crd.spec;
  const served = versions.filter((version: { served: boolean }) => version.served);
  const found = await Promise.allSettled(
    served.map(({ name }: { name: string }) =>
      client.pathOf({
        apiVersion: `${group}/${name}`,
        kind: names.kind,
        metadata: { name: "any" },
      }),
    ),
  );
  return found.every((result) => result.status === "fulfilled");
}
