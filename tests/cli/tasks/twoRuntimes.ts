/** Stack dev with two runtimes, as assignments of `--set`: one of our server's, one of ComfyUI. */
export const twoRuntimes: readonly string[] = [
  "async.enabled=true",
  "async.runtimes={drawings: {accelerator: g5, framework: cuda, model: sd21}, " +
    "workflows: {adapter: comfyui, accelerator: g5, framework: cuda, image: {repository: example.com/comfyui, tag: '1'}}}",
];
