import type { Row } from "./row";

/** What a bench is given. */
export interface BenchContext {
  /** The script that starts `fleet`. */
  readonly launcher: string;
  /** A folder for what a bench writes. */
  readonly folder: string;
  /** Says on the terminal what is being done. */
  readonly progress: (text: string) => void;
}

/** One promise about speed or size, measured. Ends within five minutes once it is prepared. */
export interface Bench {
  /** What is measured, in a line. */
  readonly about: string;
  /** Installs or builds what the measurement needs. */
  readonly prepare?: (context: BenchContext) => Promise<void>;
  readonly measure: (context: BenchContext) => Promise<readonly Row[]>;
}
