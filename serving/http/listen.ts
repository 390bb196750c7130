import type { FastifyInstance } from 'fastify';

/** Starts to listen. @returns the port, of 0 the one that is taken @throws what Node says of a port that cannot be had */
export async function listenAt(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  await app.listen({ host, port });
  const address = app.server.address();
  return typeof address === 'object' && address ? address.port : port;
}
