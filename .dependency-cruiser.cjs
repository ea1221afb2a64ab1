// Imports go one way (docs/architecture.md, "Layout"):
//   fleet, contracts <- charts <- components <- stacks <- index.ts, cli
//   apps and policy import fleet and contracts only; cli also imports policy.
const only = (from, ...allowed) => ({
  name: `${from}-imports`,
  severity: "error",
  comment: `${from}/ may import from ${[from, ...allowed].join(", ")} only.`,
  from: { path: `^${from}/` },
  to: {
    path: "^(index\\.ts|fleet|contracts|charts|components|stacks|policy|apps|cli|tests)",
    pathNot: `^(${[from, ...allowed].join("|")})/`,
  },
});

module.exports = {
  forbidden: [
    only("fleet"),
    only("contracts", "fleet"),
    only("charts", "fleet", "contracts"),
    only("components", "charts", "fleet", "contracts"),
    only("stacks", "components", "charts", "fleet", "contracts"),
    only("policy", "fleet", "contracts"),
    only("apps", "fleet", "contracts"),
    {
      name: "cli-imports",
      severity: "error",
      comment:
        "cli/bench/ measures the apps, with the control plane of the tests; nothing else needs either.",
      from: { path: "^cli/", pathNot: "^cli/bench/" },
      to: { path: "^(apps|tests)/" },
    },
    {
      name: "bench-imports",
      severity: "error",
      from: { path: "^cli/bench/" },
      to: { path: "^tests/", pathNot: "^tests/cluster/" },
    },
    {
      name: "index-imports",
      severity: "error",
      from: { path: "^index\\.ts$" },
      to: { path: "^(cli|policy|apps|tests|components|charts|fleet)/" },
    },
    {
      name: "fleet-is-pure",
      severity: "error",
      comment: "fleet/ is arithmetic: no Pulumi, no I/O, no packages.",
      from: { path: "^fleet/" },
      to: { dependencyTypes: ["npm", "core"] },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
