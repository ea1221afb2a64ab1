import { readFileSync } from "node:fs";
import type { AdapterName } from "../../contracts/tasks/runtimes";
import { type TaskRequest, type TaskType, taskContent } from "../../contracts/tasks/task";
import { UserError } from "../../contracts/userError";
import { userPath } from "./download";

/** What the runtime gets. */
export type Content = TaskRequest["content"];

/** Stands in a content for the images, in their order. */
const IMAGE = "@image";

const STDIN = 0;

/**
 * The content of --content, with the prompt of --prompt.
 *
 * @throws UserError when there is neither, nor an image, or the file is no JSON object
 */
export function givenContent({
  content,
  prompt,
  image,
}: {
  readonly content?: string;
  readonly prompt?: string;
  readonly image?: readonly string[];
}): Content {
  if (content === undefined && prompt === undefined && image === undefined)
    throw new UserError("What is to be drawn? Give --prompt TEXT, or --content FILE.");
  const read = content === undefined ? {} : readContent(content);
  return prompt === undefined ? read : { ...read, prompt };
}

function readContent(file: string): Content {
  const name = file === "-" ? "standard input" : file;
  let text: string;
  try {
    text = readFileSync(file === "-" ? STDIN : userPath(file), "utf8");
  } catch (error) {
    throw new UserError(`--content: ${name} cannot be read: ${(error as Error).message}`);
  }
  try {
    return taskContent.parse(JSON.parse(text));
  } catch {
    throw new UserError(`--content: ${name} has to hold one JSON object, what the runtime gets.`);
  }
}

/**
 * A content with uploads where they belong: where it says `@image`, or where the type has them.
 *
 * @param references what stands for the uploads, `upload://ID`
 * @throws UserError when they have no place
 */
export function withImages(
  content: Content,
  references: readonly string[],
  adapter: AdapterName,
  type: TaskType,
): Content {
  if (references.length === 0) return content;
  const left = [...references];
  const placed = replaced(content, left) as Content;
  if (left.length === 0) return placed;
  if (left.length < references.length)
    throw new UserError(
      `--image: there are ${references.length}, and ${references.length - left.length} places "${IMAGE}" in the content.`,
    );
  const [first, ...more] = left as [Content[string], ...Content[string][]];
  if (type === "image-to-image")
    return adapter === "fleet"
      ? { ...content, image: more.length === 0 ? first : left }
      : { ...content, init_images: left };
  if (type === "extra-single-image" && more.length === 0) return { ...content, image: first };
  throw new UserError(
    type === "extra-single-image"
      ? "--image: extra-single-image takes one."
      : `--image: where does it go in a ${type}? Write "${IMAGE}" there in the content.`,
  );
}

function replaced(value: unknown, left: string[]): unknown {
  if (value === IMAGE) return left.shift() ?? IMAGE;
  if (Array.isArray(value)) return value.map((each) => replaced(each, left));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, replaced(each, left)]),
    );
  return value;
}
