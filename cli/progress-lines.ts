import { formatSeconds, say } from './output.ts';

/** A line of progress at most so often, in milliseconds. */
const everyMs = 2000;

/**
 * Says on standard error how far some work is, with its rate and the time that is left.
 *
 * @param doing what is done to the images, as in `embedding training images`
 */
export function progressLines(
  doing: string,
  now: () => number = () => performance.now(),
): (done: number, total: number) => void {
  const begun = now();
  let saidAt = begun;
  return (done, total) => {
    if (now() - saidAt < everyMs || done >= total) return;
    saidAt = now();
    const rate = (1000 * done) / (saidAt - begun);
    const left = done === 0 ? '' : `, ${formatSeconds((total - done) / rate)} left`;
    say(`${doing}: ${done} of ${total}, ${rate.toFixed(rate < 10 ? 1 : 0)} a second${left}`);
  };
}
