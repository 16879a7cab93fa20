"""The stack on one machine: emulator, deployment, forwarders, sample gallery."""
