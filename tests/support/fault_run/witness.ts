import { RespClient } from "../resp_client.ts";

/** What the database itself saw, by Redis's MONITOR: no reply that was cut, and no process that was killed, can hide a claim or a settlement from it. */
export interface Witness {
  /** What was claimed, by task. */
  readonly claims: ReadonlyMap<string, Claims>;
  /** How often an ending was committed, by task. */
  readonly endings: ReadonlyMap<string, number>;
  /** Begins to look, or looks again when Redis has restarted. */
  watch(port: number): Promise<void>;
  /** Waits until all is noted that the database has run so far. */
  caughtUp(): Promise<void>;
  /** Looks no longer. */
  leave(): Promise<void>;
}

/** How often a task was claimed. */
export interface Claims {
  /** Distinct lease tokens that were committed. */
  readonly tokens: ReadonlySet<string>;
  /** How many of them were given back unrun, so that the next claim had the same number. */
  readonly unspent: number;
}

interface Tally {
  readonly tokens: Set<string>;
  attempt: number;
  unspent: number;
}

/** A witness of the `state` hash of `queue`. */
export function newWitness(queue: string): Witness {
  const claims = new Map<string, Tally>();
  const endings = new Map<string, number>();
  const commit = `lua] "HSET" "baton:1:${queue}:state"`;
  const awaited = new Map<string, () => void>();
  let watched = 0;
  let leave = () => Promise.resolve();

  function note(line: string): void {
    const [, mark = ""] = /"ECHO" "([^"]*)"$/.exec(line) ?? [];
    awaited.get(mark)?.();
    if (!line.includes(commit)) return;
    for (const [, id, value] of line.matchAll(/"t:([^"]*)" "([^"]*)/g)) {
      const [attempt, token] = value!.split("|");
      if (value === "!") endings.set(id!, (endings.get(id!) ?? 0) + 1);
      else if (token) noteClaim(id!, token, Number(attempt));
    }
  }

  function noteClaim(id: string, token: string, attempt: number): void {
    const tally = claims.get(id) ??
      { tokens: new Set<string>(), attempt: 0, unspent: 0 };
    claims.set(id, tally);
    if (tally.tokens.has(token)) return;
    tally.tokens.add(token);
    tally.unspent += tally.attempt + 1 - attempt;
    tally.attempt = attempt;
  }

  return {
    claims,
    endings,
    leave: () => leave(),
    async caughtUp() {
      const mark = crypto.randomUUID();
      const { promise, resolve } = Promise.withResolvers<void>();
      awaited.set(mark, resolve);
      await using redis = await RespClient.connect({ port: watched });
      await redis.command("ECHO", mark);
      await promise;
      awaited.delete(mark);
    },
    async watch(port) {
      watched = port;
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(new TextEncoder().encode("MONITOR\r\n"));
      const begun = Promise.withResolvers<void>();
      let closed = false;
      const reading = (async () => {
        const lines = connection.readable
          .pipeThrough(new TextDecoderStream())
          .pipeThrough(splitLines());
        for await (const line of lines) {
          if (line === "+OK") begun.resolve();
          note(line);
        }
        closed = true;
      })().catch((error) => {
        if (!closed) throw error;
      });
      leave = async () => {
        if (!closed) {
          closed = true;
          connection.close();
        }
        await reading;
      };
      await Promise.race([begun.promise, reading]);
    },
  };
}

function splitLines(): TransformStream<string, string> {
  let rest = "";
  return new TransformStream({
    transform(chunk, controller) {
      const lines = (rest + chunk).split("\r\n");
      rest = lines.pop()!;
      for (const line of lines) controller.enqueue(line);
    },
  });
}
