"""The real parts behind the service's ports; tensor libraries load on first use."""
