// It imports nothing and is written so that any Node that knows modules reads it.

export const neededNode = 'Contrail needs Node.js 20.19, 22.12 or 24 and later. Install one of them and try again.';

/**
 * Whether Contrail runs on a version of Node.
 *
 * @param {string} version
 */
export function nodeIsSupported(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
}
