import Module from "node:module";

/**
 * Packages that Pulumi's SDKs load at once and use for what no plan does: a compiler and a package
 * manager to serialise functions, a client to look up ECS tasks. Together they are almost half of
 * the start-up time.
 */
const LATE = new Set(["typescript", "@npmcli/arborist", "@aws-sdk/client-ecs"]);

/** From here on, these packages are loaded when something of them is first used. */
export function loadLate() {
  const load = Module._load;
  Module._load = function (request, parent, isMain) {
    if (!LATE.has(request)) return load.call(this, request, parent, isMain);
    let loaded;
    const real = () => {
      loaded ??= load.call(this, request, parent, isMain);
      return loaded;
    };
    return new Proxy(
      {},
      {
        // Compiled imports ask for this one name first, and copy the whole module without it.
        get: (_, name) => (name === "__esModule" ? true : real()[name]),
        has: (_, name) => name in real(),
        ownKeys: () => Reflect.ownKeys(real()),
        getOwnPropertyDescriptor: (_, name) =>
          name in real()
            ? { value: real()[name], configurable: true, enumerable: true, writable: true }
            : undefined,
      },
    );
  };
}
