import { messageBody } from "./world";

export interface MalformedMessage {
  readonly kind: string;
  readonly body: string;
  readonly reason: RegExp;
}

/** Messages that are no task, one of each kind. */
export function malformedMessages(runtime: string): readonly MalformedMessage[] {
  const metadata = { id: "a", runtime, tasktype: "text-to-image" };
  const content = { prompt: "a dog" };
  const task = { metadata, content };
  const json = (value: unknown) => JSON.stringify(value);
  const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  return [
    { kind: "blank", body: " \n", reason: /the body is empty/ },
    { kind: "text", body: "draw me a dog", reason: /the body is no JSON/ },
    { kind: "cut off", body: messageBody(runtime, { id: "a" }).slice(0, -5), reason: /no JSON/ },
    { kind: "XML", body: "<task/>", reason: /no JSON/ },
    { kind: "null", body: "null", reason: /the body is null, no object/ },
    { kind: "a number", body: "7", reason: /the body is a number, no object/ },
    { kind: "a string", body: json("a"), reason: /the body is a string, no object/ },
    { kind: "a list", body: json([task]), reason: /the body is a list, no object/ },
    { kind: "empty", body: "{}", reason: /metadata: /i },
    { kind: "inside of `task`", body: json({ task }), reason: /metadata: / },
    { kind: "without metadata", body: json({ content }), reason: /metadata: / },
    {
      kind: "without an id",
      body: json({ metadata: { ...metadata, id: undefined }, content }),
      reason: /metadata\.id: /,
    },
    {
      kind: "of an id with a slash",
      body: messageBody(runtime, { id: "../a" }),
      reason: /metadata\.id: 1 to 64 letters/,
    },
    {
      kind: "of an id that is too long",
      body: messageBody(runtime, { id: "a".repeat(65) }),
      reason: /metadata\.id: /,
    },
    {
      kind: "of an id that is a number",
      body: json({ metadata: { ...metadata, id: 7 }, content }),
      reason: /metadata\.id: /,
    },
    {
      kind: "of a runtime that is no name",
      body: messageBody(runtime, { id: "a", runtime: "SD 1" }),
      reason: /metadata\.runtime: /,
    },
    {
      kind: "of an unknown type",
      body: messageBody(runtime, { id: "a", tasktype: "text-to-song" }),
      reason: /metadata\.tasktype: /,
    },
    {
      kind: "of a prefix that climbs",
      body: messageBody(runtime, { id: "a", prefix: "a/../b" }),
      reason: /metadata\.prefix: /,
    },
    {
      kind: "of a prefix that is a list",
      body: json({ metadata: { ...metadata, prefix: [] }, content }),
      reason: /metadata\.prefix: /,
    },
    { kind: "without content", body: json({ metadata }), reason: /content or contentKey/ },
    {
      kind: "of content twice",
      body: json({ ...task, contentKey: "content/a.json" }),
      reason: /content or contentKey/,
    },
    {
      kind: "of content that is text",
      body: json({ metadata, content: "a dog" }),
      reason: /content: /,
    },
    {
      kind: "of content that is nested too deeply",
      body: `{"metadata":${json(metadata)},"content":{"a":${deep}}}`,
      reason: /content: it is nested more than 100 levels deep/,
    },
    {
      kind: "of another task's key",
      body: messageBody(runtime, { id: "a", key: "b~1f2e3d4c" }),
      reason: /key: "b~1f2e3d4c" is not of the task a/,
    },
    {
      kind: "of a time that is none",
      body: messageBody(runtime, { id: "a", submittedAt: "yesterday" }),
      reason: /submittedAt: /,
    },
    {
      kind: "an envelope without a message",
      body: json({ Type: "Notification" }),
      reason: /envelope holds no text/,
    },
    {
      kind: "an envelope of text",
      body: json({ Type: "Notification", Message: "draw" }),
      reason: /Message is no JSON/,
    },
  ];
}
