// Mocha's spec reporter, with the reasons of skipped suites, the tests that failed before they passed
// (the machines that run them are shared, so each may fail twice: .mocharc.json), and one plain line
// that counts at the end.
const { reporters, Runner } = require("mocha");

class ClosingLine extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const { EVENT_RUN_END, EVENT_TEST_PENDING, EVENT_TEST_RETRY } = Runner.constants;
    const skipped = new Set();
    const failures = [];
    runner.on(EVENT_TEST_PENDING, (test) => skipped.add(test.parent.fullTitle()));
    runner.on(EVENT_TEST_RETRY, (test, { message }) =>
      failures.push([test.fullTitle(), message.trim().split("\n")[0]]),
    );
    runner.once(EVENT_RUN_END, () => {
      for (const title of skipped) console.log(`skipped: ${title}`);
      for (const [title, message] of failures) console.log(`tried again: ${title}: ${message}`);
      const { passes, failures: failed, pending } = runner.stats;
      console.log(`\n${passes} passed, ${failed} failed, ${pending} skipped`);
    });
  }
}

module.exports = ClosingLine;
