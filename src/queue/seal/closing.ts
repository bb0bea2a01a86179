import type {
  Extension,
  GroupChunk,
  NewTask,
  Settlement,
  SettlementEnd,
  StepRequest,
} from "../../broker/broker.ts";
import type { Place, Seal } from "../../codec/seal.ts";

/** What stands before a sealed value: who opens no seals takes it for no JSON at all. */
export const MARK = "#";
/** The object that a value is sealed in, whose private member `i` it is; without it where there is no value. */
const NOTHING = '{"v":1}';
/** What stands before the value in that object. */
export const VALUE = '{"v":1,"i":';

/** The same task, its envelope sealed. */
export async function closeTask(
  seal: Seal,
  queue: string,
  task: NewTask,
): Promise<NewTask> {
  const place: Place = { queue, id: task.id, part: "envelope" };
  return { ...task, envelope: await seal.close(task.envelope, place) };
}

/** The same tasks, their envelopes sealed. */
export function closeTasks(
  seal: Seal,
  queue: string,
  tasks: readonly NewTask[],
): Promise<readonly NewTask[]> {
  return Promise.all(tasks.map((task) => closeTask(seal, queue, task)));
}

/** The same chunk of a group, its callback sealed. */
export async function closeGroup(
  seal: Seal,
  queue: string,
  group: GroupChunk,
): Promise<GroupChunk> {
  const { callback } = group;
  return callback === undefined
    ? group
    : { ...group, callback: await closeTask(seal, queue, callback) };
}

/** The same step, all that it tells of its tasks sealed. */
export async function closeStep(
  seal: Seal,
  queue: string,
  request: StepRequest,
): Promise<StepRequest> {
  const [settle, extend] = await Promise.all([
    Promise.all(request.settle.map((one) => closeSettlement(seal, queue, one))),
    Promise.all(request.extend.map((one) => closeExtension(seal, queue, one))),
  ]);
  return { ...request, settle, extend };
}

async function closeSettlement(
  seal: Seal,
  queue: string,
  settlement: Settlement,
): Promise<Settlement> {
  const [end, enqueue] = await Promise.all([
    closeEnd(seal, queue, settlement),
    closeTasks(seal, queue, settlement.enqueue),
  ]);
  return { ...settlement, end, enqueue };
}

async function closeEnd(
  seal: Seal,
  queue: string,
  { id, end }: Settlement,
): Promise<SettlementEnd> {
  const at = (part: Place["part"]): Place => ({ queue, id, part });
  switch (end.kind) {
    case "complete": {
      const { payload } = end;
      if (payload === undefined) return end;
      return { ...end, payload: await closeValue(seal, payload, at("result")) };
    }
    case "snooze": {
      const { envelope } = end;
      if (envelope === undefined) return end;
      return { ...end, envelope: await seal.close(envelope, at("envelope")) };
    }
    case "release":
      return end;
    default:
      return { ...end, error: await closeValue(seal, end.error, at("error")) };
  }
}

async function closeExtension(
  seal: Seal,
  queue: string,
  extension: Extension,
): Promise<Extension> {
  const { id, progress } = extension;
  if (progress === undefined) return extension;
  const place: Place = { queue, id, part: "progress" };
  return { ...extension, progress: await closeValue(seal, progress, place) };
}

/** JSON sealed, or nothing, which JSON has no word for. */
async function closeValue(
  seal: Seal,
  value: string,
  place: Place,
): Promise<string> {
  const text = value === "" ? NOTHING : `${VALUE}${value}}`;
  return `${MARK}${await seal.close(text, place)}`;
}
