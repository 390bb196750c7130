/**
 * Makes an input shorter as long as it does the same, by taking out ever smaller parts (Zeller and Hildebrandt 2002).
 *
 * @param isSame whether another input does the same
 * @param most inputs that are tried
 */
export async function minimised(
  input: Uint8Array,
  isSame: (shorter: Uint8Array) => Promise<boolean>,
  most: number,
): Promise<Uint8Array> {
  let best = input;
  let left = most;
  for (let part = Math.ceil(best.length / 2); part >= 1 && left > 0; part = part === 1 ? 0 : Math.ceil(part / 2))
    for (let at = 0; at < best.length && left > 0; left--) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + part)]);
      if (await isSame(shorter)) best = shorter;
      else at += part;
    }
  return best;
}
