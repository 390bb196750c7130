import { milliseconds } from './duration.ts';
import { type HealthAction, healthSchema, type StopConfig, stopSchema } from './health.ts';
import type { Json } from './json.ts';

/**
 * How a training is doing, and what is to be done about it: pure functions of what its epochs gave, so that a history decides
 * the same when it is replayed.
 */

/** What an epoch gave. */
export interface WatchedEpoch {
  readonly epoch: number;
  readonly loss: number;
  readonly seconds: number;
  readonly collapsedLoss?: number | undefined;
  readonly withoutPositives?: number | undefined;
}

interface Mark {
  readonly epoch: number;
  readonly loss: number;
}

/** What is remembered from epoch to epoch. Plain JSON. */
export interface Watch {
  /** Spent on training. */
  readonly seconds: number;
  /** The last epoch whose loss was lower than before, by what early stopping calls lower; null before the first. */
  readonly lowest: Mark | null;
  /** The same by what a plateau is measured with. */
  readonly step: Mark | null;
  /** Epochs in a row with the loss of a collapse. */
  readonly collapsed: number;
}

export const newWatch: Watch = { seconds: 0, lowest: null, step: null, collapsed: 0 };

const healthRules = ['nonFiniteLoss', 'collapse', 'withoutPositives', 'plateau'] as const;
export type HealthRule = (typeof healthRules)[number];

/** What is wrong, or why to stop. */
export interface Finding {
  readonly rule: HealthRule | 'patience' | 'time';
  readonly action: HealthAction;
  readonly message: string;
  /** The last epoch before it began; 0 is the beginning. */
  readonly goodEpoch: number;
}

export interface WatchRules {
  readonly health: ReturnType<typeof healthSchema.parse>;
  readonly stop: StopConfig;
  /** As many images of each class in a batch; else a batch is drawn from all images alike. */
  readonly isBalanced: boolean;
}

/** The rules of a step's parameters, with the defaults of those that are absent. */
export const watchRules = (parameters: { readonly [key: string]: Json }): WatchRules => ({
  health: healthSchema.parse(parameters.health ?? {}),
  stop: stopSchema.parse(parameters.stop ?? {}),
  isBalanced: Boolean(parameters.sampler),
});

const isLower = (loss: number, mark: Mark | null, delta: number) => mark === null || loss < mark.loss - delta;

/** What brings two images of a class into a batch. In a balanced one it is not the size; where no class has two, nothing but images. */
function adviceOnPairs(withoutPositives: number, isBalanced: boolean): string {
  if (isBalanced) return 'Raise sampler.balanced.perClass to 2 or more';
  return withoutPositives < 1
    ? 'Raise batch, or draw balanced batches (sampler)'
    : 'Add images to the classes: no batch helps where each class has one';
}

/** Takes an epoch into account. The first finding that asks for something is the one that counts. */
export function observe(
  watch: Watch,
  { epoch, loss, seconds, collapsedLoss, withoutPositives }: WatchedEpoch,
  { health, stop, isBalanced }: WatchRules,
): { readonly watch: Watch; readonly finding: Finding | null } {
  const { collapse, plateau } = health;
  const isCollapsed = collapsedLoss !== undefined && Math.abs(loss / collapsedLoss - 1) <= collapse.tolerance;
  const mark = { epoch, loss };
  const now: Watch = {
    seconds: watch.seconds + seconds,
    lowest: isLower(loss, watch.lowest, stop.minimumDelta) ? mark : watch.lowest,
    step: isLower(loss, watch.step, plateau?.minimumDelta ?? 0) ? mark : watch.step,
    collapsed: isCollapsed ? watch.collapsed + 1 : 0,
  };
  const findings: Finding[] = [];
  if (now.collapsed >= collapse.epochs)
    findings.push({
      rule: 'collapse',
      action: collapse.action,
      message: `the loss has stayed at ${collapsedLoss?.toFixed(4)} for ${now.collapsed} epochs, where every image has the same projection. Lower optimizer.learningRate, or warm up`,
      goodEpoch: epoch - now.collapsed,
    });
  if (withoutPositives !== undefined && withoutPositives > health.withoutPositives.share)
    findings.push({
      rule: 'withoutPositives',
      action: health.withoutPositives.action,
      message: `${Math.round(100 * withoutPositives)} % of the batches hold no two images of one class, so labels have no effect on them. ${adviceOnPairs(withoutPositives, isBalanced)}`,
      goodEpoch: epoch - 1,
    });
  if (plateau && now.step && epoch - now.step.epoch >= plateau.epochs)
    findings.push({
      rule: 'plateau',
      action: plateau.action,
      message: `the loss has not fallen by ${plateau.minimumDelta} since epoch ${now.step.epoch}`,
      goodEpoch: now.step.epoch,
    });
  if (stop.patience !== undefined && now.lowest && epoch - now.lowest.epoch >= stop.patience)
    findings.push({
      rule: 'patience',
      action: 'stop',
      message: `no lower loss since epoch ${now.lowest.epoch}`,
      goodEpoch: now.lowest.epoch,
    });
  if (stop.after !== undefined && now.seconds * 1000 >= milliseconds(stop.after))
    findings.push({
      rule: 'time',
      action: 'stop',
      message: `${Math.round(now.seconds)} s were spent on training, and ${stop.after} were allowed`,
      goodEpoch: epoch,
    });
  return { watch: now, finding: findings.find(({ action }) => action !== 'ignore') ?? null };
}

/** The finding of a loss that is no number. `epoch` is the last that was finished. */
export const nonFiniteLoss = (epoch: number, message: string, { health }: WatchRules): Finding => ({
  rule: 'nonFiniteLoss',
  action: health.nonFiniteLoss.action,
  message,
  goodEpoch: epoch,
});

/** What is done about a finding, when so many retries were made for its rule before. */
export function decide(
  { action }: Finding,
  { health: { retry } }: WatchRules,
  retriesBefore: number,
): { readonly do: Exclude<HealthAction, 'retry'> } | { readonly do: 'retry'; readonly factor: number } {
  if (action !== 'retry') return { do: action };
  return retriesBefore < retry.times ? { do: 'retry', factor: retry.factor } : { do: retry.otherwise };
}

/** After a person let a training go on, or it went back to an earlier epoch: what was seen before no longer counts. */
export const forgiven = ({ seconds }: Watch): Watch => ({ ...newWatch, seconds });
