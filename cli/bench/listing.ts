import { benches } from "./registry";

/** Every bench and what it measures, a line each. */
export async function benchLines(): Promise<string[]> {
  const width = Math.max(...Object.keys(benches).map((name) => name.length));
  return Promise.all(
    Object.entries(benches).map(
      async ([name, load]) => `  ${name.padEnd(width)}  ${(await load()).about}`,
    ),
  );
}
