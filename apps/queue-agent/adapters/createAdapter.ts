import type { AdapterName } from "../../../contracts/tasks/runtimes";
import type { Adapter } from "./adapter";
import { comfyuiAdapter } from "./comfyui";
import { fleetAdapter } from "./fleet";
import { webuiAdapter } from "./webui";

export interface AdapterOptions {
  /** Where the runtime listens, e.g. `http://127.0.0.1:8000`. */
  readonly url: string;
  /** With `webui`: tasks may ask for another checkpoint. */
  readonly dynamicModel: boolean;
}

/** The adapter of that name. It connects with its first request. */
export function createAdapter(name: AdapterName, { url, dynamicModel }: AdapterOptions): Adapter {
  switch (name) {
    case "fleet":
      return fleetAdapter(url);
    case "webui":
      return webuiAdapter(url, dynamicModel);
    case "comfyui":
      return comfyuiAdapter(url);
  }
}
