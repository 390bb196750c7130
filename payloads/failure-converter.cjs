// CommonJS, because Temporal's SDK loads it by `require` in Node and packs it into the workflows.
const { DefaultFailureConverter } = require('@temporalio/common');

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
    return { ...super.errorToFailureInner(...args) };
  }
}

exports.failureConverter = new EncodedFailures();
