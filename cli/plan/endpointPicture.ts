import type { EndpointSummary } from "../../stacks/endpointSummaries";
import { boundsDots } from "./boundsDots";
import { card, edge, label, mount, stationCard } from "./shapes";

const WAY = { x: 176, width: 172 };
const CARD = { x: 430, width: 574, height: 70, gap: 14 };
/** An inference component stands on its endpoint's instances. */
const INDENT = 40;

/** Room above the first card, for the heading. */
const HEADING = 56;
const LEAST_HEIGHT = 240;

/** The managed endpoints as a part of the picture. */
export interface EndpointPicture {
  readonly parts: readonly string[];
  /** Middles of the cards that read a model. */
  readonly readers: readonly { readonly x: number; readonly y: number }[];
  /** Of the ways that clients come by. */
  readonly ways: readonly number[];
  readonly middle: number;
  readonly bottom: number;
}

/**
 * From the clients by the tasks' API, or by SageMaker's own, to the endpoints.
 *
 * @param hasTaskApi whether tasks go to the asynchronous ones
 */
export function endpointPicture(
  endpoints: readonly EndpointSummary[],
  hasTaskApi: boolean,
  top: number,
): EndpointPicture {
  const cards = endpoints.length * (CARD.height + CARD.gap) - CARD.gap;
  const height = Math.max(cards, LEAST_HEIGHT);
  const middle = top + HEADING + height / 2;
  const middles = endpoints.map(
    (_, index) => middle - cards / 2 + index * (CARD.height + CARD.gap) + CARD.height / 2,
  );
  const isAsync = ({ kind }: EndpointSummary) => kind === "asynchronous";
  const ways = [
    ...(endpoints.some(isAsync)
      ? [{ card: hasTaskApi ? TASKS : INVOKE_ASYNC, serves: isAsync, y: middle - 70 }]
      : []),
    ...(endpoints.every(isAsync)
      ? []
      : [{ card: INVOKE, serves: (it: EndpointSummary) => !isAsync(it), y: middle + 70 }]),
  ];
  return {
    readers: endpoints.flatMap(({ kind }, index) =>
      kind === "instances" ? [] : [{ x: CARD.x + CARD.width, y: middles[index]! }],
    ),
    ways: ways.map(({ y }) => y),
    middle,
    bottom: top + HEADING + height,
    parts: [
      label(CARD.x, top + 24, "managed endpoints", "soft"),
      ...ways.flatMap(({ card: words, serves, y }) => [
        stationCard(WAY, y, words),
        ...endpoints.flatMap((endpoint, index) =>
          serves(endpoint) && endpoint.kind !== "instances"
            ? [edge(WAY.x + WAY.width, y, left(endpoint), middles[index]!, 3)]
            : [],
        ),
      ]),
      ...endpoints.map((endpoint, index) => endpointCard(endpoint, middles[index]!)),
    ],
  };
}

/** Between a card and the store of the models. */
export function reads(picture: EndpointPicture, store: { readonly x: number }): readonly string[] {
  return picture.readers.map(({ x, y }) => mount(x, y, store.x, picture.middle));
}

const TASKS: Words = ["Task API", "API Gateway, Lambda", "a queue in SageMaker"];
const INVOKE_ASYNC: Words = ["InvokeEndpointAsync", "signed requests", "a queue in SageMaker"];
const INVOKE: Words = ["InvokeEndpoint", "signed requests", "fewest in flight first"];

type Words = readonly [string, string, string];

const kinds = {
  asynchronous: "asynchronous",
  variant: "realtime",
  instances: "instances of the components below",
  component: "inference component",
} as const;

function left({ kind }: Pick<EndpointSummary, "kind">): number {
  return CARD.x + (kind === "component" ? INDENT : 0);
}

function endpointCard(endpoint: EndpointSummary, middle: number): string {
  const { kind, model, min, max, scalesBy, pricePerHour, instanceType } = endpoint;
  const colour = /^ml\.(inf|trn)/.test(instanceType) ? "neuron" : "gpu";
  const x = left(endpoint);
  const width = CARD.x + CARD.width - x;
  const y = middle - CARD.height / 2;
  const facts = [
    kinds[kind],
    model,
    kind === "component" ? undefined : instanceType,
    pricePerHour === undefined ? undefined : `$${pricePerHour.toFixed(4)} an hour`,
  ];
  return [
    card(x, y, width, CARD.height),
    `<rect class="${colour}" x="${x}" y="${y + 10}" width="5" height="${CARD.height - 20}" rx="2.5"/>`,
    label(x + 20, y + 29, endpoint.endpoint, "title"),
    ...boundsDots(
      { min, max },
      { x: x + width - 18, y: y + 24, colour },
      kind === "component" ? "copies" : "instances",
    ),
    label(x + 20, y + 52, facts.filter((fact) => fact !== undefined).join(" · "), "soft"),
    label(x + width - 14, y + 52, `by ${scalesBy}`, "soft", "end"),
  ].join("");
}
