// Loaded into an app before it starts: ends it when its standard input does, and so with the tests
// that have started it, however those end.
process.stdin.on("end", () => process.exit(1)).resume();
process.stdin.unref?.();
