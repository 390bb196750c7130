import type { Admission } from './admission.ts';
import type { Followed } from './follow.ts';
import type { Guard } from './guard.ts';
import type { ServeLimits } from './limits.ts';
import type { Metrics } from './metrics.ts';

/** What a server works with. */
export interface ServerParts {
  readonly guard: Guard;
  readonly limits: ServeLimits;
  readonly followed: Followed;
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly state: ServerState;
  /** Why the model has no look-alikes yet; null where it has, or will have none. */
  readonly lacks: () => string | null;
}

/** What the server itself is doing. */
export interface ServerState {
  /** It has been told to stop. */
  draining: boolean;
}
