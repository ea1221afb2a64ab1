import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";

/** `fleet docs`: writes the pages that code knows better. */
export function docsCommand(root: string): Command {
  return new Command("docs").description("Write the generated pages of docs/.").action(async () => {
    const { generatedPages } = await import("./pages");
    for (const { file, content } of generatedPages()) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), content);
      process.stdout.write(`${file}\n`);
    }
  });
}
