import type {
  Delivery,
  ListedSchedule,
  TaskStanding,
} from "../../broker/broker.ts";
import type { Place, Seal } from "../../codec/seal.ts";
import type { UnsealedDelivery } from "../attempt/admission.ts";
import { MARK, VALUE } from "./closing.ts";

/** What opens, and whether what has no seal is taken as it is. */
export interface Opener {
  readonly seal: Seal;
  readonly acceptUnsealed: boolean;
}

/** A value of a task, or why it is not told. */
type Opened =
  | { readonly text: string; readonly reason?: undefined }
  | { readonly text?: undefined; readonly reason: string };

/** A delivery as it was sealed. Under an unknown key it stays as it is, for its consumer to put back. */
export async function openDelivery(
  opener: Opener,
  queue: string,
  delivery: Delivery,
): Promise<UnsealedDelivery> {
  const { id } = delivery;
  const [verdict, lastError] = await Promise.all([
    opener.seal.open(delivery.envelope, { queue, id, part: "envelope" }),
    openError(opener, queue, id, delivery.lastError),
  ]);
  switch (verdict.kind) {
    case "open":
      return { ...delivery, lastError, envelope: verdict.text };
    case "tampered":
      return { ...delivery, lastError, tampered: verdict.reason };
    case "unknownKey":
      return { ...delivery, lastError };
  }
}

/** A schedule as it was sealed, or one that cannot be read. */
export async function openSchedule(
  { seal }: Opener,
  queue: string,
  schedule: ListedSchedule,
): Promise<ListedSchedule> {
  const place: Place = { queue, id: schedule.id, part: "envelope" };
  const verdict = await seal.open(schedule.envelope, place);
  return { ...schedule, envelope: verdict.kind === "open" ? verdict.text : "" };
}

/** A standing as it was sealed. What does not open is not told, but why. */
export async function openStanding(
  opener: Opener,
  queue: string,
  id: string,
  standing: TaskStanding,
): Promise<TaskStanding> {
  switch (standing.status) {
    case "missing":
      return standing;
    case "completed": {
      const { payload } = standing;
      if (payload === undefined) return standing;
      const place: Place = { queue, id, part: "result" };
      const { text, reason } = await openValue(opener, payload, place);
      return { ...standing, payload: text, unopened: reason };
    }
    case "dead":
    case "cancelled":
    case "expired": {
      const { status, error } = standing;
      // whoever cancels tasks that wait writes why in clear, for many at once
      if (status === "cancelled" && !error.startsWith(MARK)) return standing;
      return { ...standing, error: await openError(opener, queue, id, error) };
    }
    default: {
      const { lastError, progress } = standing;
      return {
        ...standing,
        lastError: await openError(opener, queue, id, lastError),
        progress: await openProgress(opener, queue, id, progress),
      };
    }
  }
}

/** The stored error, or one that says why it is not told. */
export async function openError<Text extends string | undefined>(
  opener: Opener,
  queue: string,
  id: string,
  error: Text,
): Promise<Text | string> {
  if (!error) return error;
  const place: Place = { queue, id, part: "error" };
  const { text, reason } = await openValue(opener, error, place);
  if (text !== undefined) return text;
  const message = `The stored error is not told: ${reason}`;
  return JSON.stringify({ name: "SealError", message });
}

async function openProgress(
  opener: Opener,
  queue: string,
  id: string,
  progress: string | undefined,
): Promise<string | undefined> {
  if (progress === undefined) return undefined;
  const place: Place = { queue, id, part: "progress" };
  return (await openValue(opener, progress, place)).text;
}

async function openValue(
  { seal, acceptUnsealed }: Opener,
  value: string,
  place: Place,
): Promise<Opened> {
  if (!value.startsWith(MARK)) {
    return acceptUnsealed ? { text: value } : { reason: "it is not sealed" };
  }
  const verdict = await seal.open(value.slice(MARK.length), place);
  switch (verdict.kind) {
    case "open":
      return { text: verdict.text.slice(VALUE.length, -1) };
    case "tampered":
      return verdict;
    case "unknownKey": {
      const { keyId } = verdict;
      return {
        reason:
          `it is sealed under the key '${keyId}', which this queue does not have`,
      };
    }
  }
}
