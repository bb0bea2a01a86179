import { contract } from "./support/contract.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";

contract("UpstashBroker", ({ startAt }) => gatewayBroker(startAt));
