import { describe, expect, it, vi } from 'vitest';
import { createAdmission } from '../../../serving/http/admission.ts';

describe('admission', () => {
  const limits = { queue: 2, bytesInFlight: 100, timeoutMs: 10_000 };

  it('lets so many requests in, and the next when one has ended', () => {
    const admission = createAdmission(limits);
    const leave = admission.request(1);
    admission.request(1);
    expect(() => admission.request(1)).toThrow('The server is busy: 2 requests in work. Try again in 1 s.');
    leave();
    leave();
    admission.request(1);
    expect(admission.now()).toEqual({ requests: 2, images: 0, bytes: 2 });
  });

  it('lets in what announces more bytes than are free only when there is nothing else', () => {
    const admission = createAdmission(limits);
    const leave = admission.request(1000);
    expect(() => admission.request(1)).toThrow('Try again');
    leave();
    expect(() => admission.request(99)).not.toThrow();
  });

  it('counts photos, and takes those of one request together or not at all', () => {
    const admission = createAdmission(limits);
    const leave = admission.images(1);
    expect(() => admission.images(2)).toThrow('1 photo in work');
    leave();
    admission.images(2);
    expect(admission.now().images).toBe(2);
  });

  it('lets fewer in where photos stay so long that more could not be answered in time', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const admission = createAdmission({ ...limits, queue: 100 });
      const stay = (seconds: number) => {
        const leave = admission.images(1);
        vi.advanceTimersByTime(1000 * seconds);
        leave();
      };
      const letIn = () => {
        const leaves: (() => void)[] = [];
        try {
          for (;;) leaves.push(admission.images(1));
        } catch {
          for (const leave of leaves) leave();
          return leaves.length;
        }
      };
      expect(letIn()).toBe(100);
      for (let time = 0; time < 100; time++) stay(20);
      expect(letIn()).toBeLessThan(30);
      for (let time = 0; time < 100; time++) stay(0.1);
      expect(letIn()).toBe(100);
    } finally {
      vi.useRealTimers();
    }
  });
});
