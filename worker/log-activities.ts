import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor, ActivityInterceptorsFactory } from '@temporalio/worker';
import { z } from 'zod';
import { stepKeySchema } from '../contracts/identifiers.ts';
import { trainEpochResult } from '../contracts/trainer.ts';
import type { RunLogs } from './run-logs.ts';

/** An activity that does a step's work is told what its result follows from, or which epoch to train. */
const workSchema = z
  .object({ ...stepKeySchema.shape, fingerprint: z.string().optional(), epoch: z.int().optional() })
  .refine(({ fingerprint, epoch }) => fingerprint !== undefined || epoch !== undefined);
const lookUpSchema = z.object(stepKeySchema.shape);
const foundSchema = z.object({ found: z.object({ from: stepKeySchema }) });
const epochSchema = z.object({ result: trainEpochResult });

type Execute = NonNullable<ActivityInboundCallsInterceptor['execute']>;

/** Writes into the run's log when each attempt at a step's work begins and how it ends. */
export const logActivities =
  (logs: RunLogs): ActivityInterceptorsFactory =>
  () => {
    const lookUp: Execute = async (input, next) => {
      const output = await next(input);
      const [key, reused] = [lookUpSchema.safeParse(input.args[0]), foundSchema.safeParse(output)];
      if (key.success && reused.success) {
        const { run, step } = reused.data.found.from;
        logs.say(key.data, { level: 'info', source: 'worker', message: `reused: the result of ${run}/${step}` });
      }
      return output;
    };
    const execute: Execute = async (input, next) => {
      const key = workSchema.safeParse(input.args[0]);
      if (!key.success) return lookUp(input, next);
      const { activityId, activityType, attempt } = activityInfo();
      const name = activityId === key.data.step ? activityType : activityId;
      const say = (level: 'info' | 'warn' | 'error', message: string) =>
        logs.say(key.data, { level, source: 'worker', message: `${name}: ${message}` });
      const started = performance.now();
      say('info', attempt === 1 ? 'started' : `started, attempt ${attempt}`);
      try {
        const output = await next(input);
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        const epoch = epochSchema.safeParse(output);
        if (epoch.success) describeEpoch(epoch.data.result, say);
        say('info', `done in ${seconds} s${epoch.success ? `, ${measures(epoch.data.result)}` : ''}`);
        return output;
      } catch (error) {
        if (error instanceof CancelledFailure) say('warn', `stopped: ${error.message}`);
        else say('error', failureText(error));
        throw error;
      }
    };
    return { inbound: { execute } };
  };

type Epoch = z.infer<typeof trainEpochResult>;

function describeEpoch({ resumedFrom, rejected }: Epoch, say: (level: 'info' | 'warn', message: string) => void): void {
  for (const { name, reason } of rejected) say('warn', `checkpoint ${name} was passed over: ${reason}`);
  if (resumedFrom) say('info', `went on from epoch ${resumedFrom.epoch}, step ${resumedFrom.step}`);
}

const measures = ({ metrics: { loss, imagesPerSecond } }: Epoch) =>
  `loss ${loss.toFixed(4)}, ${Math.round(imagesPerSecond)} images/s`;

function failureText(error: unknown): string {
  if (error instanceof ApplicationFailure) {
    const again = error.nonRetryable ? 'not tried again' : 'tried again';
    return `failed (${error.type}), ${again}: ${error.message}`;
  }
  return `failed: ${error instanceof Error ? error.message : String(error)}`;
}
