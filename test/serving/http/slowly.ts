import { request } from 'node:http';

/** A request whose body stays away until it is asked for. */
export function slowly(url: string, body: Buffer, options: { readonly localAddress?: string } = {}) {
  const asked = request(url, {
    ...options,
    method: 'POST',
    headers: { 'content-type': 'image/png', 'content-length': body.length },
  });
  const answer = new Promise<number>((resolve, reject) => {
    asked.on('error', reject).on('response', (said) => {
      said.resume();
      resolve(said.statusCode ?? 0);
    });
  });
  asked.write(body.subarray(0, 10));
  return {
    answer,
    finish: () => {
      asked.end(body.subarray(10));
      return answer;
    },
  };
}
