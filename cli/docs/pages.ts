import { configurationJsonSchema, configurationMarkdown } from "./configuration";
import { policiesMarkdown } from "./policies";

/** A page that is written by the program, and where it stands. */
export interface GeneratedPage {
  /** Path from the project's root. */
  readonly file: string;
  readonly content: string;
}

/** All generated pages; a test fails when one that is committed differs. */
export function generatedPages(): readonly GeneratedPage[] {
  return [
    { file: "docs/configuration.md", content: configurationMarkdown() },
    { file: "docs/policies.md", content: policiesMarkdown() },
    { file: "docs/config.schema.json", content: configurationJsonSchema() },
  ];
}
