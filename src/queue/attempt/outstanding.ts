/** A call that failed, and whether anybody has looked at it. */
interface Failed {
  readonly error: unknown;
  readonly isSeen: () => boolean;
}

/** Calls of a handler, which may forget to wait for them: they are waited for all the same, and none fails unheard. */
export class Outstanding {
  readonly #open = new Set<Promise<unknown>>();
  readonly #failed: Failed[] = [];
  #isEnding = false;

  /** Takes a call along, and gives what the handler gets of it. One that does not `matter` may fail unheard while the handler goes on. */
  add<T>(call: Promise<T>, matters: boolean): Promise<T> {
    let seen = false;
    const done = () => this.#open.delete(call);
    this.#open.add(call);
    call.then(done, (error) => {
      done();
      if (!matters && !this.#isEnding) return;
      this.#failed.push({ error, isSeen: () => seen });
    });
    return noticed(call, () => void (seen = true));
  }

  /** Waits for those that have not ended; rejects if one failed at which nobody has looked. */
  async ended(): Promise<void> {
    this.#isEnding = true;
    while (this.#open.size > 0) await Promise.allSettled(this.#open);
    this.#isEnding = false;
    const missed = this.#failed.find(({ isSeen }) => !isSeen());
    if (missed !== undefined) throw missed.error;
  }
}

/** The same promise, which tells when somebody looks at it. */
function noticed<T>(promise: Promise<T>, notice: () => void): Promise<T> {
  return {
    [Symbol.toStringTag]: "Promise",
    then(...reactions) {
      notice();
      return promise.then(...reactions);
    },
    catch(reaction) {
      return this.then(undefined, reaction);
    },
    finally(reaction) {
      notice();
      return promise.finally(reaction);
    },
  };
}
