/** What a task has to do with a group. */
export type Membership =
  | {
    /** `label`: the word stands on spans, and nothing is counted. */
    readonly role: "label";
    readonly group: string;
  }
  | {
    /** `member`: its end counts in the group. */
    readonly role: "member";
    readonly group: string;
    /** How long it is remembered at least after its end, in milliseconds. */
    readonly ttlMs: number;
    /** How many members there are in all, where that was known when it was made. */
    readonly size: number | undefined;
  }
  | {
    /** `callback`: it is enqueued with the group's end. */
    readonly role: "callback";
    readonly group: string;
    /** Whether its input is what came of the group. */
    readonly takesCounts: boolean;
  };

/** A membership as it stands in an envelope. */
export function writeMembership(membership: Membership): unknown {
  const { group, role } = membership;
  switch (role) {
    case "label":
      return [group];
    case "member": {
      const { ttlMs, size } = membership;
      return [group, "m", ttlMs, ...(size === undefined ? [] : [size])];
    }
    case "callback":
      return [group, "c", membership.takesCounts ? 1 : 0];
  }
}
