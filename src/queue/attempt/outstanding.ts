/** A call that failed, and whether anybody has looked at it. */
interface Failed {
  readonly error: unknown;
  readonly isSeen: () => boolean;
}

/** Calls of a handler, which may forget to wait for them: they are waited for all the same, and none fails unheard. */
export class Outstanding {
  readonly #open = new Set<Promise<unknown>>();
  readonly #failed: Failed[] = [];

  /** Takes a call along, and gives what the handler gets of it. One that does not `matter` may fail unheard once it has ended. */
  add<T>(call: Promise<T>, matters: boolean): Promise<T> {
    let seen = !matters;
    const done = () => this.#open.delete(call);
    this.#open.add(call);
    call.then(done, (error) => {
      done();
      this.#failed.push({ error, isSeen: () => seen });
    });
    return noticed(call, () => void (seen = true));
  }

  /** Waits for those that have not ended; rejects if one of them fails, or one failed before at which nobody has looked. */
  async ended(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
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
