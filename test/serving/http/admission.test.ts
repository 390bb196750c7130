import { describe, expect, it, vi } from 'vitest';
import { createAdmission } from '../../../serving/http/admission.ts';
import { HttpError } from '../../../serving/http/http-error.ts';

const [here, there] = ['192.0.2.1', '192.0.2.2'];

describe('admission', () => {
  const limits = { queue: 2, bytesInFlight: 100, timeoutMs: 10_000 };

  it('lets so many requests in, and the next when one has ended', () => {
    const admission = createAdmission(limits);
    const leave = admission.request(1, here);
    admission.request(1, here);
    expect(() => admission.request(1, here)).toThrow('The server is busy: 2 requests in work. Try again in 1 s.');
    leave();
    leave();
    admission.request(1, here);
    expect(admission.now()).toEqual({ requests: 2, images: 0, bytes: 2 });
  });

  it('lets in what announces more bytes than are free only when there is nothing else', () => {
    const admission = createAdmission(limits);
    const leave = admission.request(1000, here);
    expect(() => admission.request(1, here)).toThrow('Try again');
    leave();
    expect(() => admission.request(99, here)).not.toThrow();
  });

  it('counts photos, and takes those of one request together or not at all', () => {
    const admission = createAdmission(limits);
    const leave = admission.images(1, here);
    expect(() => admission.images(2, here)).toThrow('1 photo in work');
    leave();
    admission.images(2, here);
    expect(admission.now().images).toBe(2);
  });

  it('lets fewer in where photos stay so long that more could not be answered in time', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const admission = createAdmission({ ...limits, queue: 100 });
      const stay = (seconds: number) => {
        const leave = admission.images(1, here);
        vi.advanceTimersByTime(1000 * seconds);
        leave();
      };
      const letIn = () => {
        const leaves: (() => void)[] = [];
        try {
          for (;;) leaves.push(admission.images(1, here));
        } catch {
          for (const leave of leaves) leave();
          return leaves.length;
        }
      };
      expect(letIn()).toBe(75);
      for (let time = 0; time < 100; time++) stay(20);
      expect(letIn()).toBeLessThan(30);
      for (let time = 0; time < 100; time++) stay(0.1);
      expect(letIn()).toBe(75);
    } finally {
      vi.useRealTimers();
    }
  });

  it('leaves room for others, however much one client asks', () => {
    const admission = createAdmission({ ...limits, queue: 8, bytesInFlight: 1000 });
    const own = Array.from({ length: 6 }, () => admission.request(1, here));
    expect(() => admission.request(1, here)).toThrow(
      'Your address has its share of this server: 6 requests in work. Wait for answers before you ask again, or try again in 1 s.',
    );
    admission.request(1, there);
    expect(() => admission.request(1, here)).toThrow(HttpError);
    for (const leave of own) leave();
    expect(admission.now()).toEqual({ requests: 1, images: 0, bytes: 1 });

    admission.images(6, here);
    expect(() => admission.images(1, here)).toThrow('Your address has its share of this server: 6 photos in work');
    admission.images(2, there);

    const byBytes = createAdmission({ ...limits, queue: 8 });
    byBytes.request(60, here);
    expect(() => byBytes.request(20, here)).toThrow('your requests in work have 0 MiB');
    byBytes.request(20, there);
  });
});
