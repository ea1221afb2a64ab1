import { serverSettingNames } from "../../../contracts/serverSettings";
import { accelerators } from "../../../fleet/accelerators";
import { cachedContainer } from "../../../fleet/cachedContainers";
import {
  defaultAsyncType,
  managedInstanceType,
  managedInstanceTypesOf,
} from "../../../fleet/managedInstances";
import { managedPricePerHour } from "../../../fleet/managedPrices";
import { configuredModels, type HostedConfig, hostedModels } from "../../managedModels";
import type { Problem } from "../errors";
import type { ComponentEndpointConfig, ConcurrencyScalingConfig } from "../sagemaker";
import type { FleetConfig } from "../schema";
import { fitProblems, roomProblems } from "./copies";
import { boundProblems, frameworkProblems, settingProblems, unknown } from "./machines";

/** Rules about managed endpoints. */
export function sagemakerProblems(config: FleetConfig, region: string): Problem[] {
  const { sagemaker } = config;
  const { asyncEndpoints, variantEndpoints, componentEndpoints } = sagemaker;
  const endpoints = { asyncEndpoints, variantEndpoints, componentEndpoints };
  return [
    ...emptyProblems(config),
    ...registryProblems(config, region),
    ...nameProblems(config),
    ...configuredModels(sagemaker).flatMap((hosted) => [
      ...hostedProblems(config, hosted),
      ...containerProblems(hosted, region),
    ]),
    ...Object.entries(endpoints).flatMap(([kind, record]) =>
      Object.entries(record).flatMap(([name, endpoint]) =>
        machineProblems(`sagemaker.${kind}.${name}`, endpoint, region, kind === "asyncEndpoints"),
      ),
    ),
    ...keyProblems(config, region),
    ...Object.entries(variantEndpoints).flatMap(([name, { instances, scaling }]) => {
      const key = `sagemaker.variantEndpoints.${name}`;
      return [
        ...noZeroProblems(key, instances),
        ...scalingProblems(key, scaling, "instance"),
        ...scheduleProblems(key, scaling.schedules, instances, 1),
      ];
    }),
    ...Object.entries(asyncEndpoints).flatMap(([name, { instances, scaling }]) => {
      const key = `sagemaker.asyncEndpoints.${name}`;
      return [
        ...boundProblems(key, "instances", instances),
        ...scheduleProblems(key, scaling.schedules, instances),
      ];
    }),
    ...Object.entries(componentEndpoints).flatMap(([name, endpoint]) =>
      componentProblems(`sagemaker.componentEndpoints.${name}`, endpoint),
    ),
  ];
}

function emptyProblems({ sagemaker }: FleetConfig): Problem[] {
  const { enabled, asyncEndpoints, variantEndpoints, componentEndpoints } = sagemaker;
  const all = [asyncEndpoints, variantEndpoints, componentEndpoints];
  if (!enabled || all.some((record) => Object.keys(record).length > 0)) return [];
  return [
    {
      key: "sagemaker",
      value: sagemaker,
      allowed:
        "one endpoint at least, since the path is on: in asyncEndpoints, variantEndpoints or componentEndpoints",
    },
  ];
}

/** SageMaker pulls from ECR only. */
function registryProblems(config: FleetConfig, region: string): Problem[] {
  const { repository } = config.images.server;
  const own = hostedModels(config).some(({ container }) => container === undefined);
  if (!own || repository === undefined || regionOf(repository) === region) return [];
  return [
    {
      key: "images.server.repository",
      value: repository,
      allowed: `a repository in ECR, ACCOUNT.dkr.ecr.${region}.amazonaws.com/NAME: SageMaker pulls from no other registry, and from its own region only`,
      reads: ["sagemaker"],
    },
  ];
}

/** Of an image or a repository in ECR; nothing: it is elsewhere. */
function regionOf(image: string): string | undefined {
  return /^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?\/.+$/.exec(image)?.[1];
}

/** Keys are a region's own. */
function keyProblems({ sagemaker: { kmsKeyArn } }: FleetConfig, region: string): Problem[] {
  if (
    kmsKeyArn === undefined ||
    new RegExp(`^arn:[^:]+:kms:${region}:\\d{12}:key/.`).test(kmsKeyArn)
  )
    return [];
  return [
    {
      key: "sagemaker.kmsKeyArn",
      value: kmsKeyArn,
      allowed: `a KMS key of the stack's region, arn:aws:kms:${region}:ACCOUNT:key/ID`,
    },
  ];
}

/** What the program itself makes, and what it puts behind an endpoint's name. */
const taken =
  /^(task-.*|tasks|alarms|models|endpoint-data|endpoint-topics|endpoints|result-cache|default)$|-(new-fleet|success|error|errors|execution|dead-letters)$/;

/** Endpoints and components share the names of models, roles, alarms and metrics. */
function nameProblems({ sagemaker, units, models }: FleetConfig): Problem[] {
  const { asyncEndpoints, variantEndpoints, componentEndpoints } = sagemaker;
  const owners = new Map<string, string>();
  const all = [
    ...Object.keys(asyncEndpoints).map((name) => [name, `sagemaker.asyncEndpoints.${name}`]),
    ...Object.keys(variantEndpoints).map((name) => [name, `sagemaker.variantEndpoints.${name}`]),
    ...Object.entries(componentEndpoints).flatMap(([endpoint, { components }]) => [
      [endpoint, `sagemaker.componentEndpoints.${endpoint}`],
      ...Object.keys(components).map((name) => [
        name,
        `sagemaker.componentEndpoints.${endpoint}.components.${name}`,
      ]),
    ]),
  ] as [string, string][];
  return all.flatMap(([name, key]) => {
    if (taken.test(name))
      return [
        {
          key,
          value: name,
          allowed:
            "another name: alarms, topics and roles of that name are the program's own (task-…, tasks, alarms, models, endpoints, endpoint-data, endpoint-topics, result-cache, default; …-new-fleet, …-success, …-error, …-errors, …-execution, …-dead-letters)",
        },
      ];
    if (units[name] !== undefined || models[name] !== undefined)
      return [
        {
          key,
          value: name,
          allowed: "a name that no unit and no model has: alarms tell them apart by it",
          reads: [`units.${name}`, `models.${name}`],
        },
      ];
    const owner = owners.get(name);
    if (owner === undefined) {
      owners.set(name, key);
      return [];
    }
    return [
      { key, value: name, allowed: `a name that no other endpoint has: it is that of ${owner}` },
    ];
  });
}

function hostedProblems({ models }: FleetConfig, hosted: HostedConfig): Problem[] {
  const { key, model, env } = hosted;
  return [
    ...(models[model] === undefined
      ? [unknown(`${key}.model`, model, "a model of `models`", Object.keys(models))]
      : []),
    ...(accelerators[hosted.accelerator] === undefined ? [] : frameworkProblems(key, hosted)),
    ...settingProblems(key, env, serverSettingNames),
  ];
}

/** SageMaker takes images of its own region, and a container has to have its device's software. */
function containerProblems(
  { key, container, accelerator }: HostedConfig,
  region: string,
): Problem[] {
  if (container === undefined) return [];
  const problem = (allowed: string, reads?: readonly string[]): Problem[] => [
    {
      key: `${key}.container`,
      value: container,
      allowed,
      ...(reads === undefined ? {} : { reads }),
    },
  ];
  if (regionOf(container) !== region)
    return problem(`an image of the stack's region, ACCOUNT.dkr.ecr.${region}.amazonaws.com/NAME`);
  const cached = cachedContainer(container);
  const family = accelerators[accelerator]?.family;
  const device = family === "neuron" ? "neuron" : "gpu";
  if (cached === undefined || family === undefined || cached.device === device) return [];
  return problem(`a container for ${accelerator}: ${cached.name} is for ${cached.device}`, [
    `${key}.framework`,
  ]);
}

interface Machine {
  readonly accelerator: string;
  readonly instanceType?: string | undefined;
  readonly pricePerHour?: number | undefined;
}

function machineProblems(
  key: string,
  machine: Machine,
  region: string,
  isAsync: boolean,
): Problem[] {
  if (accelerators[machine.accelerator] === undefined)
    return [
      unknown(
        `${key}.accelerator`,
        machine.accelerator,
        "an accelerator of the catalogue",
        Object.keys(accelerators),
      ),
    ];
  const known = managedInstanceTypesOf(machine.accelerator);
  const type =
    machine.instanceType ?? (isAsync ? defaultAsyncType(machine.accelerator) : known[0]!);
  if (!(known as readonly string[]).includes(type))
    return [
      unknown(`${key}.instanceType`, type, `a type that carries ${machine.accelerator}`, known, [
        `${key}.accelerator`,
      ]),
    ];
  if (machine.pricePerHour !== undefined || managedPricePerHour(type, region) !== undefined)
    return [];
  return [
    {
      key: `${key}.pricePerHour`,
      value: undefined,
      allowed: `US dollars an hour, since the catalogue has no price of ${type}`,
      reads: [`${key}.instanceType`],
    },
  ];
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/**
 * Only asynchronous endpoints and inference components go to zero. Source: SageMaker developer guide,
 * "Scale an endpoint to zero instances": "the endpoint must host inference components".
 */
function noZeroProblems(key: string, instances: Bounds): Problem[] {
  if (instances.min > 0) return boundProblems(key, "instances", instances);
  return [
    {
      key: `${key}.instances.min`,
      value: instances.min,
      allowed:
        "1 at least: SageMaker takes the last instance from asynchronous endpoints and from under inference components only",
    },
  ];
}

function scheduleProblems(
  key: string,
  schedules: ConcurrencyScalingConfig["schedules"],
  bounds: Bounds,
  least = 0,
): Problem[] {
  return schedules.flatMap(({ min, max = bounds.max }, index) =>
    min <= max && min >= least
      ? []
      : [
          {
            key: `${key}.scaling.schedules[${index}].min`,
            value: min,
            allowed: min > max ? `at most max, which is ${max}` : `${least} at least`,
            reads: [key],
          },
        ],
  );
}

function scalingProblems(
  key: string,
  { policy, invocationsPerMinute }: ConcurrencyScalingConfig,
  per: string,
): Problem[] {
  const problem = (allowed: string): Problem[] => [
    {
      key: `${key}.scaling.invocationsPerMinute`,
      value: invocationsPerMinute,
      allowed,
      reads: [`${key}.scaling.policy`],
    },
  ];
  if (policy === "hybrid" && invocationsPerMinute === undefined)
    return problem(`invocations a minute per ${per}, since the policy is hybrid`);
  if (policy !== "hybrid" && invocationsPerMinute !== undefined)
    return problem(`nothing with the policy ${policy}: hybrid goes by it`);
  return [];
}

function componentProblems(key: string, endpoint: ComponentEndpointConfig): Problem[] {
  const { instances, components } = endpoint;
  const type = managedInstanceType(
    endpoint.instanceType ?? firstTypeOf(endpoint.accelerator) ?? "",
  );
  const staying = Object.entries(components).filter(([, { copies }]) => copies.min > 0);
  return [
    ...boundProblems(key, "instances", instances),
    ...(instances.min === 0 && staying.length > 0
      ? [
          {
            key: `${key}.instances.min`,
            value: 0,
            allowed: `1 at least while ${staying[0]![0]} has copies.min ${staying[0]![1].copies.min}: no instance is left under no copy only`,
            reads: [`${key}.components`],
          },
        ]
      : []),
    ...Object.entries(components).flatMap(([name, component]) => {
      const place = `${key}.components.${name}`;
      return [
        ...boundProblems(place, "copies", component.copies),
        ...scalingProblems(place, component.scaling, "copy"),
        ...scheduleProblems(place, component.scaling.schedules, component.copies),
        ...(type === undefined ? [] : fitProblems(place, component, type)),
      ];
    }),
    ...(type === undefined ? [] : roomProblems(key, endpoint, type)),
  ];
}

function firstTypeOf(accelerator: string): string | undefined {
  return accelerators[accelerator] && managedInstanceTypesOf(accelerator)[0];
}
