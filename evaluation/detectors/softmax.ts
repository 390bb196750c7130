/** Score by the classifier's confidence: its highest probability (arXiv:1610.02136), float64 [count]. */
export function softmaxScores(probabilities: Float32Array, classes: number): Float64Array {
  return Float64Array.from({ length: probabilities.length / classes }, (_, row) =>
    probabilities.subarray(row * classes, (row + 1) * classes).reduce((most, each) => Math.max(most, each), 0),
  );
}
