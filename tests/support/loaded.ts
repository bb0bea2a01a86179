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
import "../../src/queue/administration.ts";
import "../../src/queue/baton_consumer.ts";
import "../../src/queue/bulk.ts";
import "../../src/queue/chain.ts";
import "../../src/queue/chained.ts";
import "../../src/queue/consumer_half.ts";
import "../../src/queue/consuming.ts";
import "../../src/queue/django_q2.ts";
import "../../src/queue/drain.ts";
import "../../src/queue/fetching.ts";
import "../../src/queue/fork.ts";
import "../../src/queue/group.ts";
import "../../src/queue/inline.ts";
import "../../src/queue/join.ts";
import "../../src/queue/listing.ts";
import "../../src/queue/map.ts";
import "../../src/queue/passing.ts";
import "../../src/queue/posting.ts";
import "../../src/queue/results.ts";
import "../../src/queue/schedule.ts";
import "../../src/queue/schedules.ts";
import "../../src/queue/sealed.ts";
import "../../src/queue/send_group.ts";
import "../../src/queue/worker.ts";
