import { createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listenError } from '../../cli/listening.ts';
import { metricsEndpoint } from '../../cli/metrics-endpoint.ts';
import { choosePort } from '../../cli/ports.ts';
import { startEndpoint } from '../../worker/metrics/endpoint.ts';

afterEach(() => vi.unstubAllEnvs());

describe('where a worker answers with metrics', () => {
  it('is nowhere, or loopback', () => {
    expect(metricsEndpoint({})).toBeNull();
    expect(metricsEndpoint({ metricsAllowHost: [] })).toBeNull();
    expect(metricsEndpoint({ metricsPort: 9464 })).toEqual({
      ...{ host: '127.0.0.1', port: 9464, token: null, allowedHosts: ['127.0.0.1'] },
    });
  });

  it('is an address of this machine, which answers to that name and those that are allowed', () => {
    expect(metricsEndpoint({ metricsPort: 0, metricsHost: '10.0.0.7' })).toMatchObject({ allowedHosts: ['10.0.0.7'] });
    const named = { metricsPort: 0, metricsHost: '0.0.0.0', metricsAllowHost: ['worker-1'] };
    expect(metricsEndpoint(named)).toMatchObject({ host: '0.0.0.0', allowedHosts: ['worker-1'] });
  });

  it('is not every address without a name or a token: any page could read it', () => {
    const everywhere = { metricsPort: 9464, metricsHost: '0.0.0.0' };
    expect(() => metricsEndpoint(everywhere)).toThrow(/At 0\.0\.0\.0 any page .* or set CONTRAIL_METRICS_TOKEN/);
    expect(() => metricsEndpoint({ ...everywhere, metricsHost: '::' })).toThrow('any page');
    vi.stubEnv('CONTRAIL_METRICS_TOKEN', 'a-token-that-nobody-guesses');
    expect(metricsEndpoint(everywhere)).toMatchObject({ token: 'a-token-that-nobody-guesses', allowedHosts: [] });
    vi.stubEnv('CONTRAIL_METRICS_TOKEN', 'short');
    expect(() => metricsEndpoint(everywhere)).toThrow('CONTRAIL_METRICS_TOKEN must have at least 16 characters');
  });

  it('is at a port', () => {
    for (const flags of [{ metricsHost: '10.0.0.7' }, { metricsAllowHost: ['worker-1'] }])
      expect(() => metricsEndpoint(flags)).toThrow('--metrics-port must say at which port');
  });

  it('says which option to change where that cannot be had', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', () => resolve()));
    const { port } = taken.address() as { readonly port: number };
    const answers = { contentType: 'text/plain', text: async () => '', notReady: () => null };
    const tried = async (host: string, at: number) => {
      const error = await startEndpoint({ host, port: at, token: null, allowedHosts: [] }, answers).catch(
        (reason: unknown) => reason,
      );
      const options = { host: '--metrics-host', port: '--metrics-port' };
      return listenError(error, { host, port: at }, options)?.message;
    };
    expect(await tried('127.0.0.1', port)).toBe(
      `Port ${port} of 127.0.0.1 is taken. Stop what uses it, or choose another with --metrics-port.`,
    );
    expect(await tried('192.0.2.1', 0)).toBe(
      '192.0.2.1 is no address of this machine. Leave --metrics-host out, or name one that is.',
    );
    // `contrail dev` looks before it starts a worker.
    await expect(choosePort({ must: port }, '--metrics-port', 'there are no metrics')).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is taken. Stop what uses it, choose another with --metrics-port, or leave --metrics-port out: then there are no metrics.`,
    );
    taken.close();
  });
});
