/** What other tools call the things that have another name here. */
const foreignKeys: Readonly<Record<string, readonly string[]>> = {
  needs: ['dependsOn', 'depends_on', 'depends', 'dependencies', 'deps', 'after', 'upstream', 'requires'],
  when: ['if', 'runIf', 'condition', 'only_if', 'whenExpression'],
  'retry.maximumAttempts': ['retries', 'max_retries', 'maxRetries', 'maxAttempts', 'max_attempts', 'attempts'],
  retry: ['retryStrategy', 'retryPolicy', 'retry_policy', 'retry_strategy'],
  maximumAttempts: ['retries', 'max_retries', 'maxRetries', 'maxAttempts', 'max_attempts', 'limit', 'attempts'],
  initialInterval: ['delay', 'backoff', 'interval', 'retryDelay', 'retry_delay'],
  backoffCoefficient: ['factor', 'multiplier', 'backoffMultiplier', 'backoffRate'],
  maximumInterval: ['maxDelay', 'maxInterval', 'max_delay', 'maxBackoff'],
  nonRetryableErrorTypes: ['nonRetryable', 'doNotRetry', 'except'],
  onExhausted: ['onMaxAttempts', 'on_exhausted'],
  steps: ['stages', 'tasks', 'jobs', 'nodes', 'components'],
  matrix: ['foreach', 'forEach', 'for_each', 'withItems', 'withParam', 'for', 'strategy', 'sweep', 'map'],
  maxParallel: ['max-parallel', 'max_parallel', 'parallelism', 'concurrency', 'maxConcurrency'],
  uses: ['type', 'template', 'kind', 'activity', 'component', 'plugin', 'action', 'run'],
  with: ['parameters', 'args', 'arguments', 'inputs', 'config', 'settings'],
  params: ['inputs', 'parameters', 'vars', 'variables', 'arguments', 'env'],
  finally: ['onExit', 'on_exit', 'always', 'exitHandler', 'onCompletion'],
  onFailure: ['on_failure', 'onError', 'on_error', 'errors', 'catch'],
  cache: ['cached', 'memoize', 'use_cache', 'enableCache'],
  queue: ['taskQueue', 'task_queue', 'pool', 'workerGroup', 'runs-on', 'runsOn'],
  timeout: ['timeout_seconds', 'timeoutSeconds', 'timeout-minutes', 'activeDeadlineSeconds', 'startToCloseTimeout'],
  schedule: ['schedules', 'triggers', 'on', 'trigger'],
  cron: ['cronExpression', 'crons'],
  timezone: ['timeZone', 'tz', 'time_zone'],
  overlap: ['concurrencyPolicy', 'overlapPolicy'],
  include: ['includes', 'import', 'imports', 'extends'],
  priority: ['priorityClassName', 'priorityKey'],
};

/** Keys of other tools that have no counterpart here, and what to do instead. */
const explained: Readonly<Record<string, string>> = {
  continueOnError: 'a failed step stops only what needs it; a later `when` can ask for steps.<id>.state',
  'continue-on-error': 'a failed step stops only what needs it; a later `when` can ask for steps.<id>.state',
  allow_failure: 'a failed step stops only what needs it; a later `when` can ask for steps.<id>.state',
  triggerRule: 'let the `when` of the step ask for steps.<id>.state',
  trigger_rule: 'let the `when` of the step ask for steps.<id>.state',
  outputs: 'the result of a step is given by its kind; use it by ${steps.<id>.result.<field>}',
  outs: 'the result of a step is given by its kind; use it by ${steps.<id>.result.<field>}',
  image: 'a step runs on the workers of its queue',
  script: 'a step does what its kind does, see `uses`',
  command: 'a step does what its kind does, see `uses`',
  cmd: 'a step does what its kind does, see `uses`',
};

/** A longer word is compared with none. */
const longestWord = 100;
/** So many names are listed. */
const shownNames = 50;

/** What a word is called here, or the nearest word, or the list of what is allowed: as the end of a message. */
export function suggestion(word: string, allowed: readonly string[]): string {
  const ours = Object.keys(foreignKeys).find(
    (name) => foreignKeys[name]?.includes(word) && allowed.includes(name.split('.')[0] ?? ''),
  );
  if (ours !== undefined) return `; here it is called ${ours}`;
  const nearby = Math.max(1, Math.floor(word.length / 3));
  const [nearest] = allowed
    .filter((name) => word.length <= longestWord && Math.abs(name.length - word.length) <= nearby)
    .map((name) => ({ name, distance: editDistance(word.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  if (nearest && nearest.distance <= nearby) return `; did you mean ${nearest.name}?`;
  const shown = allowed.slice(0, shownNames).join(', ');
  return allowed.length > 0 ? `; allowed: ${shown}${allowed.length > shownNames ? ', …' : ''}` : '';
}

/** Like `suggestion`, for a key of a pipeline file. */
export const keySuggestion = (key: string, allowed: readonly string[]): string =>
  Object.hasOwn(explained, key) && !allowed.includes(key) ? `; ${explained[key]}` : suggestion(key, allowed);

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
