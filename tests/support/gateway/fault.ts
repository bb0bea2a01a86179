/** How the gateway can be told to misbehave, and what it says about it. Plain data, the same over HTTP and in process. */

/** Which requests, or scripts, a fault strikes. By default the next one. */
export interface Aim {
  /** Only requests with this command name, or with a script of this SHA-1 or holding this text. */
  readonly match?: string;
  /** Lets so many matching ones pass first. */
  readonly skip?: number;
  /** Strikes so many, then it is used up. Default 1, or without end when `probability` is given. */
  readonly times?: number;
  /** Strikes each matching one with this probability, drawn from the lane's seeded generator. */
  readonly probability?: number;
}

/** One misbehaviour. Several may strike the same request. */
export type Fault = Aim & Misbehaviour;

/** What happens to the request, or to the script in it. */
export type Misbehaviour =
  /** Waits before anything else. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Answers with an HTTP error instead: JSON, or a proxy's HTML page for 502. The command runs only when `when` is "after". */
  | {
    readonly kind: "status";
    readonly status: number;
    readonly retryAfter?: string | number;
    readonly when?: "before" | "after";
  }
  /**
   * Ends the connection without an answer, before or after the command ran, or in the middle of the answer. The client
   * sees a network error. With `bare` not one byte is sent: then Deno's fetch repeats the request by itself, once,
   * when the connection had served another before (measured on Deno 2.9; Bun and Node do not).
   */
  | {
    readonly kind: "cut";
    readonly when: "before" | "after" | "during";
    readonly bare?: boolean;
  }
  /** Answers 200 with the first half of the body. */
  | { readonly kind: "truncate" }
  /** Ends the connection and runs the request later: after so many further requests of the lane, or on release. */
  | { readonly kind: "late"; readonly after?: number }
  /** Runs and answers the request, and runs it once more: at once (0), after so many further requests, or on release. */
  | { readonly kind: "again"; readonly after?: number }
  /** Lets the k-th command inside the script (from 1) fail with this error instead of running. */
  | { readonly kind: "script"; readonly k: number; readonly error: string };

/** The time that TIME tells, plain or inside scripts. */
export type Clock =
  | { readonly offsetMs: number }
  | { readonly atUs: number };

/** What holds for every request of a lane until it is changed. */
export interface Settings {
  /** Default null: the server's own time. */
  readonly clock: Clock | null;
  /** Keeps a log of the requests, their commands and the commands inside their scripts. Default false. */
  readonly log: boolean;
  /** Refuses a write that would make one record larger, as Upstash does at 100 MB. Default null: no limit. Costs a MEMORY USAGE per write. */
  readonly recordBytes: number | null;
}

/** A command of a logged request. */
export interface LoggedCommand {
  readonly name: string;
  /** Commands the script issued, in order; one that was made to fail is the last. Absent when the command is no script. */
  readonly inner?: readonly string[];
  /** Redis, or a fault, answered with an error. */
  readonly error?: true;
}

/** A request of a lane that logs. */
export interface LoggedRequest {
  readonly commands: readonly LoggedCommand[];
  /** Kinds of the faults that struck it. */
  readonly faults: readonly Fault["kind"][];
  /** It ran later than it was sent, or once more. */
  readonly late?: true;
}

/** What a lane tells about itself. */
export interface Report extends Settings {
  readonly lane: string;
  /** Requests received, refused and struck ones among them. */
  readonly requests: number;
  /** Faults that may still strike. */
  readonly faults: readonly Fault[];
  /** How often each kind has struck; `script` counts only those whose k-th command was reached. */
  readonly struck: Readonly<Partial<Record<Fault["kind"], number>>>;
  /** Requests that wait to run late. */
  readonly held: number;
  /** The last 10,000 requests while `log` was on. */
  readonly entries: readonly LoggedRequest[];
}

/** What `POST /_gateway/faults` takes; done in this order: clear, set, add, release. */
export interface LaneOrder {
  /** Drops faults, held requests, counts, log and settings. */
  readonly clear?: boolean;
  readonly set?: Partial<Settings>;
  readonly add?: readonly Fault[];
  /** Runs the held requests now. */
  readonly release?: boolean;
  /** Starts the lane's random generator anew. */
  readonly seed?: number;
}

/** What `POST /_gateway/redis` takes; done in this order. */
export interface RedisOrder {
  /** Restarts Redis, with its data or empty. */
  readonly restart?: "keep" | "lose";
  /** Bytes, 0 for no limit; writes beyond are refused. */
  readonly maxmemory?: number;
  readonly flush?: boolean;
  readonly resetStats?: boolean;
}

/** What `POST /_gateway/redis` answers. */
export interface RedisReport {
  /** Calls per command since the last reset, scripts' own commands among them. */
  readonly calls: Readonly<Record<string, number>>;
  readonly usedMemory: number;
}

const KINDS: readonly string[] = [
  "delay",
  "status",
  "cut",
  "truncate",
  "late",
  "again",
  "script",
] satisfies readonly Fault["kind"][];

/** Throws a TypeError that says what is wrong with a fault that came as JSON. */
export function checkFault(fault: Fault): void {
  if (!KINDS.includes(fault.kind)) {
    throw new TypeError(
      `Unknown fault kind '${fault.kind}': one of ${KINDS.join(", ")}`,
    );
  }
  if (fault.kind === "script" && !(Number.isInteger(fault.k) && fault.k > 0)) {
    throw new TypeError(
      `A script fault's k counts commands from 1: it is ${fault.k}`,
    );
  }
  if (
    fault.kind === "status" && !(fault.status >= 400 && fault.status <= 599)
  ) {
    throw new TypeError(
      `A status fault's status is 400 to 599: it is ${fault.status}`,
    );
  }
}
