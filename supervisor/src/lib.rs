//! Runs a process tree under ptrace, unseen by it, and captures what dies.
