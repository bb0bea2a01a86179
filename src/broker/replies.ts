import type {
  Delivery,
  GroupStanding,
  ListedSchedule,
  ListedState,
  ListedTask,
  Problem,
  StepReply,
  TaskStanding,
} from "./broker.ts";
import { fromMember, readField } from "./keys.ts";
import { type Reply, texts } from "./reply.ts";

export function readStep(
  reply: Reply,
  token: string,
  requests: number,
): StepReply {
  const [status, now, next, paused, sweeping, ghosts, suspects, ...more] =
    reply.head;
  const [commands, present, mark] = more;
  const [stale, lost, cancelled, reaped, deliveries] = reply.rest;
  const nowAt = Number(now);
  const claimed: Delivery[] = [];
  for (const [id, claim, record] of groups(texts(deliveries), 3)) {
    claimed.push(readDelivery(id!, claim!, record!, token, nowAt));
  }
  return {
    status: STATUSES.find((known) => known === status) ?? "done",
    now: nowAt,
    nextDueAt: optionalNumber(next),
    stale: texts(stale).map(fromMember),
    lost: texts(lost).map(fromMember),
    cancelled: texts(cancelled).map(fromMember),
    reaped: texts(reaped).map(fromMember),
    deliveries: claimed,
    paused: paused === "1",
    sweeping: sweeping === "1",
    ghosts: Number(ghosts),
    suspects: suspects === "1",
    ...present === "1" ? { isPresent: true } : {},
    ...mark ? { mark } : {},
    commands: Number(commands),
    requests,
  };
}

const STATUSES = ["replay", "old", "answered"] as const;

function readDelivery(
  member: string,
  claim: string,
  tagged: string,
  token: string,
  now: number,
): Delivery {
  const [attempt, span, flags = "", suspect, error, releasedBy] = claim.slice(1)
    .split("|");
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
    cancelled: flags.includes("x"),
    counted: header?.flags.includes("c") ?? false,
    group: header?.group,
    releasedBy: optional(releasedBy),
  };
}

/** Where tasks stand, in the order in which they were asked for. */
export function readStandings(reply: Reply): TaskStanding[] {
  return groups(texts(reply.rest), 3).map(([word, first, payload]) =>
    readStanding(
      word!.slice(1).split("|"),
      first!.slice(1).split("|"),
      payload!.startsWith("=") ? payload!.slice(1) : undefined,
    )
  );
}

function readStanding(
  [word, dueAt]: readonly string[],
  fields: readonly string[],
  payload: string | undefined,
): TaskStanding {
  if (word === "missing") return { status: "missing" };
  if (word === "ended") return readEnded(fields, payload);
  const progress = word === "leased" ? optionalField(fields[9]) : undefined;
  return {
    status: word === "leased" || word === "scheduled" || word === "waiting"
      ? word
      : "ready",
    attempt: Number(fields[0]),
    dueAt: optionalNumber(dueAt),
    lastError: optionalField(fields[7]),
    ...progress === undefined ? {} : { progress },
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

/** How a group stands. */
export function readGroup({ head, rest }: Reply): GroupStanding {
  if (head[0] === "missing") return { status: "missing" };
  const [counts = "", callback] = String(rest[0]).slice(1).split("\n");
  const [total, completed, dead, cancelled, expired, flags = ""] = counts
    .split("|");
  const sealed = total !== "-1";
  return {
    status: flags.includes("l")
      ? "lost"
      : flags.includes("f")
      ? "complete"
      : sealed
      ? "sealed"
      : "open",
    total: sealed ? Number(total) : undefined,
    completed: Number(completed),
    dead: Number(dead),
    cancelled: Number(cancelled),
    expired: Number(expired),
    callback: callback ? fromMember(callback) : undefined,
  };
}

export function readSchedules(reply: Reply): ListedSchedule[] {
  return groups(texts(reply.rest), 4).map(([id, stands, hash, record]) => {
    const [suspended, state] = stands!.slice(1).split("|");
    const [head = "", ...lines] = record!.slice(1).split("\n");
    const header = head.startsWith("L|") ? readHeader(head) : undefined;
    return {
      id: fromMember(id!),
      name: header?.name ?? "",
      hash: hash!.slice(1),
      envelope: header === undefined ? "" : lines.join("\n"),
      dueAt: header?.dueAt,
      suspended: suspended === "p",
      state: state as ListedState,
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
  readonly flags: string;
  readonly group: string | undefined;
}

/** The header line of a live or dead record; undefined where it cannot be read, so that its task is dead and others go on. */
function readHeader(line: string): Header | undefined {
  const [, us, due, , name = "", , flags = "", , group = ""] = line.split("|");
  const enqueuedAt = Math.floor(Number(us) / 1000);
  if (!Number.isSafeInteger(enqueuedAt)) return undefined;
  try {
    return {
      enqueuedAt,
      dueAt: optionalNumber(due),
      name: decodeURIComponent(name),
      flags,
      group: optional(decodeURIComponent(group)),
    };
  } catch {
    return undefined;
  }
}

function optional(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function optionalNumber(text: string | undefined): number | undefined {
  return text === undefined || text === "" ? undefined : Number(text);
}

function optionalField(field: string | undefined): string | undefined {
  return field === undefined || field === "" ? undefined : readField(field);
}

function groups(list: readonly string[], size: number): string[][] {
  const out: string[][] = [];
  for (let i = 0; i + size <= list.length; i += size) {
    out.push(list.slice(i, i + size));
  }
  return out;
}
