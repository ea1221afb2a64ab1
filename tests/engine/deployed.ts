import { textOf, World } from "./world";

const worlds = new Map<string, Promise<World>>();

/** A world of its own with a shipped stack in it; the stack is brought up once for all tests. */
export async function deployed(stack: string): Promise<World> {
  const pristine = worlds.get(stack) ?? bringUp(stack);
  worlds.set(stack, pristine);
  return (await pristine).copy();
}

async function bringUp(stack: string): Promise<World> {
  const world = await World.empty(stack);
  const ended = await world.up();
  if (ended.status !== 0) throw new Error(`${stack} does not come up:\n${textOf(ended)}`);
  return world;
}
