import { activityInfo } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor, ActivityInterceptorsFactory } from '@temporalio/worker';
import { z } from 'zod';
import type { StepKey } from '../contracts/identifiers.ts';
import { attemptDone, attemptFailed, attemptStarted, attemptStopped } from '../contracts/logs.ts';
import { describeLost } from '../contracts/lost-checkpoint.ts';
import { trainEpochResult } from '../contracts/trainer.ts';
import type { StepTroubleReport } from '../workflows/messages.ts';
import { describedFailure, isTriedAgain, reusedFrom, stepOf, workOf } from './activity-work.ts';
import type { RunLogs } from './run-logs.ts';

const epochSchema = z.object({ result: trainEpochResult });

type Execute = NonNullable<ActivityInboundCallsInterceptor['execute']>;
type Say = (level: 'info' | 'warn' | 'error', message: string) => void;

/** Tells a run what became of an attempt at a step's work. */
export type TellRun = (run: string, report: StepTroubleReport) => Promise<void>;

/**
 * Writes into the run's log when each attempt at a step's work begins and how it ends, and tells the run of work that is
 * tried again and again.
 */
export const logActivities =
  (logs: RunLogs, tellRun: TellRun): ActivityInterceptorsFactory =>
  () => {
    const lookUp: Execute = async (input, next) => {
      const key = stepOf(input.args);
      if (!key) return next(input);
      const { activityType } = activityInfo();
      try {
        const output = await next(input);
        const from = reusedFrom(output);
        if (from)
          logs.say(key, { level: 'info', source: 'worker', message: `reused: the result of ${from.run}/${from.step}` });
        tellOfSuccess(key, tellRun);
        return output;
      } catch (error) {
        const say: Say = (level, message) =>
          logs.say(key, { level, source: 'worker', message: `${activityType}: ${message}` });
        describeEnd(error, say);
        tellOfFailure(key, error, tellRun);
        throw error;
      }
    };
    const execute: Execute = async (input, next) => {
      const key = workOf(input.args);
      if (!key) return lookUp(input, next);
      const { activityId, activityType, attempt } = activityInfo();
      const name = activityId === key.step ? activityType : activityId;
      const say: Say = (level, message) => logs.say(key, { level, source: 'worker', message: `${name}: ${message}` });
      const started = performance.now();
      say('info', attemptStarted(attempt));
      try {
        const output = await next(input);
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        const epoch = epochSchema.safeParse(output);
        if (epoch.success) describeEpoch(epoch.data.result, say);
        say('info', `${attemptDone(seconds)}${epoch.success ? `, ${measures(epoch.data.result)}` : ''}`);
        tellOfSuccess(key, tellRun);
        return output;
      } catch (error) {
        describeEnd(error, say);
        tellOfFailure(key, error, tellRun);
        throw error;
      }
    };
    return { inbound: { execute } };
  };

/** A run is told of these failures, and then of each ten times as many: each takes its place in the run's history. */
const toldAttempts = [2, 3, 4, 5, 10, 20, 50];
const isTold = (attempt: number) => toldAttempts.includes(attempt) || /^[125]00+$/.test(String(attempt));

/** What is told is only shown: a run that has ended meanwhile, or a server that is away, is no reason to fail. */
function tellOfFailure({ run, step }: StepKey, error: unknown, tellRun: TellRun): void {
  const { attempt, retryPolicy } = activityInfo();
  if (error instanceof CancelledFailure || !isTold(attempt) || !isTriedAgain(error)) return;
  const { initialInterval, backoffCoefficient = 2, maximumInterval } = retryPolicy ?? {};
  // The server tells intervals in milliseconds.
  const first = typeof initialInterval === 'number' ? initialInterval : 1000;
  const longest = typeof maximumInterval === 'number' ? maximumInterval : 100 * first;
  const wait = Math.min(longest, first * backoffCoefficient ** (attempt - 1));
  const { type, message } = describedFailure(error);
  const failed = { attempt, type, message, nextTry: new Date(Date.now() + wait).toISOString() };
  tellRun(run, { step, failed }).catch(() => undefined);
}

function tellOfSuccess({ run, step }: StepKey, tellRun: TellRun): void {
  if (activityInfo().attempt > (toldAttempts[0] ?? 0)) tellRun(run, { step, failed: null }).catch(() => undefined);
}

type Epoch = z.infer<typeof trainEpochResult>;

function describeEpoch({ resumedFrom, rejected, withoutCheckpoint }: Epoch, say: Say): void {
  for (const { name, reason } of rejected) say('warn', `checkpoint ${name} was passed over: ${reason}`);
  if (withoutCheckpoint) say('warn', describeLost(withoutCheckpoint));
  if (resumedFrom) say('info', `went on from epoch ${resumedFrom.epoch}, step ${resumedFrom.step}`);
}

const measures = ({ metrics: { loss, imagesPerSecond } }: Epoch) =>
  `loss ${loss.toFixed(4)}, ${Math.round(imagesPerSecond)} images/s`;

function describeEnd(error: unknown, say: Say): void {
  if (error instanceof CancelledFailure) {
    say('warn', attemptStopped(error.message));
    return;
  }
  const { type, message } = describedFailure(error);
  say('error', attemptFailed(activityInfo().attempt, type, message, isTriedAgain(error)));
}
