/** Scripts by the SHA-1 their sender knows, and how they run: as they are, or inside a wrapper. */
import { createHash } from "node:crypto";
import { type Args, type Reply, RespError } from "../resp.ts";
import { type Command, text } from "./command.ts";
import type { Lane, ScriptFault } from "./lane.ts";
import type { Link } from "./link.ts";
import { type Watch, watchArgument, wrap } from "./wrap.ts";

/** A script somebody sent. */
export interface Script {
  readonly sha: string;
  readonly source: string;
  /** It asks for allow-key-locking: it may only touch declared keys. */
  readonly locks: boolean;
  readonly wrapped: { readonly sha: string; readonly source: string };
}

/** What a script answered, and what it did when it was watched. */
export interface Ran {
  readonly reply: Reply;
  readonly inner?: readonly string[];
}

/** How one script command is run. */
interface Plan {
  readonly args: Args;
  /** What to send when Redis does not know the script, but knows it by this other SHA-1. */
  readonly otherwise: { readonly sha: string; readonly args: Args } | undefined;
  /** Makes the script's own reply of Redis' reply. */
  finish(reply: Reply): Ran;
}

const REMEMBERED = 2_000;
const LOCKING = /^#!lua\s+flags=([\w,-]*)[^\n]*/;

/** The scripts this gateway has seen. */
export class Scripts {
  readonly #link: Link;
  readonly #bySha: Map<string, Script> = new Map();
  readonly #bySource: Map<string, Script> = new Map();

  constructor(link: Link) {
    this.#link = link;
  }

  /** The script that an EVAL, EVALSHA or SCRIPT LOAD names, when its source is known. */
  find({ name, args }: Command): Script | undefined {
    const subject = text(args[name === "SCRIPT" ? 2 : 1] ?? "");
    return name.startsWith("EVALSHA")
      ? this.#bySha.get(subject.toLowerCase())
      : this.#learn(subject);
  }

  /** Runs EVAL, EVALSHA and their _RO forms. */
  async run(command: Command, lane: Lane): Promise<Ran> {
    const plan = this.plan(command, lane);
    const reply = await this.#link.send(plan.args);
    const retry = isUnknown(reply) && plan.otherwise !== undefined &&
      await this.#holds(plan.otherwise.sha);
    return plan.finish(
      retry ? await this.#link.send(plan.otherwise.args) : reply,
    );
  }

  /** How to run EVAL, EVALSHA and their _RO forms. */
  plan(command: Command, lane: Lane): Plan {
    const script = this.find(command);
    const wellFormed =
      Number(text(command.args[2] ?? "")) <= command.args.length - 3;
    const watched = script !== undefined && wellFormed &&
      (script.locks || lane.meddles);
    if (watched) return watchedPlan(command, script, lane);
    return {
      args: command.args,
      otherwise: script === undefined ? undefined : {
        sha: script.wrapped.sha,
        args: [evalFor(command.name), script.source, ...command.args.slice(2)],
      },
      finish: (reply) => ({ reply }),
    };
  }

  /** Runs SCRIPT LOAD, EXISTS, FLUSH, KILL. */
  async manage(command: Command): Promise<Reply> {
    const form = text(command.args[1] ?? "").toUpperCase();
    if (form === "LOAD" && command.args.length === 3) {
      const script = this.find(command);
      if (script?.locks) {
        const reply = await this.#link.send([
          "SCRIPT",
          "LOAD",
          script.wrapped.source,
        ]);
        return reply instanceof RespError
          ? named(reply, script)
          : new TextEncoder().encode(script.sha);
      }
    }
    if (form === "EXISTS") {
      return this.#link.send(
        command.args.map((arg, i) => i < 2 ? arg : this.#stored(text(arg))),
      );
    }
    return this.#link.send(command.args);
  }

  #stored(sha: string): string {
    const script = this.#bySha.get(sha.toLowerCase());
    return script?.locks ? script.wrapped.sha : sha;
  }

  #learn(source: string): Script {
    const known = this.#bySource.get(source);
    if (known !== undefined) return known;
    const flags = LOCKING.exec(source)?.[1]?.split(",") ?? [];
    const locks = flags.includes("allow-key-locking");
    const others = flags.filter((flag) => flag !== "allow-key-locking").join(
      ",",
    );
    const shebang = others === "" ? "" : `#!lua flags=${others}\n`;
    const inside = wrap(source.replace(LOCKING, ""), {
      declaredKeysOnly: locks,
    });
    const wrapped = shebang + inside;
    const script = {
      sha: sha1(source),
      source,
      locks,
      wrapped: { sha: sha1(wrapped), source: wrapped },
    };
    if (this.#bySource.size >= REMEMBERED) this.#forgetOldest();
    this.#bySource.set(source, script);
    this.#bySha.set(script.sha, script);
    return script;
  }

  #forgetOldest(): void {
    for (const [source, { sha }] of this.#bySource) {
      this.#bySource.delete(source);
      this.#bySha.delete(sha);
      return;
    }
  }

  async #holds(sha: string): Promise<boolean> {
    const reply = await this.#link.send(["SCRIPT", "EXISTS", sha]);
    return Array.isArray(reply) && reply[0] === 1;
  }
}

function watchedPlan(
  { name, args }: Command,
  script: Script,
  lane: Lane,
): Plan {
  const fault = lane.scriptFault({ names: [], scripts: [script] });
  const { sha, source } = script.wrapped;
  const rest = [...args.slice(2), watchArgument(watchFor(fault, lane))];
  return {
    args: [name, name.startsWith("EVALSHA") ? sha : source, ...rest],
    otherwise: script.locks
      ? undefined
      : { sha: script.sha, args: [evalFor(name), source, ...rest] },
    finish(raw) {
      if (Array.isArray(raw)) return unwrap(raw, script, lane);
      if (fault !== undefined && fault.probability === undefined) {
        lane.add({ ...fault, skip: 0, times: 1 }); // it did not run
      }
      return { reply: raw instanceof RespError ? named(raw, script) : raw };
    },
  };
}

function unwrap(raw: Reply[], script: Script, lane: Lane): Ran {
  const [, struck, returned, names, reply = null] = raw;
  if (struck === 1) lane.struck("script");
  return {
    reply: returned === 1 || !(reply instanceof RespError)
      ? reply
      : raised(reply, script),
    inner: text(names as Uint8Array).split(" ").filter((word) => word !== ""),
  };
}

function watchFor(
  fault: ScriptFault | undefined,
  { clock, recordBytes }: Lane,
): Watch {
  return {
    k: fault?.k ?? 0,
    error: fault?.error ?? "",
    clock,
    recordBytes: recordBytes ?? 0,
  };
}

function evalFor(name: string): string {
  return name.replace("EVALSHA", "EVAL");
}

function isUnknown(reply: Reply): boolean {
  return reply instanceof RespError && reply.message.startsWith("NOSCRIPT");
}

/** An error that names the script by the SHA-1 its sender knows. */
function named(error: RespError, script: Script): RespError {
  return new RespError(
    error.message.replaceAll(script.wrapped.sha, script.sha),
  );
}

function raised(error: RespError, script: Script): RespError {
  return new RespError(
    `${error.message} script: ${script.sha}, on @user_script:1.`,
  );
}

function sha1(source: string): string {
  return createHash("sha1").update(source).digest("hex");
}
