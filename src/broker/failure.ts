import { BrokerError, type BrokerFailure } from "../core/error.ts";

/** What a client's error says, without what must not be repeated: the clients of Upstash put the whole command, payload included, into their messages. */
export interface Diagnosis {
  readonly failure: BrokerFailure;
  /** The server's own words up to the command; empty where there was no answer. */
  readonly words: string;
}

const ANSWERED =
  /^(ERR|OOM|WRONGTYPE|NOSCRIPT|NOPERM|NOAUTH|WRONGPASS|READONLY|MISCONF|BUSY|LOADING|EXECABORT|CROSSSLOT|UNKILLABLE|Unauthorized)\b/;

const THROTTLED =
  /\b(429|too many requests|rate limit|max (daily )?(requests?|bandwidth|commands?) limit exceeded|max requests? limit)/i;

/** Reads a client's error by the words of Redis and Upstash. What has none of them never reached a database, or its answer was lost. */
export function diagnose(error: unknown): Diagnosis {
  if (error instanceof BrokerError) {
    return { failure: error.failure, words: "" };
  }
  const message = error instanceof Error ? error.message : "";
  const words = message.replace(/,? command was:[\s\S]*$/, "")
    .replace(/, with args beginning with:[\s\S]*$/, "")
    .replace(/^Command failed: /, "").slice(0, 300);
  const isThrottled = THROTTLED.test(words);
  if (!ANSWERED.test(words)) {
    if (isThrottled) return { failure: "throttled", words: "" };
    const name = error instanceof Error ? error.name : "";
    const timedOut = name === "TimeoutError" || name === "AbortError";
    return { failure: timedOut ? "timeout" : "unavailable", words: "" };
  }
  if (isThrottled) return { failure: "throttled", words };
  if (/^(WRONGPASS|NOAUTH|NOPERM|Unauthorized)/.test(words)) {
    return { failure: "unauthorized", words };
  }
  if (/^(LOADING|BUSY|READONLY)/.test(words)) {
    return { failure: "unavailable", words };
  }
  const inner = words.replace(WRAPPED, "");
  if (inner.startsWith("WRONGTYPE")) return { failure: "wrong_type", words };
  if (/max request size/i.test(words)) return { failure: "too_large", words };
  if (
    /^OOM|^MISCONF|capacity|quota|max single record|max db size/i.test(inner)
  ) {
    return { failure: "full", words };
  }
  return {
    failure: DELIBERATE.test(words) ? "rejected" : "unavailable",
    words,
  };
}

/** What older servers put before the error of a command inside a script. */
const WRAPPED =
  /^ERR Error running script \([^)]*\): (@?user_script: ?\d+: ?-?)+/;

/** What the same request would be told again: a script's own error, or a command the server will not run. Clients do not pass on the HTTP status, so any other error may be a passing one. */
const DELIBERATE =
  /script|syntax|unknown|wrong number|not (supported|allowed|available|an? )|dynamic keys|^CROSSSLOT/i;

const ADVICE: Readonly<Record<BrokerFailure, string>> = {
  unavailable:
    "could not be reached or gave no readable answer; try again later, or check the URL",
  throttled: "is limiting requests; try again later",
  timeout: "did not answer in time; try again later",
  unauthorized: "refused the token; check the URL and the token of the client",
  wrong_type:
    "found a key of another type under this queue's prefix; something else writes 'baton:1:' keys",
  full: "takes no more data; drain, purge, or give the database more room",
  too_large:
    "refused a request over its size limit; enqueue fewer or smaller tasks at once",
  rejected: "refused a script",
  invalid_reply:
    "gave an answer that is not this library's; check what answers at the URL",
};

/** The error for the caller: what was asked, what happened, what to do. The client's own error stays behind: it holds the command. */
export function brokerError(
  diagnosis: Diagnosis,
  verb: string,
  attempts: number,
): BrokerError {
  const { failure, words } = diagnosis;
  const said = words === "" ? "" : ` (${words})`;
  const times = attempts === 1 ? "" : ` after ${attempts} attempts`;
  return new BrokerError(
    failure,
    `Cannot ${verb}${times}: the broker ${ADVICE[failure]}${said}`,
    attempts,
  );
}
