/** One request, from its arrival to what goes back over the wire, misbehaviour included. */
import { RespError } from "../resp.ts";
import type { Caller, Engine, Result } from "./engine.ts";
import type { Fault } from "./fault.ts";
import { half, type Outcome } from "./http.ts";
import { isLost, UnreachableError } from "./link.ts";
import { type Answer, failure, type Format, several, single } from "./reply.ts";
import type { Ask } from "./request.ts";

/** A request that runs commands. */
export interface Exchange {
  readonly ask: Exclude<Ask, { readonly kind: "stream" }>;
  readonly caller: Caller;
  readonly format: Format;
  readonly replyBytes: number;
  /** Ends waiting when the gateway closes. */
  readonly closing: AbortSignal;
}

type Of<K extends Fault["kind"]> = Extract<Fault, { readonly kind: K }>;

/** Runs the request's commands and answers, or misbehaves as its lane was told. */
export async function serve(
  exchange: Exchange,
  engine: Engine,
): Promise<Outcome> {
  const { lane } = exchange.caller;
  const faults = lane.receive(engine.target(exchange.ask.commands));
  const kinds = faults.map(({ kind }) => kind);
  for (const { ms } of only(faults, "delay")) await pause(ms, exchange.closing);

  const early = refusal(faults);
  const late = only(faults, "late").at(0);
  if (early !== undefined || late !== undefined) {
    lane.log({
      commands: exchange.ask.commands.map(({ name }) => ({ name })),
      faults: kinds,
    });
    await lane.passed();
    if (late !== undefined) {
      lane.hold(() => runLate(exchange, engine), late.after);
    }
    return late === undefined && early !== undefined ? early : { kind: "cut" };
  }

  const ran = await attempt(() => run(exchange, engine, kinds));
  for (const { after } of only(faults, "again")) {
    if (after === 0) await runLate(exchange, engine);
  }
  await lane.passed();
  for (const { after } of only(faults, "again")) {
    if (after !== 0) lane.hold(() => runLate(exchange, engine), after);
  }
  return ran.kind === "answer" ? spoiled(ran.answer, faults) : ran;
}

async function run(
  { ask, caller, format, replyBytes }: Exchange,
  engine: Engine,
  faults: readonly Fault["kind"][],
  late?: true,
): Promise<Answer> {
  const result: Result = ask.kind === "transaction"
    ? await engine.transaction(ask.commands, caller)
    : await engine.pipeline(ask.commands, caller);
  caller.lane.log({ commands: result.log, faults, ...(late ? { late } : {}) });
  const answer = answerTo(ask.kind, result.replies, format, replyBytes);
  return {
    ...answer,
    headers: { ...answer.headers, "upstash-sync-token": result.syncToken },
  };
}

function answerTo(
  kind: Exchange["ask"]["kind"],
  replies: Result["replies"],
  format: Format,
  limit: number,
): Answer {
  if (replies instanceof RespError) return failure(400, replies.message);
  if (kind === "single") return single(replies[0] ?? null, format, limit);
  const onlyJson = kind === "transaction" && format === "resp2";
  return several(replies, onlyJson ? "json" : format, limit);
}

/** Runs a request whose answer nobody waits for. */
async function runLate(exchange: Exchange, engine: Engine): Promise<void> {
  await attempt(() => run(exchange, engine, [], true));
}

async function attempt(work: () => Promise<Answer>): Promise<Outcome> {
  try {
    return { kind: "answer", answer: await work() };
  } catch (error) {
    if (isLost(error)) return { kind: "cut" };
    if (error instanceof UnreachableError) {
      return { kind: "answer", answer: failure(503, `ERR ${error.message}`) };
    }
    throw error;
  }
}

/** What goes back before the command runs. */
function refusal(faults: readonly Fault[]): Outcome | undefined {
  for (const fault of faults) {
    if (fault.kind === "cut" && fault.when === "before") return cut(fault);
    if (fault.kind === "status" && fault.when !== "after") {
      return { kind: "answer", answer: outage(fault) };
    }
  }
  return undefined;
}

/** What goes back instead of the answer. */
function spoiled(answer: Answer, faults: readonly Fault[]): Outcome {
  for (const fault of faults) {
    if (fault.kind === "cut") {
      return fault.when === "during" ? { kind: "partial", answer } : cut(fault);
    }
    if (fault.kind === "status") {
      return { kind: "answer", answer: outage(fault) };
    }
    if (fault.kind === "truncate") {
      return {
        kind: "answer",
        answer: { ...answer, status: 200, body: half(answer.body) },
      };
    }
  }
  return { kind: "answer", answer };
}

function cut({ bare = false }: Of<"cut">): Outcome {
  return { kind: "cut", bare };
}

function outage({ status, retryAfter }: Of<"status">): Answer {
  const again: Record<string, string> = retryAfter === undefined
    ? {}
    : { "retry-after": `${retryAfter}` };
  if (status === 502) {
    const body =
      "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";
    return { status, headers: { "content-type": "text/html", ...again }, body };
  }
  const answer = failure(
    status,
    status === 429 ? "ERR Too many requests" : `ERR HTTP ${status}`,
  );
  return { ...answer, headers: { ...answer.headers, ...again } };
}

function only<K extends Fault["kind"]>(
  faults: readonly Fault[],
  kind: K,
): Of<K>[] {
  return faults.filter((fault): fault is Of<K> => fault.kind === kind);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
