import type { WorkflowBroker } from "../../broker/broker.ts";
import { instead } from "../../broker/instead.ts";
import { createSeal } from "../../codec/seal.ts";
import type { SealSettings } from "../../codec/secrets.ts";
import { closeGroup, closeStep, closeTask, closeTasks } from "./closing.ts";
import {
  openDelivery,
  type Opener,
  openError,
  openSchedule,
  openStanding,
} from "./opening.ts";

/**
 * A broker behind a seal: what goes in is sealed, what comes out is opened, and what does not open says so.
 * A request that is repeated is sealed the same again, so that it is the same for the broker.
 */
export function sealedBroker(
  broker: WorkflowBroker,
  settings: SealSettings,
): WorkflowBroker {
  const seal = createSeal(settings);
  const opener: Opener = { seal, acceptUnsealed: settings.acceptUnsealed };
  return instead(broker, {
    async enqueue(queue, { tasks, group, ...request }) {
      return await broker.enqueue(queue, {
        ...request,
        tasks: await closeTasks(seal, queue, tasks),
        ...(group && { group: await closeGroup(seal, queue, group) }),
      });
    },
    async step(queue, request) {
      const closed = await closeStep(seal, queue, request);
      const reply = await broker.step(queue, closed);
      const deliveries = await Promise.all(
        reply.deliveries.map((one) => openDelivery(opener, queue, one)),
      );
      return { ...reply, deliveries };
    },
    async schedule(queue, request) {
      const task = await closeTask(seal, queue, request.task);
      return await broker.schedule(queue, { ...request, task });
    },
    async result(queue, id) {
      const { commands, requests, ...standing } = await broker.result(
        queue,
        id,
      );
      const opened = await openStanding(opener, queue, id, standing);
      return { commands, requests, ...opened };
    },
    async results(queue, request) {
      const reply = await broker.results(queue, request);
      const standings = await Promise.all(
        reply.standings.map((one, i) =>
          openStanding(opener, queue, request.ids[i]!, one)
        ),
      );
      return { ...reply, standings };
    },
    async list(queue, request) {
      const reply = await broker.list(queue, request);
      const tasks = await Promise.all(reply.tasks.map(async (task) => ({
        ...task,
        error: await openError(opener, queue, task.id, task.error),
      })));
      return { ...reply, tasks };
    },
    async schedules(queue, request) {
      const reply = await broker.schedules(queue, request);
      const schedules = await Promise.all(
        reply.schedules.map((one) => openSchedule(opener, queue, one)),
      );
      return { ...reply, schedules };
    },
  });
}
