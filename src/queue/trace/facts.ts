import type { Bonds } from "../enqueue/writing.ts";
import type { TaskFacts } from "./conventions.ts";

/** What spans say of the tasks around one. */
export function factsOf(
  { followers, chain, membership, slot }: Bonds,
): Pick<
  TaskFacts,
  "hook" | "group" | "chainLength" | "cached" | "iterCount" | "schedule"
> {
  if ((followers ?? chain ?? membership ?? slot) === undefined) return {};
  const member = membership?.role === "member" ? membership : undefined;
  return {
    hook: followers?.map(({ plan }) => plan.n).join(","),
    group: chain?.id ?? membership?.group,
    cached: member && true,
    iterCount: member?.size,
    chainLength: chain?.links.length,
    schedule: slot?.schedule,
  };
}
