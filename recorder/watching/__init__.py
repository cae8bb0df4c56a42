"""Who looks on while a recording runs: ``/metrics``, ``/healthz``, the service manager, the terminal."""
