import type { Rate } from "../broker.ts";

/** The next start, as a request finds it: it lags behind the clock by one window at most while tasks wait for it, else not at all. */
export function caughtUp(
  startAt: number,
  now: number,
  { perMs }: Rate,
  isAwaited: boolean,
): number {
  return Math.max(startAt, now * 1000 - (isAwaited ? perMs * 1000 : 0));
}

/** How many may start now. */
export function slots(
  startAt: number,
  now: number,
  { limit, perMs }: Rate,
): number {
  const us = now * 1000;
  return us < startAt
    ? 0
    : Math.floor((us - startAt) * limit / (perMs * 1000)) + 1;
}

/** The next start, after `count` more. */
export function after(
  startAt: number,
  { limit, perMs }: Rate,
  count: number,
): number {
  return Math.floor(startAt + count * perMs * 1000 / limit + 0.5);
}

/** When to come for the start at `us`: so that what is fast is claimed in batches, 50 ms from now or half a window at the earliest. */
export function comeAt(us: number, now: number, { perMs }: Rate): number {
  const pauseMs = Math.max(1, Math.min(50, Math.floor(perMs / 2)));
  return Math.max(Math.ceil(us / 1000), now + pauseMs);
}
