import { BrokerError } from "../core/error.ts";
import type { EnqueueAnswer } from "./broker.ts";
import { fromMember } from "./keys.ts";

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

/** A list of strings, if it is one. */
export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
