// One seed of a run for all properties (fast-check prints it with what it finds), so that a
// counterexample does not pass when its test is tried again. SEED=… repeats a run's.
const { configureGlobal } = require("fast-check");

configureGlobal({ seed: Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31)) });
