import { ContrailError } from '../../../contracts/errors.ts';
import { bytesOfText, type Target, textOfBytes } from '../engine/target.ts';

const held: Uint8Array[] = [];

/** Does what no target may do, each for a word in its input: to see that it is found. It is none of those that are run. */
export const misbehaving: Target = {
  name: 'misbehaving',
  reads: 'words',
  form: 'text',
  memoryBytes: 64 * 2 ** 20,
  open: async () => ({
    seeds: [bytesOfText('sound')],
    run: (input) => {
      const text = textOfBytes(input);
      if (text.includes('refuse')) throw new ContrailError('InvalidInput', 'This is refused.');
      if (text.includes('throw')) throw new TypeError('nobody foresaw this');
      if (text.includes('stack')) throw new ContrailError('InvalidInput', `no\n    at thing (${import.meta.url}:1:2)`);
      if (text.includes('exit')) process.exit(3);
      if (text.includes('abort')) process.abort();
      if (text.includes('loop')) for (;;);
      if (text.includes('forget')) return new Promise<string>(() => {});
      if (text.includes('reject')) void Promise.reject(new RangeError('beside the input'));
      // Of the processor, however busy the machine is.
      if (text.includes('slow')) for (const before = process.cpuUsage(); process.cpuUsage(before).user < 1_500_000; );
      if (text.includes('fill')) held.push(new Uint8Array(128 * 2 ** 20).fill(1));
      return text.includes('reject') ? new Promise((resolve) => setImmediate(() => resolve('late'))) : 'sound';
    },
  }),
};
