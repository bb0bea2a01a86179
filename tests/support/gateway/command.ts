/** Which commands there are, which write, and which Upstash does not serve over REST. */
import {
  type Args,
  decode,
  type Reply,
  RespError,
  type Value,
} from "../resp.ts";

/** A command of a request. */
export interface Command {
  /** In upper case. */
  readonly name: string;
  /** As sent, the name first. */
  readonly args: Args;
}

/** Makes a command of its words. */
export function toCommand(args: Args): Command {
  const [name = ""] = args;
  return { name: text(name).toUpperCase(), args };
}

/** An argument as text. */
export function text(arg: string | Uint8Array): string {
  return typeof arg === "string" ? arg : new TextDecoder().decode(arg);
}

const REFUSED: ReadonlySet<string> = new Set(
  (
    "BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP " +
    "MULTI EXEC DISCARD WATCH UNWATCH " +
    "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR " +
    "AUTH HELLO SELECT QUIT RESET ASKING READONLY READWRITE CLUSTER FAILOVER REPLICAOF SLAVEOF ROLE SYNC PSYNC REPLCONF " +
    "CONFIG DEBUG SHUTDOWN SAVE BGSAVE BGREWRITEAOF LATENCY MODULE SLOWLOG MIGRATE RESTORE-ASKING PFSELFTEST PFDEBUG SWAPDB MOVE"
  ).split(" "),
);
const REFUSED_FORMS: ReadonlySet<string> = new Set([
  "MEMORY|STATS",
  "MEMORY|DOCTOR",
  "MEMORY|PURGE",
  "MEMORY|MALLOC-STATS",
]);
const SCRIPTS: ReadonlySet<string> = new Set(["EVAL", "EVALSHA", "FCALL"]);
/** Commands that add to the record under their first key. */
export const GROWING: ReadonlySet<string> = new Set(
  "SET SETEX PSETEX SETNX GETSET APPEND SETRANGE HSET HSETNX HMSET LPUSH RPUSH LPUSHX RPUSHX SADD ZADD XADD"
    .split(" "),
);
const READ_ONLY_TOO: ReadonlySet<string> = new Set([
  "PING",
  "ECHO",
  "TIME",
  "INFO",
  "EVAL_RO",
  "EVALSHA_RO",
  "FCALL_RO",
]);
const READ_ONLY_NOT: ReadonlySet<string> = new Set([
  "KEYS",
  "SCAN",
  "RANDOMKEY",
]);

/** The commands of the Redis behind the gateway. */
export class Catalogue {
  readonly #flags: ReadonlyMap<string, ReadonlySet<string>>;

  /** Reads what Redis answers to COMMAND. */
  constructor(reply: Reply) {
    if (reply instanceof RespError) throw reply;
    const flags = new Map<string, ReadonlySet<string>>();
    const read = (rows: Value): void => {
      if (!Array.isArray(rows)) return;
      for (const row of rows) {
        if (!Array.isArray(row)) continue;
        flags.set(
          String(row[0]).toUpperCase(),
          new Set((row[2] as Value[]).map(String)),
        );
        read(row[9] ?? null);
      }
    };
    read(decode(reply));
    this.#flags = flags;
  }

  /** Why Upstash would not run it, in its words; nothing when it would. */
  refusal({ name, args }: Command, readOnly: boolean): RespError | undefined {
    const [, sub, ...rest] = args;
    if (
      !this.#flags.has(name) || REFUSED.has(name) ||
      REFUSED_FORMS.has(`${name}|${text(sub ?? "").toUpperCase()}`)
    ) {
      return unavailable(name);
    }
    if (name === "CLIENT" && text(sub ?? "").toUpperCase() !== "SETINFO") {
      return unavailable(name);
    }
    if (
      (name === "XREAD" || name === "XREADGROUP") &&
      blocks([sub ?? "", ...rest])
    ) return unavailable(name);
    if (readOnly && !this.#mayRead(name)) {
      const which = name.toLowerCase();
      return new RespError(
        `NOPERM this user has no permissions to run the '${which}' command or its subcommand`,
      );
    }
    return undefined;
  }

  /** True when it may change data. */
  writes({ name, args }: Command): boolean {
    if (SCRIPTS.has(name)) return true;
    const form = `${name}|${text(args[1] ?? "").toUpperCase()}`;
    return (this.#flags.get(form) ?? this.#flags.get(name))?.has("write") ??
      false;
  }

  /** True when it adds to the record under its first key. */
  grows(command: Command): boolean {
    return GROWING.has(command.name) && this.writes(command);
  }

  #mayRead(name: string): boolean {
    if (READ_ONLY_NOT.has(name)) return false;
    return READ_ONLY_TOO.has(name) ||
      (this.#flags.get(name)?.has("readonly") ?? false);
  }
}

function unavailable(name: string): RespError {
  return new RespError(
    `ERR Command is not available: '${name}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details`,
  );
}

function blocks(args: Args): boolean {
  for (const arg of args) {
    const word = text(arg).toUpperCase();
    if (word === "STREAMS") return false;
    if (word === "BLOCK") return true;
  }
  return false;
}
