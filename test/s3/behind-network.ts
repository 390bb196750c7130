import { type BadNetwork, startProxy } from './proxy.ts';
import { type S3Server, s3Variables, startS3Server } from './server.ts';

/** An S3 server behind a network that does what a test says. The SDK in this process goes through the network. */
export interface S3BehindNetwork {
  readonly server: S3Server;
  readonly network: BadNetwork;
  readonly stop: () => Promise<void>;
}

export async function startS3BehindNetwork(): Promise<S3BehindNetwork> {
  const server = await startS3Server();
  const network = await startProxy(server.port);
  Object.assign(process.env, s3Variables(network.endpoint));
  return {
    server,
    network,
    stop: async () => {
      await network.stop();
      await server.stop();
    },
  };
}
