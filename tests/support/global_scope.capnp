# One worker that makes everything while it starts; `deno task check` runs its test.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "global_scope.js", esModule = embed "global_scope.js")],
      compatibilityDate = "2026-01-01",
    )),
  ],
);
