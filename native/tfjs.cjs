// CommonJS, as tfjs-node is: our own code loads it by this, and so does a program that only tries it.
const { createRequire } = require('node:module');
const util = require('node:util');

/**
 * Loads tfjs-node with the addon that set-up built.
 *
 * @param {string} folder of the package
 * @param {string} binding the addon's file
 */
module.exports = function loadTfjs(folder, binding) {
  // tfjs-node 4.22 calls two functions that Node 23 removed from `util`; both mean exactly this.
  const functions = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (util));
  functions.isNullOrUndefined ??= (/** @type {unknown} */ value) => value === null || value === undefined;
  functions.isArray ??= Array.isArray;
  // It looks for its addon in its own folder, by this; set-up keeps it where an update of npm's packages does not remove it.
  const locator = createRequire(`${folder}/package.json`)('@mapbox/node-pre-gyp/lib/pre-binding.js');
  locator.find = () => binding;
  return require(folder);
};
