import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import type { Cloud } from "./cloud";
import { Provider } from "./provider";
import { serviceOf } from "./service";

const UNLIMITED = -1;

/** A provider of a cloud, on a port of this machine. */
export class ProviderServer {
  private constructor(
    readonly port: number,
    private readonly server: Server,
  ) {}

  static async start(cloud: Cloud): Promise<ProviderServer> {
    const server = new Server({
      "grpc.max_receive_message_length": UNLIMITED,
      "grpc.max_send_message_length": UNLIMITED,
    });
    server.addService(ResourceProviderService, serviceOf(new Provider(cloud)));
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return new ProviderServer(port, server);
  }

  stop(): void {
    this.server.forceShutdown();
  }
}
