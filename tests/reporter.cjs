// Mocha's spec reporter, with the reasons of skipped suites and one plain line that counts at the end.
const { reporters, Runner } = require("mocha");

class ClosingLine extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const skipped = new Set();
    runner.on(Runner.constants.EVENT_TEST_PENDING, (test) => skipped.add(test.parent.fullTitle()));
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      for (const title of skipped) console.log(`skipped: ${title}`);
      const { passes, failures, pending } = runner.stats;
      console.log(`\n${passes} passed, ${failures} failed, ${pending} skipped`);
    });
  }
}

module.exports = ClosingLine;
