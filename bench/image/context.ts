/**
 * Whether a path of the context goes into an image, by the lines of a `.dockerignore`: a path that matches, or lies in a folder that does, stays
 * out. Of its patterns those that ours uses are known: names, paths, `*` and `**`.
 *
 * @throws Error for an exception (`!`), which is not
 */
export function contextFilter(ignore: string): (path: string) => boolean {
  const patterns = ignore
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const exception = patterns.find((pattern) => pattern.startsWith('!'));
  if (exception) throw new Error(`exceptions are not understood: ${exception}`);
  const expressions = patterns.map((pattern) => new RegExp(`^${expressionOf(pattern)}(/|$)`));
  return (path) => !expressions.some((expression) => expression.test(path));
}

const expressionOf = (pattern: string) =>
  pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'));
