/**
 * Loads what the package loads when it is first called: from then on such an
 * import takes one turn of the event loop, and not as long as the machine
 * takes to read and compile a file.
 *
 * @module
 */
import "../../src/broker/ending.ts";
import "../../src/broker/enqueue.ts";
import "../../src/broker/look.ts";
import "../../src/broker/memory.ts";
import "../../src/broker/peek.ts";
import "../../src/broker/step.ts";
import "../../src/broker/time.ts";
import "../../src/broker/verbs.ts";
import "../../src/codec/ring.ts";
import "../../src/hono/rung.ts";
import "../../src/queue/admin/administration.ts";
import "../../src/queue/trace/baton_consumer.ts";
import "../../src/queue/admin/bulk.ts";
import "../../src/queue/workflow/chain.ts";
import "../../src/queue/workflow/chained.ts";
import "../../src/queue/trace/consumer_half.ts";
import "../../src/queue/consume/consuming.ts";
import "../../src/queue/trace/django_q2.ts";
import "../../src/queue/drain.ts";
import "../../src/queue/trace/fetching.ts";
import "../../src/queue/workflow/fork.ts";
import "../../src/queue/workflow/group.ts";
import "../../src/queue/inline.ts";
import "../../src/queue/workflow/join.ts";
import "../../src/queue/admin/listing.ts";
import "../../src/queue/workflow/map.ts";
import "../../src/queue/enqueue/passing.ts";
import "../../src/queue/wake/posting.ts";
import "../../src/queue/admin/results.ts";
import "../../src/queue/schedule/schedule.ts";
import "../../src/queue/schedule/schedules.ts";
import "../../src/queue/seal/sealed.ts";
import "../../src/queue/workflow/send_group.ts";
import "../../src/queue/worker.ts";
