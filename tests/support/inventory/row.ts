import type { Queue } from "../../../mod.ts";

/** One thing that django-q2 has, is asked for, or gets wrong, and what Baton has instead. */
export interface Row {
  /** What it is, as the README's table says it. */
  readonly item: string;
  readonly kind: Kind;
  /** Baton's name for it, or why there is none. */
  readonly baton: string;
  /** What shows it. */
  readonly shown: readonly Proof[];
}

/** `same`: it is here. `better`: it is here, without what was wrong with it, or django-q2 has none. `left out`: it could be here, and is not. `impossible`: no such runtime can have it. */
export type Kind = "same" | "better" | "left out" | "impossible";

/** A test that shows it, by its suite under tests/ and the beginning of its name; or something that is there. */
export type Proof =
  | { readonly suite: string; readonly name: string }
  | { readonly has: (queue: Queue) => unknown };

/** A part of the inventory. */
export interface Part {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Shown by a test, of a suite or of the brokers' contract. */
export function by(suite: string, name: string): Proof {
  return { suite: suite.endsWith(".ts") ? suite : `${suite}_test.ts`, name };
}

/** Shown by what a queue or the package has: something, or a list of it. */
export function has(look: (queue: Queue) => unknown): Proof {
  return { has: look };
}

/** A row, its kind first. */
function row(kind: Kind) {
  return (item: string, baton: string, ...shown: readonly Proof[]): Row => ({
    item,
    kind,
    baton,
    shown,
  });
}

export const same: ReturnType<typeof row> = row("same");
export const better: ReturnType<typeof row> = row("better");
export const leftOut: ReturnType<typeof row> = row("left out");
export const impossible: ReturnType<typeof row> = row("impossible");
