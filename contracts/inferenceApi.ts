/**
 * The part of our inference server's API that an agent uses: OpenAI's images API.
 *
 * Source: OpenAI API reference, "Create image" and "Create image edit".
 */

/** JSON: prompt, n, size, response_format `b64_json`, and the server's own seed, steps, … */
export const GENERATIONS_PATH = "/v1/images/generations";

/** multipart/form-data: the same fields, and `image` (one or more files). */
export const EDITS_PATH = "/v1/images/edits";
