import { condition } from '@temporalio/workflow';
import {
  type ApprovalDecision,
  type ApproveRequest,
  approveRequestSchema,
  type Question,
} from '../contracts/approval.ts';
import { milliseconds } from '../contracts/duration.ts';
import { type ApproveParameters, approveParameters } from '../contracts/kinds/approve.ts';
import { withReadableNumbers } from '../contracts/readable-numbers.ts';
import type { Result } from './run-state.ts';

/**
 * A step that waits for a person: open, then decided, or released because the run's history begins anew.
 */
export interface Approval {
  readonly question: Question;
  answer:
    | { readonly is: 'open' }
    | { readonly is: 'decided'; readonly decision: ApprovalDecision }
    | { readonly is: 'released' };
}

/**
 * @param asked the question of an earlier history, whose deadline holds on
 * @param decision an answer that came while the history began anew
 */
export function openApproval(
  given: Result,
  asked: Question | null,
  decision?: ApprovalDecision,
): Approval & { readonly parameters: ApproveParameters } {
  const parameters = approveParameters.parse(given);
  const { by = null, timeout } = parameters;
  const message = withReadableNumbers(parameters.message);
  const until = timeout === undefined ? null : new Date(Date.now() + milliseconds(timeout)).toISOString();
  const answer: Approval['answer'] = decision ? { is: 'decided', decision } : { is: 'open' };
  return { parameters, question: asked ?? { message, by, until }, answer };
}

/** Waits for the answer, or until the time is up. */
export async function awaitAnswer(approval: ReturnType<typeof openApproval>): Promise<Approval['answer']> {
  const { question, parameters } = approval;
  const isAnswered = () => approval.answer.is !== 'open';
  if (isAnswered()) return approval.answer;
  if (question.until === null) await condition(isAnswered);
  else await condition(isAnswered, Math.max(1, Date.parse(question.until) - Date.now()));
  if (approval.answer.is === 'open')
    approval.answer = {
      is: 'decided',
      decision: {
        approved: parameters.onTimeout === 'approve',
        by: null,
        reason: null,
        user: null,
        host: null,
        at: now(),
      },
    };
  return approval.answer;
}

/** The decision that a message holds. @throws ZodError */
export function decisionOf(request: ApproveRequest): ApprovalDecision {
  const { as, approved, reason = null, user = null, host = null } = approveRequestSchema.parse(request);
  return { approved, by: as, reason, user, host, at: now() };
}

const now = () => new Date().toISOString();
