/** What has to be undone at the end, the latest first. */
export interface Undoing {
  /** @param what names it for a person, should it not be possible */
  readonly later: (what: string, undo: () => unknown) => void;
}

/** Works, and undoes at the end whatever was begun, also after a failure; what cannot be undone does not keep the rest from it. */
export async function withUndoing<T>(work: (undoing: Undoing) => Promise<T>): Promise<T> {
  const begun: { readonly what: string; readonly undo: () => unknown }[] = [];
  try {
    return await work({ later: (what, undo) => void begun.push({ what, undo }) });
  } finally {
    for (const { what, undo } of begun.reverse())
      try {
        await undo();
      } catch (error) {
        process.stderr.write(`Could not remove ${what}: ${error instanceof Error ? error.message : String(error)}\n`);
      }
  }
}
