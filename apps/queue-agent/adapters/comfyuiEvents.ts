import { EventEmitter, once } from "node:events";
import WebSocket, { type RawData } from "ws";
import { isJsonObject } from "../json";
import { TaskFailed } from "../taskFailed";

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Most bytes of a message. What is wanted is short; previews are not read, and an image (the node
 * SaveImageWebsocket) or an error's long story may end the connection, which is made again.
 */
const MESSAGE_BYTES = 32 * 1024 * 1024;

/**
 * ComfyUI's websocket: it says when it is worth to ask what has become of a prompt. It connects
 * when it is wanted, and again when it broke.
 *
 * Source: ComfyUI's server.py (`websocket_handler`), and main.py (`prompt_worker`), which sends
 * `executing` without a node after the prompt is in the history.
 */
export class ComfyuiEvents {
  private socket: WebSocket | undefined;
  private readonly emitter = new EventEmitter();

  /** @param url e.g. `http://127.0.0.1:8188` */
  constructor(
    private readonly url: string,
    private readonly clientId: string,
  ) {
    this.emitter.setMaxListeners(0);
  }

  get isConnected(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /**
   * @throws TaskFailed `busy` when ComfyUI does not let it connect
   * @throws the signal's reason when it was aborted
   */
  async connect(signal: AbortSignal): Promise<void> {
    if (this.isConnected) return;
    signal.throwIfAborted();
    const { href } = new URL(`${this.url.replace(/\/+$/, "").replace(/^http/, "ws")}/ws`);
    const socket = new WebSocket(`${href}?clientId=${this.clientId}`, {
      handshakeTimeout: CONNECT_TIMEOUT_MS,
      perMessageDeflate: false,
      maxPayload: MESSAGE_BYTES,
    });
    socket.on("message", (data, isBinary) => this.heard(data, isBinary));
    socket.on("close", () => this.emitter.emit("heard"));
    // `close` follows.
    socket.on("error", () => {});
    try {
      await once(socket, "open", { signal });
    } catch (error) {
      socket.terminate();
      signal.throwIfAborted();
      throw new TaskFailed("busy", "ComfyUI's websocket does not open", { cause: error });
    }
    this.socket = socket;
  }

  /** From now on, remembers that there was something to hear. */
  listen(): Listening {
    let isHeard = false;
    let wake = () => {};
    const onHeard = () => {
      isHeard = true;
      wake();
    };
    this.emitter.on("heard", onHeard);
    return {
      next: async (milliseconds, signal) => {
        if (!isHeard && !signal.aborted) {
          const timer = setTimeout(() => wake(), milliseconds);
          await new Promise<void>((woken) => {
            wake = woken;
            signal.addEventListener("abort", wake, { once: true });
          });
          clearTimeout(timer);
          signal.removeEventListener("abort", wake);
        }
        isHeard = false;
      },
      wake: onHeard,
      stop: () => this.emitter.off("heard", onHeard),
    };
  }

  close(): void {
    this.socket?.terminate();
  }

  /** Previews are binary, and progress is for nobody here. */
  private heard(data: RawData, isBinary: boolean): void {
    if (isBinary) return;
    const message = parsed(data);
    if (!isJsonObject(message) || message.type !== "executing") return;
    if (isJsonObject(message.data) && message.data.node === null) this.emitter.emit("heard");
  }
}

export interface Listening {
  /**
   * Waits until a prompt may have ended or the connection broke since the last time; or until the
   * time is over or the signal aborts.
   */
  next(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** As if there was something to hear. */
  wake(): void;
  stop(): void;
}

function parsed(data: RawData): unknown {
  try {
    return JSON.parse(String(data));
  } catch {
    // The history is asked now and then anyway.
    return undefined;
  }
}
