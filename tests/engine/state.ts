/** What Pulumi's CLI prints as JSON, as far as tests look into it. */

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly custom: boolean;
  readonly parent?: string;
  readonly provider?: string;
  readonly protect?: boolean;
  readonly dependencies?: readonly string[];
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** `pulumi stack export`. */
export interface ExportedState {
  readonly deployment: { readonly resources?: readonly StateResource[] };
}

export interface PreviewStep {
  readonly op: string;
  readonly urn: string;
  readonly newState?: StateResource;
  readonly detailedDiff?: Readonly<Record<string, { readonly kind: string }>> | null;
}

/** `pulumi preview --json`. */
export interface PreviewDocument {
  readonly steps: readonly PreviewStep[];
  readonly changeSummary?: Readonly<Record<string, number>>;
}

export function resourcesOf(state: ExportedState): readonly StateResource[] {
  return state.deployment.resources ?? [];
}

/** The steps of a preview that change something. */
export function changesIn({ steps }: PreviewDocument): readonly PreviewStep[] {
  return steps.filter(({ op }) => op !== "same");
}

/** Whether the engine made a provider on its own, for a package that the program has no provider of. */
export function isDefaultProvider(urn: string): boolean {
  return /::pulumi:providers:[\w-]+::default(_|$)/.test(urn);
}
