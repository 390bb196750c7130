/** What TensorFlow writes with `TF_CPP_VMODULE=executor=1` while it runs a graph. */

export interface PlacedNode {
  readonly name: string;
  readonly op: string;
  /** `CPU:0`, `GPU:0`. */
  readonly device: string;
}

const processed = /Process node: \d+ step (\d+) \{\{node ([^}]+)\}\} = (\w+)\[.* device: \S*device:(\w+:\d+)$/;
/** Warnings and errors of TensorFlow, and what it says of libraries and devices. */
const telling = /^[WE]\d{4} |dlopen|dynamic library|GPU will not be used|Created device|Loaded cuDNN|XLA service/;
const keptWarnings = 20;

export interface PlacementLog {
  readonly read: (line: string) => void;
  /** Those of the run with the most operations, each node once: runs that write or read the state have many nodes of few operations. */
  readonly nodes: () => readonly PlacedNode[];
  readonly warnings: () => readonly string[];
}

export function createPlacement(): PlacementLog {
  /** By run, then by name. */
  const runs = new Map<string, Map<string, PlacedNode>>();
  const warnings = new Set<string>();
  return {
    read: (line) => {
      const [, run = '', name = '', op = '', device = ''] = processed.exec(line) ?? [];
      if (name !== '') {
        const nodes = runs.get(run) ?? new Map<string, PlacedNode>();
        runs.set(run, nodes.set(name, { name, op, device }));
      }
      // Without the time and the place in TensorFlow's sources, which differ from line to line.
      else if (telling.test(line) && warnings.size < keptWarnings)
        warnings.add(line.replace(/^.*?\] /, '').slice(0, 400));
    },
    nodes: () => {
      const operations = (nodes: ReadonlyMap<string, PlacedNode>) =>
        new Set([...nodes.values()].map(({ op }) => op)).size;
      return [...([...runs.values()].toSorted((a, b) => operations(b) - operations(a))[0]?.values() ?? [])];
    },
    warnings: () => [...warnings],
  };
}

/** By device and operation. */
export function countNodes(nodes: readonly PlacedNode[]): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const counts = new Map<string, Map<string, number>>();
  for (const { op, device } of nodes) {
    const ops = counts.get(device) ?? new Map<string, number>();
    counts.set(device, ops.set(op, (ops.get(op) ?? 0) + 1));
  }
  return counts;
}
