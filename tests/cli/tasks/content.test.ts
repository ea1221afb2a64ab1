import assert from "node:assert/strict";
import { withImages } from "../../../cli/tasks/content";

const [one, two] = ["upload://1", "upload://2"];

describe("images of a task that is submitted by hand", () => {
  it("go where each type wants them", () => {
    const content = { prompt: "p" };
    assert.deepEqual(withImages(content, [one!], "fleet", "image-to-image"), {
      prompt: "p",
      image: one,
    });
    assert.deepEqual(withImages(content, [one!, two!], "fleet", "image-to-image"), {
      prompt: "p",
      image: [one, two],
    });
    assert.deepEqual(withImages(content, [one!], "webui", "image-to-image"), {
      prompt: "p",
      init_images: [one],
    });
    assert.deepEqual(withImages({}, [one!], "webui", "extra-single-image"), { image: one });
  });

  it("go where the content says @image, in their order", () => {
    const content = { prompt: { 7: { inputs: { image: "@image" } }, 8: ["@image", "x"] } };
    assert.deepEqual(withImages(content, [one!, two!], "comfyui", "pipeline"), {
      prompt: { 7: { inputs: { image: one } }, 8: [two, "x"] },
    });
  });

  it("are refused where they have no place, or fewer than there are", () => {
    assert.throws(() => withImages({}, [one!], "comfyui", "pipeline"), /@image/);
    assert.throws(() => withImages({}, [one!], "fleet", "text-to-image"), /@image/);
    assert.throws(() => withImages({}, [one!, two!], "webui", "extra-single-image"), /takes one/);
    assert.throws(
      () => withImages({ a: "@image" }, [one!, two!], "fleet", "image-to-image"),
      /there are 2, and 1 places/,
    );
  });

  it("leave a content alone when there are none", () => {
    assert.deepEqual(withImages({ a: "@image" }, [], "fleet", "text-to-image"), { a: "@image" });
  });
});
