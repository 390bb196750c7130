import { randomInt } from 'node:crypto';
import type { TelemetryOptions } from '@temporalio/worker';
import { freePortOf } from '../../native/free-port.ts';

/** Temporal's SDK answers with its own metrics in a server of its own, where it is told to. */
export interface SdkMetrics {
  /** For the runtime, before it is made. */
  readonly telemetry: NonNullable<TelemetryOptions['metrics']>;
  /** @throws where it does not answer */
  readonly text: () => Promise<string>;
}

const patienceMs = 2000;

/**
 * Chooses where the SDK answers: an address of loopback that nobody can guess, since its server answers to any host name, also to
 * one that a web page made up. Where loopback has one address only, a free port of that.
 */
export async function chooseSdkAddress(): Promise<SdkMetrics> {
  const hidden = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  const port = await freePortOf(hidden);
  const address = port === null ? `127.0.0.1:${await freePortOf('127.0.0.1')}` : `${hidden}:${port}`;
  return {
    telemetry: {
      prometheus: {
        bindAddress: address,
        countersTotalSuffix: true,
        unitSuffix: true,
        useSecondsForDurations: true,
      },
    },
    text: async () => {
      const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(patienceMs) });
      if (!answer.ok) throw new Error(`Temporal's SDK answers ${answer.status}`);
      return answer.text();
    },
  };
}
