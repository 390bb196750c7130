/** The sizes that are measured: all, or the one that `--only` names. @throws Error when it names none of them */
export function sizesOf(all: readonly number[], only: string): readonly number[] {
  const chosen = all.filter((size) => only === '' || only === String(size));
  if (chosen.length === 0) throw new Error(`--only ${only} picks none of: ${all.join('; ')}.`);
  return chosen;
}
