import type { Fault } from "../gateway/mod.ts";

/** What a network does: replies cut, requests late or twice, a server in trouble. */
export const NETWORK: readonly Fault[] = [
  { kind: "delay", ms: 20, probability: 0.02 },
  { kind: "status", status: 500, probability: 0.01 },
  { kind: "status", status: 503, when: "after", probability: 0.02 },
  { kind: "cut", when: "before", probability: 0.02 },
  { kind: "cut", when: "after", probability: 0.06 },
  { kind: "cut", when: "during", probability: 0.02 },
  { kind: "truncate", probability: 0.02 },
  { kind: "late", after: 3, probability: 0.03 },
  { kind: "again", after: 3, probability: 0.05 },
];

/** What a database does: each of the first commands of a script fails now and then. */
export const SCRIPTS: readonly Fault[] = Array.from({ length: 20 }, (_, i) => ({
  kind: "script",
  k: i + 1,
  error: "ERR injected",
  probability: 0.003,
}));
