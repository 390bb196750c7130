import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault as OnTheWay, PassingRequest } from '../../s3/proxy.ts';
import type { Fault, Strike } from './fault.ts';

const cut =
  (how: 'cut' | 'silence', longest: number) =>
  async ({ world: { link }, draw }: Strike) => {
    const ms = draw.between('away', 300, longest);
    link[how]();
    await sleep(ms);
    link.heal();
    return `${ms} ms`;
  };

/** Between the workers and the Temporal server. */
export const linkFaults: readonly Fault[] = [
  { name: 'link to the server: cut', weight: 5, strike: cut('cut', 20_000) },
  { name: 'link to the server: silent', weight: 3, strike: cut('silence', 25_000) },
  {
    name: 'link to the server: slow',
    weight: 2,
    strike: async ({ world: { link }, draw }) => {
      const [each, ms] = [draw.between('each', 50, 500), draw.between('slow', 2000, 8000)];
      link.slow(each);
      await sleep(ms);
      link.heal();
      return `each piece held for ${each} ms, for ${ms} ms`;
    },
  },
];

/** What becomes of a request, the `at`-th of this fault. */
type Decision = (request: PassingRequest, at: number) => OnTheWay;

/** Has a decision stand between the workers and the S3 server for a while. */
const during = (most: number, decide: (strike: Strike) => Decision) => async (strike: Strike) => {
  const { network } = strike.world;
  if (!network) return null;
  const ms = strike.draw.between('during', 1000, most);
  const decision = decide(strike);
  let [asked, struck] = [0, 0];
  network.decide = (request) => {
    const fault = decision(request, asked++);
    if (fault !== null) struck++;
    return fault;
  };
  await sleep(ms);
  network.decide = () => null;
  return struck === 0 ? null : `${struck} of ${asked} requests in ${ms} ms`;
};

/** One request in so many is hit. */
const some = ({ draw }: Strike, at: number, one: number) => draw.of(at).below('hit', one) === 0;
const isWrite = ({ method }: PassingRequest) => method === 'PUT' || method === 'POST';

const oneIn = (one: number, fault: OnTheWay, concerns: (request: PassingRequest) => boolean = () => true) =>
  during(8000, (strike) => (request, at) => (concerns(request) && some(strike, at, one) ? fault : null));

/** Between the workers and the S3 server. */
export const s3Faults: readonly Fault[] = (
  [
    {
      name: 'S3: one request in three is refused with 503',
      weight: 2,
      strike: oneIn(3, { answer: 503, code: 'SlowDown' }),
    },
    { name: 'S3: one request in three is answered with 500', weight: 2, strike: oneIn(3, { answer: 500 }) },
    { name: 'S3: answers of half of the writes are lost', weight: 3, strike: oneIn(2, 'lost-answer', isWrite) },
    { name: 'S3: one request in three does not arrive', weight: 2, strike: oneIn(3, 'refused') },
    { name: 'S3: every other request is done twice', weight: 3, strike: oneIn(2, 'twice') },
    {
      name: 'S3: answers break off',
      weight: 2,
      strike: during(
        8000,
        (strike) => (_, at) =>
          some(strike, at, 3) ? { cutAfter: strike.draw.of(at).between('bytes', 0, 5000) } : null,
      ),
    },
    {
      name: 'S3: uploads break off',
      weight: 2,
      strike: during(
        8000,
        (strike) => (request, at) =>
          isWrite(request) && some(strike, at, 2)
            ? { cutBodyAfter: strike.draw.of(at).between('bytes', 0, 20_000) }
            : null,
      ),
    },
    {
      name: 'S3: the first byte of an answer is another',
      weight: 2,
      strike: oneIn(4, 'spoilt', ({ method }) => method === 'GET'),
    },
    { name: 'S3: slow', weight: 1, strike: oneIn(1, { slowMs: 60 }) },
    {
      name: 'S3: listings are as they were',
      weight: 3,
      strike: oneIn(1, 'as-before', ({ method, url }) => method === 'GET' && url.includes('list-type')),
    },
    { name: 'S3: away', weight: 2, strike: during(20_000, () => () => 'refused') },
  ] satisfies readonly Omit<Fault, 'needs'>[]
).map((fault) => ({ ...fault, needs: ['s3'] }));
