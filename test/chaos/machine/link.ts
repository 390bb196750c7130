import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A link to a server on this machine, which can be cut and slowed. */
export interface Link {
  readonly address: string;
  /** Ends what goes over it, and refuses what comes, until it is healed. */
  readonly cut: () => void;
  /** Takes connections and passes nothing on: a network that is gone refuses nothing. */
  readonly silence: () => void;
  /** Holds each piece for so long, in either direction. */
  readonly slow: (ms: number) => void;
  readonly heal: () => void;
  readonly stop: () => Promise<void>;
}

type State =
  | { readonly is: 'whole' }
  | { readonly is: 'cut' }
  | { readonly is: 'silent' }
  | { readonly is: 'slow'; readonly ms: number };

/** @param port of the server on loopback */
export async function startLink(port: number): Promise<Link> {
  let state: State = { is: 'whole' };
  const sockets = new Set<Socket>();
  /** What waits to be passed on until the link is whole again. */
  const held = new Set<() => void>();
  const join = (from: Socket, to: Socket) => {
    sockets.add(from);
    let before: Promise<void> = Promise.resolve();
    from.on('data', (piece) => {
      before = before.then(async () => {
        if (state.is === 'slow')
          await new Promise((resolve) => setTimeout(resolve, state.is === 'slow' ? state.ms : 0));
        if (state.is === 'silent') await new Promise<void>((resolve) => held.add(resolve));
        if (!to.destroyed) to.write(piece);
      });
    });
    from.on('end', () => void before.then(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer((from) => {
    if (state.is === 'cut') return void from.resetAndDestroy();
    const to = connect(port, '127.0.0.1');
    join(from, to);
    join(to, from);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const become = (next: State) => {
    state = next;
    if (next.is === 'silent') return;
    for (const pass of held) pass();
    held.clear();
  };
  const end = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      become({ is: 'cut' });
      end();
    },
    silence: () => become({ is: 'silent' }),
    slow: (ms) => become({ is: 'slow', ms }),
    heal: () => become({ is: 'whole' }),
    stop: async () => {
      end();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
