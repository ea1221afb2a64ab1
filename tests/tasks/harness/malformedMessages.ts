/** Messages that are no tasks, by what is wrong with them. */
export const malformedMessages: Readonly<Record<string, string>> = {
  "not JSON": "a lighthouse",
  "cut off": '{"metadata": {"id": "cut", "runtime": "drawing", "tasktype": "text-to-i',
  "a list": "[]",
  "without metadata": '{"content": {"prompt": "x"}}',
  "with an id that is a path":
    '{"metadata": {"id": "../x", "runtime": "drawing", "tasktype": "text-to-image"}, "content": {}}',
  "without content":
    '{"metadata": {"id": "empty", "runtime": "drawing", "tasktype": "text-to-image"}}',
  "of a type that there is not":
    '{"metadata": {"id": "odd", "runtime": "drawing", "tasktype": "text-to-song"}, "content": {}}',
};
