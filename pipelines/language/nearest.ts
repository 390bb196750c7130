/** What other tools call the things that have another name here. */
const foreignKeys: Readonly<Record<string, string>> = {
  dependsOn: 'needs',
  depends_on: 'needs',
  depends: 'needs',
  dependencies: 'needs',
  deps: 'needs',
  after: 'needs',
  if: 'when',
  retries: 'retry',
  retryStrategy: 'retry',
  stages: 'steps',
  tasks: 'steps',
  jobs: 'steps',
  inputs: 'params',
  parameters: 'params',
  vars: 'params',
  args: 'with',
  arguments: 'with',
  type: 'uses',
  kind: 'uses',
  template: 'uses',
  activity: 'uses',
  taskQueue: 'queue',
  timeout_seconds: 'timeout',
};

/** ` (did you mean ...?)`, or the list of what is allowed where nothing is near. */
export function suggestion(word: string, allowed: readonly string[]): string {
  const foreign = foreignKeys[word];
  if (foreign !== undefined && allowed.includes(foreign)) return `; here it is called ${foreign}`;
  const [nearest] = allowed
    .map((name) => ({ name, distance: editDistance(word.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  if (nearest && nearest.distance <= Math.max(1, Math.floor(word.length / 3))) return `; did you mean ${nearest.name}?`;
  return allowed.length > 0 ? `; allowed: ${allowed.join(', ')}` : '';
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
export function editDistance(a: string, b: string): number {
  let twoBack: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (twoBack[j - 2] ?? 0) + 1);
      current.push(best);
    }
    twoBack = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
