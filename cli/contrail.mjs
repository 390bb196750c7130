#!/usr/bin/env node
// Written so that any Node that knows modules reads it, and can say that it is too old for the rest.
import { neededNode, nodeIsSupported } from '../native/node-version.mjs';

if (nodeIsSupported(process.versions.node)) import('./start.mjs');
else {
  process.exitCode = 1;
  process.stderr.write(`${neededNode} (This is ${process.versions.node}.)\n`);
}
