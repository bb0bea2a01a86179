# One worker, as the web alone has it and with Node's modules; whatever it fetches goes to the collector.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "without-node", worker = (
      modules = [(name = "overlap.js", esModule = embed "overlap.js")],
      compatibilityDate = "2026-01-01", # from 2026-08-04 on, Node's modules would be on by default
      globalOutbound = "collector",
    )),
    (name = "nodejs-compat", worker = (
      modules = [(name = "overlap.js", esModule = embed "overlap.js")],
      compatibilityDate = "2026-01-01",
      compatibilityFlags = ["nodejs_compat"],
      globalOutbound = "collector",
    )),
    (name = "collector", external = (http = ())),
  ],
  sockets = [
    (name = "without-node", address = "127.0.0.1:0", http = (), service = "without-node"),
    (name = "nodejs-compat", address = "127.0.0.1:0", http = (), service = "nodejs-compat"),
  ],
);
