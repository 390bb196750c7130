// CommonJS, because Temporal's SDK loads it by `require` in Node and packs it into the workflows.
const { DefaultFailureConverter } = require('@temporalio/common');

/**
 * Bytes of an activity's failure that is tried again. Temporal keeps 4096 of such a failure while it waits, all told, and takes off
 * what is encoded where it has more: then nobody could read it. Places, keys and causes have a share of that as well.
 */
const messageBytes = 1300;
const stackBytes = 250;

/** Puts message and stack of a failure into a payload, so that they are encrypted as well. */
class EncodedFailures extends DefaultFailureConverter {
  constructor() {
    super({ encodeCommonAttributes: true });
  }

  /**
   * The SDK takes the message out of what this returns; without a copy it would take it from an error that came from
   * Temporal, whose message would be gone when that error is sent a second time.
   *
   * @override
   * @param {Parameters<DefaultFailureConverter['errorToFailureInner']>} args
   */
  errorToFailureInner(...args) {
    const failure = { ...super.errorToFailureInner(...args) };
    const [, , context] = args;
    const isKeptWaiting = context?.type === 'activity' && failure.applicationFailureInfo?.nonRetryable !== true;
    return isKeptWaiting
      ? {
          ...failure,
          message: beginningOf(failure.message, messageBytes),
          stackTrace: beginningOf(failure.stackTrace, stackBytes),
        }
      : failure;
  }
}

/**
 * The beginning of a text as it stands in JSON, whole characters only.
 *
 * @param {string | null | undefined} text
 * @param {number} bytes
 */
function beginningOf(text, bytes) {
  if (!text || Buffer.byteLength(JSON.stringify(text)) <= bytes) return text ?? '';
  let found = '';
  let size = 0;
  for (const character of text) {
    size += Buffer.byteLength(JSON.stringify(character)) - 2;
    if (size > bytes - 5) break;
    found += character;
  }
  return `${found}…`;
}

exports.failureConverter = new EncodedFailures();
