import { describe, expect, it, vi } from 'vitest';
import { withUndoing } from '../../bench/cluster/undoing.ts';

describe('what a measurement has begun', () => {
  it('is undone at the end, the latest first', async () => {
    const undone: string[] = [];
    const result = await withUndoing(async ({ later }) => {
      later('a bridge', () => undone.push('bridge'));
      later('a link', async () => undone.push('link'));
      return undone.length;
    });
    expect(result).toBe(0);
    expect(undone).toEqual(['link', 'bridge']);
  });

  it('is undone after a failure too, and what cannot be undone keeps nothing else from it', async () => {
    const undone: string[] = [];
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const failing = withUndoing(async ({ later }) => {
      later('a bridge', () => undone.push('bridge'));
      later('a link', () => {
        throw new Error('it is busy');
      });
      throw new Error('the measurement failed');
    });
    await expect(failing).rejects.toThrow('the measurement failed');
    expect(undone).toEqual(['bridge']);
    expect(said).toHaveBeenCalledWith('Could not remove a link: it is busy\n');
    said.mockRestore();
  });
});
