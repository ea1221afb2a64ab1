import { factsOf } from "./facts";
import type { Plan } from "./makePlan";
import { escaped } from "./markup";
import { picture } from "./picture";
import { remoteTypes, warningsOf } from "./planText";
import { scaleOut } from "./scaleOut";
import { sharesOf } from "./system";
import { kindOf, type TreeNode, treeOf } from "./tree";
import { nameOfUrn } from "./urn";

const STYLE = `
  :root { color-scheme: light dark; --ink: #1c2733; --soft: #5c6b7a; --line: #dde3ea;
    --card: #ffffff; --ground: #eef1f5; --accent: #b45309; }
  @media (prefers-color-scheme: dark) { :root { --ink: #e8edf3; --soft: #9aa8b6; --line: #303b47;
    --card: #1a212a; --ground: #10151b; --accent: #ffab5c; } }
  * { box-sizing: border-box; }
  body { margin: 0; background: var(--ground); color: var(--ink);
    font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
  main { max-width: 1280px; margin: 0 auto; padding: 28px 24px 64px; }
  h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 36px 0 12px; }
  .soft { color: var(--soft); }
  .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px;
    margin: 22px 0; padding: 0; }
  .facts div, .panel { background: var(--card); border: 1px solid var(--line);
    border-radius: 12px; padding: 14px 16px; }
  .facts dt { color: var(--soft); font-size: 13px; } .facts dd { margin: 2px 0 0; font-size: 19px; }
  .panel { overflow-x: auto; } .panel svg { display: block; width: 100%; min-width: 900px; }
  table { border-collapse: collapse; width: 100%; } th, td { padding: 8px 12px; text-align: left;
    border-bottom: 1px solid var(--line); white-space: nowrap; }
  tr:last-child td { border-bottom: 0; }
  th { color: var(--soft); font-weight: 500; font-size: 13px; }
  td.note { white-space: normal; color: var(--soft); font-size: 13px; min-width: 16em;
    overflow-wrap: break-word; }
  .number { text-align: right; font-variant-numeric: tabular-nums; }
  ul.warnings { margin: 0; padding-left: 20px; } ul.warnings li::marker { color: var(--accent); }
  details { margin-left: 18px; } .panel > details { margin-left: 0; }
  summary { cursor: pointer; padding: 2px 0; } summary::marker { color: var(--soft); }
  .kind { color: var(--soft); } .name { font-weight: 600; }
  .panel > p { margin: 0; }
  pre { margin: 4px 0 10px 18px; padding: 12px 14px; background: var(--ground); border-radius: 8px;
    overflow-x: auto; font: 12.5px/1.45 ui-monospace, Menlo, Consolas, monospace; }
`;

/** A plan as one web page that needs nothing else: no script, no network. */
export function page(plan: Plan): string {
  const { project, stack, resources } = plan.document;
  const { summary } = plan;
  const title = `${project} · ${stack}`;
  const [root] = treeOf(resources);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}: plan</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
<p class="soft">What <code>pulumi up</code> would build, from this stack's config.</p>
<dl class="facts">
${summary.units.length === 0 ? "" : fact("routing mode", summary.mode)}
${fact("region", summary.region)}
${fact("resources", String(resources.length))}
${fact("an hour, minimum replicas", dollars(summary.cost.usd.min))}
${fact("an hour, maximum replicas", dollars(summary.cost.usd.max))}
</dl>
<div class="panel">${picture(plan)}</div>
${summary.units.length === 0 ? "" : `<h2>Deployment units</h2>\n<div class="panel">${unitTable(plan)}</div>`}
${runtimes(plan)}
${endpoints(plan)}
<h2>What an hour costs</h2>
<div class="panel">${costTable(plan)}</div>
${failover(plan)}
${policies(plan)}
${warnings(plan)}
<h2>Resources</h2>
<div class="panel">${root === undefined ? "" : root.children.map(branch).join("\n")}</div>
${remoteNote(plan)}
</main>
</body>
</html>
`;
}

function fact(term: string, value: string): string {
  return `<div><dt>${escaped(term)}</dt><dd>${escaped(value)}</dd></div>`;
}

function unitTable({ document, summary }: Plan): string {
  const shareOf = sharesOf(document.resources);
  return table(
    ["unit", "machine", "framework"],
    ["weight", "images/min target", "in flight", "replicas", "$ an hour", "$ per 1000 images"],
    [],
    summary.units.map((unit) => [
      unit.unit,
      unit.instanceTypes.join(", "),
      unit.framework,
      shareOf(unit),
      String(unit.counterTarget),
      String(unit.inFlightTarget),
      `${unit.minReplicas}–${unit.maxReplicas}`,
      unit.pricePerHour.toFixed(4),
      unit.costPerThousandImages.toFixed(4),
    ]),
  );
}

function runtimes({ summary }: Plan): string {
  if (summary.runtimes.length === 0) return "";
  const rows = table(
    ["runtime", "speaks", "machine", "capacity"],
    ["tasks per replica", "longest task, s", "replicas", "$ an hour"],
    [],
    summary.runtimes.map((runtime) => [
      runtime.runtime,
      runtime.adapter,
      runtime.instanceTypes.join(", "),
      runtime.capacityTypes.join(", "),
      String(runtime.tasksPerReplica),
      String(runtime.longestTaskSeconds),
      `${runtime.minReplicas}–${runtime.maxReplicas}`,
      runtime.pricePerHour.toFixed(4),
    ]),
  );
  return `<h2>Runtimes of the queues</h2>\n<div class="panel">${rows}</div>`;
}

function endpoints({ summary }: Plan): string {
  if (summary.endpoints.length === 0) return "";
  const rows = table(
    ["endpoint", "serves", "machine", "scales by"],
    ["instances or copies", "scale-out, s", "$ an hour"],
    [],
    summary.endpoints.map((endpoint) => [
      endpoint.endpoint,
      endpoint.model ?? "",
      endpoint.kind === "component" ? "" : endpoint.instanceType,
      endpoint.scalesBy,
      `${endpoint.min}–${endpoint.max}`,
      scaleOut(endpoint),
      endpoint.pricePerHour?.toFixed(4) ?? "",
    ]),
  );
  return `<h2>Managed endpoints</h2>\n<div class="panel">${rows}</div>`;
}

function costTable({ summary }: Plan): string {
  return table(
    ["what"],
    ["minimum", "maximum", "$ each", "$ an hour, minimum", "$ an hour, maximum"],
    ["price from"],
    summary.cost.lines.map(({ name, source, count, usdEach, usd }) => [
      name,
      String(count.min),
      String(count.max),
      usdEach?.toFixed(4) ?? "unknown",
      usd.min.toFixed(2),
      usd.max.toFixed(2),
      source,
    ]),
  );
}

function failover({ summary }: Plan): string {
  return summary.failover === undefined ? "" : `<p>${escaped(summary.failover)}</p>`;
}

/** Columns of texts, then of numbers, then of notes. */
function table(texts: string[], numbers: string[], notes: string[], rows: readonly string[][]) {
  const style = (index: number) => {
    if (index < texts.length) return "";
    return index < texts.length + numbers.length ? ' class="number"' : ' class="note"';
  };
  const cells = (tag: string, row: readonly string[]) =>
    row.map((cell, index) => `<${tag}${style(index)}>${escaped(cell)}</${tag}>`).join("");
  const head = cells("th", [...texts, ...numbers, ...notes]);
  const body = rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("\n");
  return `<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

function policies({ document }: Plan): string {
  const { policies, violations } = document;
  if (policies.length === 0) return "";
  const items = violations.map(
    ({ policy, level, urn, message }) =>
      `<li><b>${escaped(policy)}</b>, ${level}, <code>${escaped(nameOfUrn(urn))}</code>: ${escaped(message)}</li>`,
  );
  const found =
    items.length === 0
      ? `<p>${policies.length} asked, none violated.</p>`
      : `<ul class="warnings">${items.join("")}</ul>`;
  return `<h2>Policies</h2><div class="panel">${found}</div>`;
}

function warnings(plan: Plan): string {
  const found = warningsOf(plan);
  if (found.length === 0) return "";
  const items = found.map((warning) => `<li>${escaped(warning)}</li>`).join("");
  return `<h2>Warnings</h2><div class="panel"><ul class="warnings">${items}</ul></div>`;
}

function branch(node: TreeNode): string {
  const { resource, children, count } = node;
  const facts = factsOf(resource);
  const about = [facts, count > 0 ? `${count} inside` : undefined].filter(Boolean).join(" · ");
  const inputs = Object.keys(resource.inputs).length > 0;
  return [
    `<details><summary><span class="name">${escaped(resource.name)}</span> `,
    `<span class="kind">${escaped(kindOf(resource.type))}</span> `,
    `<span class="soft">${escaped(about)}</span></summary>`,
    inputs ? `<pre>${escaped(JSON.stringify(resource.inputs, null, 2))}</pre>` : "",
    ...children.map(branch),
    "</details>",
  ].join("");
}

function remoteNote(plan: Plan): string {
  const types = remoteTypes(plan).map(kindOf);
  if (types.length === 0) return "";
  return `<p class="soft">What is inside ${escaped(types.join(", "))} is made by their providers during <code>pulumi up</code> and is not listed here.</p>`;
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}
