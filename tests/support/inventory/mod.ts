/** All that django-q2 has, is asked for, and gets wrong, row by row, with what shows Baton's answer. The README's table is made of it. */
import { FUNCTIONS } from "./functions.ts";
import type { Part } from "./row.ts";
import { BROKERS, SCHEDULES, SCREENS, SIGNALS } from "./running.ts";
import { SETTINGS } from "./settings.ts";
import { BUGS, WISHES } from "./wishes.ts";

export type { Kind, Part, Proof, Row } from "./row.ts";

export const INVENTORY: readonly Part[] = [
  FUNCTIONS,
  SETTINGS,
  BROKERS,
  SIGNALS,
  SCHEDULES,
  SCREENS,
  WISHES,
  BUGS,
];

/** The inventory as the README shows it, cells without padding. */
export function toMarkdown(parts: readonly Part[]): string {
  return parts.map(({ title, rows }) =>
    [
      `#### ${title}`,
      "",
      "| django-q2 | | Baton |",
      "| --- | --- | --- |",
      ...rows.map(({ item, kind, baton }) =>
        `| ${item} | ${kind} | ${baton} |`
      ),
      "",
    ].join("\n")
  ).join("\n");
}
