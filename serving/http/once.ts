/** What gives something back, and gives it back only the first time that it is called. */
export function once(end: () => void): () => void {
  let isEnded = false;
  return () => {
    if (isEnded) return;
    isEnded = true;
    end();
  };
}
