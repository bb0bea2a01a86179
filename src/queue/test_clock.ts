import { checkInteger } from "../core/check.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { isLoaded } from "../core/imported.ts";

/** A clock for tests of an application's tasks: it stands still, and moves when told to. */
export interface TestClock extends Clock {
  /** Moves it on by `ms` milliseconds: what is due on the way is woken in its order, and has run as far as it can when this resolves. */
  advance(ms: number): Promise<void>;
}

/**
 * A clock that stands still but for `advance`, for `Queue.inMemory({ clock })`: no test waits for a delay, a backoff or a time-out.
 * A drain by it runs what is due and does not linger for what will be; `result` should not be given a `waitMs` unless the clock is advanced meanwhile.
 *
 * @param startAt The first instant, a Date or milliseconds since the epoch. @default {2026-01-01T00:00:00Z}
 */
export function testClock(
  startAt: Date | number = Date.UTC(2026, 0, 1),
): TestClock {
  let now = Number(startAt);
  let timers: readonly { readonly at: number; readonly fire: () => void }[] =
    [];
  return {
    stands: true,
    now: () => now,
    after(ms, fire) {
      if (ms <= 0) return systemClock.after(0, fire);
      const timer = { at: now + ms, fire };
      timers = [...timers, timer];
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(ms) {
      checkInteger("advance(ms)", ms, 0);
      const end = now + ms;
      for (;;) {
        await breathe();
        const at = Math.min(...timers.map((timer) => timer.at));
        if (at > end) break;
        now = Math.max(now, at);
        const next = timers.find((timer) => timer.at === at)!;
        timers = timers.filter((timer) => timer !== next);
        next.fire();
      }
      now = end;
      await breathe();
    },
  };
}

/** Lets everything run that is ready to, or will be when its code is loaded. */
async function breathe(): Promise<void> {
  for (let turn = 0; turn < 5; turn = isLoaded() ? turn + 1 : 0) {
    await new Promise<void>((resolve) => void systemClock.after(0, resolve));
  }
}
