"""One file per device or library: each turns what it sees into events, and effects into what it does. They decide nothing."""
