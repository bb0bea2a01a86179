import { BrokerError } from "../core/error.ts";
import type {
  Delivery,
  EnqueueAnswer,
  ListedState,
  ListedTask,
  Problem,
  StepReply,
  TaskStanding,
} from "./broker.ts";
import { fromMember, readField } from "./keys.ts";

/** A script's answer: a tagged head of `|`-separated words, then strings, each tagged so that no client takes it for JSON. */
export interface Reply {
  readonly head: readonly string[];
  readonly rest: readonly unknown[];
}

/** The parts of a script's answer. @throws {BrokerError} If it is none. */
export function readReply(verb: string, value: unknown): Reply {
  const [head, ...rest] = Array.isArray(value) ? value : [value];
  if (typeof head !== "string" || !head.startsWith("#")) {
    throw new BrokerError(
      "invalid_reply",
      `Cannot ${verb}: the broker gave an answer that is not this library's; check what answers at the URL`,
    );
  }
  return { head: head.slice(1).split("|"), rest };
}

/** How many commands the script ran, by its own count. */
export function commandsOf(reply: Reply, place: number = 1): number {
  return Number(reply.head[place]);
}

export function readAnswers(
  reply: Reply,
  ids: readonly string[],
): EnqueueAnswer[] {
  const answers = texts(reply.rest);
  return ids.map((id, i) => {
    const answer = answers[i] ?? "";
    if (answer.startsWith("@")) {
      return { status: "duplicate", id: fromMember(answer.slice(1)) };
    }
    return { status: answer === "+" ? "new" : "known", id };
  });
}

export function readStep(
  reply: Reply,
  token: string,
  requests: number,
): StepReply {
  const [status, now, next, paused, sweeping, ghosts, suspects, commands] =
    reply.head;
  const [stale, lost, cancelled, reaped, deliveries] = reply.rest;
  const nowAt = Number(now);
  return {
    status: status === "replay" || status === "old" ? status : "done",
    now: nowAt,
    nextDueAt: optional(next),
    stale: texts(stale).map(fromMember),
    lost: texts(lost).map(fromMember),
    cancelled: texts(cancelled).map(fromMember),
    reaped: texts(reaped).map(fromMember),
    deliveries: groups(texts(deliveries), 3).map(([id, claim, record]) =>
      readDelivery(id!, claim!, record!, token, nowAt)
    ),
    paused: paused === "1",
    sweeping: sweeping === "1",
    ghosts: Number(ghosts),
    suspects: suspects === "1",
    commands: Number(commands),
    requests,
  };
}

function readDelivery(
  member: string,
  claim: string,
  tagged: string,
  token: string,
  now: number,
): Delivery {
  const [attempt, span, flags, suspect, error] = claim.slice(1).split("|");
  const record = tagged.slice(1);
  const end = record.indexOf("\n");
  const header = record.startsWith("L|") && end > 0
    ? readHeader(record.slice(0, end))
    : undefined;
  return {
    id: fromMember(member),
    token,
    attempt: Number(attempt),
    enqueuedAt: header?.enqueuedAt ?? now,
    dueAt: header?.dueAt,
    name: header?.name ?? "",
    envelope: header === undefined ? record : record.slice(end + 1),
    previousSpan: span === "" ? undefined : span,
    lastError: optionalField(error),
    suspect: suspect !== "",
    cancelled: flags === "x",
  };
}

export function readStanding(reply: Reply): TaskStanding {
  const [word, , dueAt] = reply.head;
  const [first = "", payload] = texts(reply.rest).map((text) => text.slice(1));
  if (word === "missing") return { status: "missing" };
  if (word === "ended") return readEnded(first.split("|"), payload);
  const [attempt, , , , , , , error] = first.split("|");
  return {
    status: word === "leased" || word === "scheduled" ? word : "ready",
    attempt: Number(attempt),
    dueAt: optional(dueAt),
    lastError: optionalField(error),
  };
}

function readEnded(
  fields: readonly string[],
  payload: string | undefined,
): TaskStanding {
  if (fields[0] === "D") {
    return {
      status: "dead",
      attempt: Number(fields[7]),
      endedAt: Number(fields[6]),
      error: payload ?? "",
    };
  }
  const attempt = Number(fields[3]), endedAt = Number(fields[1]);
  if (fields[0] === "C") {
    return { status: "completed", attempt, endedAt, payload };
  }
  const status = fields[0] === "X" ? "cancelled" : "expired";
  return { status, attempt, endedAt, error: payload ?? "" };
}

export function readListed(reply: Reply, state: ListedState): ListedTask[] {
  return groups(texts(reply.rest), 4).map(([id, score, head, extra]) => {
    const dead = head!.startsWith("=D|");
    const header = readHeader(head!.slice(1));
    const fields = dead ? [] : extra!.slice(1).split("|");
    const error = dead ? extra!.slice(1) : optionalField(fields[7]);
    const attempt = dead ? head!.split("|")[7] : fields[0];
    return {
      id: fromMember(id!),
      name: header?.name ?? "",
      state,
      attempt: Number(attempt === "!" ? 0 : attempt),
      enqueuedAt: header?.enqueuedAt ?? 0,
      at: state === "ready" ? undefined : Math.floor(Number(score!.slice(1))),
      error,
    };
  });
}

export function readProblems(reply: Reply): Problem[] {
  return groups(texts(reply.rest), 2).map(([kind, entry]) => ({
    kind: kind!.slice(1) as Problem["kind"],
    id: fromMember(entry!.slice(1)),
  }));
}

interface Header {
  readonly enqueuedAt: number;
  readonly dueAt: number | undefined;
  readonly name: string;
}

/** The header line of a live or dead record; undefined where it cannot be read, so that its task is dead and others go on. */
function readHeader(line: string): Header | undefined {
  const [, us, due, , name = ""] = line.split("|");
  const enqueuedAt = Math.floor(Number(us) / 1000);
  if (!Number.isSafeInteger(enqueuedAt)) return undefined;
  try {
    return { enqueuedAt, dueAt: optional(due), name: decodeURIComponent(name) };
  } catch {
    return undefined;
  }
}

function optional(text: string | undefined): number | undefined {
  return text === undefined || text === "" ? undefined : Number(text);
}

function optionalField(field: string | undefined): string | undefined {
  return field === undefined || field === "" ? undefined : readField(field);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function groups(list: readonly string[], size: number): string[][] {
  const out: string[][] = [];
  for (let i = 0; i + size <= list.length; i += size) {
    out.push(list.slice(i, i + size));
  }
  return out;
}
