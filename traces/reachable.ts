import { connect } from 'node:net';

/** A network that swallows what is sent says nothing. */
const patienceMs = 2000;

/** Why nothing can be sent to an origin, such as `connect ECONNREFUSED 127.0.0.1:4318`; null where somebody listens there. */
export const unreachable = (origin: string): Promise<string | null> =>
  new Promise((resolve) => {
    const { hostname, port, protocol } = new URL(origin);
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
      timeout: patienceMs,
    });
    const end = (why: string | null) => {
      socket.destroy();
      resolve(why);
    };
    socket.once('connect', () => end(null));
    socket.once('timeout', () => end('nobody answers'));
    socket.on('error', ({ message }) => end(message));
  });
