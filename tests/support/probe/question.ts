/** What the probe asks, and what it finds. */
import type { Database } from "./database.ts";

/** What a question found. */
export interface Finding {
  /** `as assumed`: Baton is built for this. `different`: something has to change. `read it`: only a person, or time, can tell. */
  readonly verdict: "as assumed" | "different" | "read it";
  readonly answer: string;
  /** What it means for Baton. */
  readonly means: string;
}

/** One open question about Upstash. */
export interface Question {
  readonly about: string;
  /** Asks the database. Whatever it throws is reported as `different`. */
  ask(database: Database, options: ProbeOptions): Promise<Finding>;
}

/** What the user allowed. */
export interface ProbeOptions {
  /** Fill the database up to its capacity. */
  readonly destructive: boolean;
  /** The database is the local gateway. */
  readonly local: boolean;
}

/** A finding that is either what Baton assumes, or is not. */
export function compared(
  asAssumed: boolean,
  answer: string,
  means: string,
): Finding {
  return { verdict: asAssumed ? "as assumed" : "different", answer, means };
}

/** The database's words, shortened. */
export function words(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.length > 160 ? `${message.slice(0, 157)}...` : message;
}

/** The largest number in a range that `works` for, by halving; `from` is taken to work. */
export async function largest(
  from: number,
  to: number,
  works: (n: number) => Promise<boolean>,
): Promise<number> {
  if (await works(to)) return to;
  let [good, bad] = [from, to];
  while (bad - good > Math.max(1, good * 0.001)) {
    const middle = Math.floor((good + bad) / 2);
    if (await works(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
