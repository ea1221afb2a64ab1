import assert from "node:assert/strict";
import { bar, progressOn } from "../../../cli/tasks/progress";

describe("progress", () => {
  it("into a pipe is a line now and then, of what is new, and the last one", () => {
    let now = 0;
    let written = "";
    const stream = {
      write: (text: string) => {
        written += text;
      },
    };
    const progress = progressOn(stream, () => now);
    for (let done = 0; done <= 100; done += 1) {
      progress.show(["a picture"], `${done} done`);
      now += 100;
    }
    progress.end();
    assert.deepEqual(written.trimEnd().split("\n"), [
      "0 done",
      "30 done",
      "60 done",
      "90 done",
      "100 done",
    ]);
    for (const never of ["\u001b", "picture"]) assert.ok(!written.includes(never));
  });

  it("on a terminal paints over what it has painted, and leaves room for what stays", () => {
    let written = "";
    const stream = {
      isTTY: true,
      write: (text: string) => {
        written += text;
      },
    };
    const progress = progressOn(stream);
    progress.show(["one", "two"]);
    progress.say("stays");
    progress.show(["three"]);
    assert.equal(
      written,
      "\r\u001b[Jone\ntwo\n" + "\u001b[2A\u001b[Jstays\none\ntwo\n" + "\u001b[2A\u001b[Jthree\n",
    );
  });

  it("has a bar that is full at the end only, and never longer than it may be", () => {
    assert.equal(bar(0, 10), "░░░░░░░░░░");
    assert.equal(bar(0.5, 10), "█████░░░░░");
    assert.equal(bar(1.5, 10), "██████████");
  });
});
