import { z } from 'zod';

const text = (maximum: number) => z.string().trim().min(1).max(maximum);

/** What a person decides of a step that waits for one. */
export const approveRequestSchema = z.strictObject({
  step: z.string().min(1).max(200),
  /** Who decides. A claim: nothing checks it. */
  as: text(200),
  approved: z.boolean().default(true),
  reason: text(2000).optional(),
  /** Whom the operating system says the command was run by; absent where the message did not come from the command. */
  user: text(200).optional(),
  host: text(255).optional(),
});
export type ApproveRequest = z.input<typeof approveRequestSchema>;

/** A decision, as the store and the report keep it. */
export const approvalDecisionSchema = z.strictObject({
  approved: z.boolean(),
  /** Who decided, as they said; null where nobody did in time. */
  by: z.string().nullable(),
  reason: z.string().nullable(),
  user: z.string().nullable(),
  host: z.string().nullable(),
  at: z.iso.datetime(),
});
export type ApprovalDecision = z.infer<typeof approvalDecisionSchema>;

/** What a step asks of a person while it waits. */
export interface Question {
  readonly message: string;
  /** Who should answer. */
  readonly by: string | null;
  /** When the default is taken; null where it waits without end. */
  readonly until: string | null;
}

/** What a person reads of a step that waits for one. */
export const questionText = ({ message, by, until }: Question): string =>
  [
    `waits for approval${by === null ? '' : ` by ${by}`}: ${message}`,
    ...(until === null ? [] : [`until ${until}`]),
  ].join(', ');

/** Who decided what, in a sentence. */
export function decisionText({ approved, by, reason, user, host }: Omit<ApprovalDecision, 'at'>): string {
  const who = by === null ? 'because nobody answered in time' : `by ${by}`;
  const from = user === null ? '' : ` (${user}${host === null ? '' : ` on ${host}`})`;
  return `${approved ? 'approved' : 'rejected'} ${who}${from}${reason === null ? '' : `: ${reason}`}`;
}
