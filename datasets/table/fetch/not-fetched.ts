/** Why an image could not be fetched, to be said after its name. No URL is in it: a query may hold a secret. */
export interface FetchFailure {
  readonly reason: string;
  /** Another time it may work. */
  readonly passing: boolean;
}

/** Ends the fetching of a file whose content did not come. */
export class NotFetched extends Error {
  constructor(readonly failure: FetchFailure) {
    super(failure.reason);
  }
}

export const lasting = (reason: string): NotFetched => new NotFetched({ reason, passing: false });
export const passing = (reason: string): NotFetched => new NotFetched({ reason, passing: true });
