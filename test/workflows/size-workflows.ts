import { proxyActivities } from '@temporalio/workflow';

interface Activities {
  readonly give: (text: string) => Promise<string>;
  readonly fail: (message: string, nonRetryable: boolean) => Promise<never>;
}
const { give } = proxyActivities<Activities>({ startToCloseTimeout: '1m' });
/** Its attempts are far apart, so that the failure of one is seen. */
const { fail } = proxyActivities<Activities>({
  ...{ startToCloseTimeout: '1m', activityId: `a-step-with-a-long-name-${'s'.repeat(40)}` },
  retry: { initialInterval: '10m' },
});

export const echo = (text: string): Promise<string> => give(text);
export const failing = (message: string, nonRetryable: boolean): Promise<never> => fail(message, nonRetryable);
