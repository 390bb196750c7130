import type { Report } from '../../../contracts/report.ts';
import { html } from '../html.ts';
import { type Section, table } from '../parts.ts';

/** Who decided what of the steps that waited for a person. */
export function approvalsSection({ approvals }: Pick<Report, 'approvals'>): Section | null {
  if (approvals.length === 0) return null;
  return {
    id: 'approvals',
    heading: 'Approvals',
    lead: 'What people decided. Names are as they were given; user and machine are those that the answer came from.',
    body: html`${table(
      'Decisions',
      ['step', 'decision', 'by', 'user and machine', 'when', 'reason'],
      approvals.map(({ step, approved, by, user, host, at, reason }) => [
        step,
        ...[
          approved ? 'approved' : 'rejected',
          by ?? 'nobody answered in time',
          [user, host].filter((each) => each !== null).join(' on '),
          at,
          reason ?? '',
        ].map((text) => ({ text })),
      ]),
    )}`,
  };
}
