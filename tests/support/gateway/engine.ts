/** Runs commands on Redis as Upstash would. */
import { type Args, decode, type Reply, RespError, Status } from "../resp.ts";
import { Catalogue, type Command } from "./command.ts";
import type { LoggedCommand } from "./fault.ts";
import type { Lane, Target } from "./lane.ts";
import type { Link } from "./link.ts";
import { inUpstashWords } from "./reply.ts";
import { type Ran, Scripts } from "./script.ts";

/** Who asks. */
export interface Caller {
  readonly lane: Lane;
  readonly readOnly: boolean;
}

/** What came of a request's commands. */
export interface Result {
  /** The commands' replies in order; or, alone, why the transaction as a whole was discarded. */
  readonly replies: readonly Reply[] | RespError;
  readonly log: readonly LoggedCommand[];
  /** What `upstash-sync-token` says: another value after each request that may have written. */
  readonly syncToken: string;
}

const RUNS_SCRIPT: ReadonlySet<string> = new Set([
  "EVAL",
  "EVALSHA",
  "EVAL_RO",
  "EVALSHA_RO",
]);

/** The commands of one Redis. */
export class Engine {
  readonly #link: Link;
  readonly #scripts: Scripts;
  readonly #catalogue: Catalogue;
  #writes = 0;

  private constructor(link: Link, catalogue: Catalogue) {
    this.#link = link;
    this.#scripts = new Scripts(link);
    this.#catalogue = catalogue;
  }

  /** Asks Redis which commands it has. */
  static async over(link: Link): Promise<Engine> {
    return new Engine(link, new Catalogue(await link.send(["COMMAND"])));
  }

  /** The sync token before the next write. */
  get syncToken(): string {
    return `baton=${this.#writes}`;
  }

  /** What a fault's `match` is compared with. */
  target(commands: readonly Command[]): Target {
    const scripts = commands.filter(({ name }) => RUNS_SCRIPT.has(name)).map((
      command,
    ) => this.#scripts.find(command));
    return {
      names: commands.map(({ name }) => name),
      scripts: scripts.filter((script) => script !== undefined),
    };
  }

  /** Runs commands in order, each on its own. */
  async pipeline(
    commands: readonly Command[],
    caller: Caller,
  ): Promise<Result> {
    const ran: Ran[] = [];
    if (
      caller.lane.meddles || commands.some(({ name }) => RUNS_SCRIPT.has(name))
    ) {
      for (const command of commands) {
        ran.push(await this.#run(command, caller));
      }
    } else {
      ran.push(
        ...await Promise.all(
          commands.map((command) => this.#run(command, caller)),
        ),
      );
    }
    return this.#finished(commands, ran);
  }

  /** Runs commands in one MULTI/EXEC. */
  async transaction(
    commands: readonly Command[],
    caller: Caller,
  ): Promise<Result> {
    for (const command of commands) {
      const refused = this.#catalogue.refusal(command, caller.readOnly);
      if (refused !== undefined) return this.#discarded(commands, refused);
    }
    const plans = commands.map((command) => this.#plan(command, caller.lane));
    const answers = await this.#link.transaction(plans.map(({ args }) => args));
    const results = answers.at(-1);
    if (!Array.isArray(results)) {
      const reason = answers.find((reply) => reply instanceof RespError);
      return this.#discarded(commands, reason);
    }
    return this.#finished(
      commands,
      results.map((reply, i) => plans[i]?.finish(reply) ?? { reply }),
    );
  }

  #finished(commands: readonly Command[], ran: readonly Ran[]): Result {
    if (commands.some((command) => this.#catalogue.writes(command))) {
      this.#writes++;
    }
    return {
      replies: ran.map(({ reply }) => inUpstashWords(reply)),
      log: commands.map(({ name }, i) => logged(name, ran[i])),
      syncToken: this.syncToken,
    };
  }

  #discarded(
    commands: readonly Command[],
    reason = new RespError("ERR Transaction discarded"),
  ): Result {
    return {
      replies: reason,
      log: commands.map(({ name }) => ({ name, error: true })),
      syncToken: this.syncToken,
    };
  }

  #plan(
    command: Command,
    lane: Lane,
  ): { readonly args: Args; finish(reply: Reply): Ran } {
    if (RUNS_SCRIPT.has(command.name)) return this.#scripts.plan(command, lane);
    return {
      args: command.args,
      finish: (reply) => ({ reply: inTime(command, reply, lane) }),
    };
  }

  async #run(command: Command, { lane, readOnly }: Caller): Promise<Ran> {
    const refused = this.#catalogue.refusal(command, readOnly) ??
      (lane.recordBytes === null
        ? undefined
        : await this.#oversized(command, lane.recordBytes));
    if (refused !== undefined) return { reply: refused };
    if (RUNS_SCRIPT.has(command.name)) return this.#scripts.run(command, lane);
    if (command.name === "SCRIPT") {
      return { reply: await this.#scripts.manage(command) };
    }
    if (command.name === "CLIENT") return { reply: new Status("OK") }; // SETINFO, which Redis has from 7.2
    return {
      reply: inTime(command, await this.#link.send(command.args), lane),
    };
  }

  async #oversized(
    command: Command,
    limit: number,
  ): Promise<RespError | undefined> {
    const [, key = ""] = command.args;
    if (!this.#catalogue.grows(command)) return undefined;
    const used = await this.#link.send(["MEMORY", "USAGE", key]);
    const added = command.args.slice(2).reduce(
      (sum, arg) => sum + arg.length,
      0,
    );
    const size = (typeof used === "number" ? used : 0) + added;
    if (size <= limit) return undefined;
    return new RespError(
      `ERR max single record size exceeded. Limit: ${limit} bytes, Actual: ${size} bytes`,
    );
  }
}

/** The reply to TIME in the lane's time; other replies as they are. */
function inTime(command: Command, reply: Reply, { clock }: Lane): Reply {
  if (command.name !== "TIME" || clock === null || !Array.isArray(reply)) {
    return reply;
  }
  const [seconds, us] = reply.map((part) => BigInt(String(decode(part))));
  const now = "atUs" in clock
    ? BigInt(clock.atUs)
    : (seconds ?? 0n) * 1_000_000n + (us ?? 0n) +
      BigInt(Math.round(clock.offsetMs * 1000));
  return [`${now / 1_000_000n}`, `${now % 1_000_000n}`].map((part) =>
    encoder.encode(part)
  );
}

const encoder = new TextEncoder();

function logged(name: string, ran: Ran | undefined): LoggedCommand {
  return {
    name,
    ...(ran?.inner === undefined ? {} : { inner: ran.inner }),
    ...(ran?.reply instanceof RespError ? { error: true } : {}),
  };
}
