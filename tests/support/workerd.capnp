# The bundled suites in workerd, twice: as the web alone has it, and with Node's modules.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "without-node", worker = (
      modules = [(name = "suites.js", esModule = embed "suites.js")],
      bindings = [(name = "row", text = "workerd, without Node")],
      compatibilityDate = "2026-01-01", # from 2026-08-04 on, Node's modules would be on by default
      globalOutbound = "net",
    )),
    (name = "nodejs-compat", worker = (
      modules = [(name = "suites.js", esModule = embed "suites.js")],
      bindings = [(name = "row", text = "workerd, nodejs_compat")],
      compatibilityDate = "2026-01-01",
      compatibilityFlags = ["nodejs_compat"],
      globalOutbound = "net",
    )),
    (name = "net", network = (allow = ["local", "private", "public"])),
  ],
);
