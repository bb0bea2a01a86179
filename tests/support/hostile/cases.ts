/** Receivers of no use, each with what becomes of what it is sent. */
import * as answers from "./answers.ts";
import type { Answer, HostileOptions } from "./receiver.ts";
import { TOKEN } from "./watched.ts";

const { reply } = answers;

/** What becomes of spans: delivered, lost with the request, or refused, and points with them. */
export type Fate = "accepted" | "failed" | "refused";

/** One of them. */
export interface Case {
  readonly name: string;
  readonly answer: Answer;
  readonly options?: HostileOptions;
  readonly fate: Fate;
  /** What the flush reports. */
  readonly error?: RegExp;
  /** Whether the same request may come again. */
  readonly repeats?: boolean;
}

const json = { "content-type": "application/json" };
const protobuf = { "content-type": "application/x-protobuf" };
/** What a flush says of a receiver that never answers. */
export const slow: RegExp = /^The receiver took too long$/;
/** And of one that breaks off. */
export const cut: RegExp = /^Cannot reach the receiver: \w+$/;

/** `rejected: 1, errorMessage: "quota"`. */
const partial = new Uint8Array([10, 9, 8, 1, 18, 5, 113, 117, 111, 116, 97]);

/** All of them. */
export const cases: readonly Case[] = [
  {
    name: "takes the request and hangs",
    answer: answers.hang,
    fate: "failed",
    error: slow,
  },
  {
    name: "hangs in the middle of its reply",
    answer: answers.hangMidReply,
    fate: "failed",
    error: slow,
  },
  {
    name: "drips an endless reply",
    answer: answers.endlessReply(1, 20),
    fate: "failed",
    error: slow,
  },
  {
    name: "answers with endless hints",
    answer: answers.endlessHints,
    fate: "failed",
    error: cut,
    repeats: true,
  },
  {
    name: "answers with endless headers",
    answer: answers.endlessHeaders,
    fate: "failed",
    error: cut,
    repeats: true,
  },
  {
    name: "closes without a reply",
    answer: answers.close,
    fate: "failed",
    error: cut,
    repeats: true,
  },
  {
    name: "resets the connection",
    answer: answers.close,
    options: { readBytes: 0 },
    fate: "failed",
    error: cut,
    repeats: true,
  },
  {
    name: "closes in the middle of its reply",
    answer: answers.closeMidBody,
    fate: "failed",
    error: cut,
    repeats: true,
  },
  {
    name: "answers garbage",
    answer: answers.garbage,
    fate: "failed",
    error: cut,
    repeats: true,
  },
  ...[429, 502, 503, 504].map((status): Case => ({
    name: `answers ${status}`,
    answer: reply(status),
    fate: "failed",
    error: new RegExp(`^The receiver answered ${status}$`),
    repeats: true,
  })),
  {
    name: "asks to be left alone for an hour",
    answer: reply(429, { "retry-after": "3600" }),
    fate: "failed",
    error: /^The receiver answered 429$/,
  },
  ...[401, 403, 404, 500, 501, 505].map((status): Case => ({
    name: `answers ${status}`,
    answer: reply(status),
    fate: "failed",
    error: new RegExp(`^The receiver answered ${status}$`),
  })),
  {
    name: "answers 400",
    answer: reply(400, json, `{"code":3,"message":"bad span"}`),
    fate: "refused",
    error: /^The receiver answered 400 bad span$/,
  },
  {
    name: "repeats the token in its error",
    answer: reply(
      401,
      json,
      JSON.stringify({
        message: `no such token: ${TOKEN}\n\x1b[31m(Bearer ${TOKEN})`,
      }),
    ),
    fate: "failed",
    error:
      /^The receiver answered 401 no such token: REDACTED \[31m\(Bearer REDACTED\)$/,
  },
  {
    name: "takes all but one, in protobuf",
    answer: reply(200, protobuf, partial),
    fate: "accepted",
    error: /^quota$/,
  },
  {
    name: "takes all but one, in JSON",
    answer: reply(
      200,
      json,
      `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"quota"}}`,
    ),
    fate: "accepted",
    error: /^quota$/,
  },
  {
    name: "counts nonsense",
    answer: reply(
      200,
      json,
      `{"partialSuccess":{"rejectedSpans":"-1e99","errorMessage":7}}`,
    ),
    fate: "accepted",
    error: /^7$/,
  },
  {
    name: "answers with 10 MB",
    answer: answers.longReply(10_000_000),
    fate: "refused",
    error: /answered over 4 MiB/,
  },
  {
    name: "answers with 64 MiB in 64 KB",
    answer: answers.longReply(64 * 2 ** 20, "gzip"),
    fate: "refused",
    error: /answered over 4 MiB/,
  },
  {
    name: "answers with an endless flood",
    answer: answers.endlessReply(100_000, 0),
    fate: "refused",
    error: /answered over 4 MiB/,
  },
  {
    name: "answers with an image",
    answer: reply(200, { "content-type": "image/png" }, partial),
    fate: "accepted",
  },
  {
    name: "answers with a web page",
    answer: reply(200, { "content-type": "text/html" }, "\n<html>hello"),
    fate: "accepted",
  },
  {
    name: "answers with JSON that is none",
    answer: reply(200, json, "[{,"),
    fate: "accepted",
  },
];
