//! The only door to the system calls that std does not have: one thin wrapper per call, and the only unsafe code of
//! this crate.
//!
//! A wrapper checks nothing and decides nothing; it turns `-1` into an [`Errno`] and raw bytes into values. In unit
//! tests `failure::fail_once` makes the next use of any call fail, so that every error path can be walked.

#![allow(unsafe_code, reason = "system calls that std has no safe form of; every block says why it is sound")]

mod debug_registers;
pub(crate) mod failure;
mod files;
mod inherited;
mod inside;
mod interrupt;
mod memory;
mod pagemap;
mod perf;
mod poll;
mod process;
mod ptrace;
mod signals;
mod spawn;
mod wait;

pub use debug_registers::{Breakpoints, is_breakpoint, set_breakpoints};
pub use failure::Call;
pub use files::{Directory, file_in_memory, is_locked, lock_while_open, next_data, read_at, sync_file, write};
pub use inherited::{Inherited, inherited};
pub use inside::ProcessRoot;
pub use interrupt::{forget_interrupt, hold_interrupts, is_interrupted, leave_interrupts_to_child};
pub use memory::read_process_memory;
pub use nix::errno::Errno;
pub use pagemap::{
    GUARD as PAGE_GUARD, PRESENT as PAGE_PRESENT, PageRegion, SWAPPED as PAGE_SWAPPED, ZERO as PAGE_ZERO, scan_pagemap,
};
pub use perf::{Breakpoint, breakpoint_cookie};
pub use poll::{Bell, Ready, pipe, wait_until_readable};
pub use process::{
    drop_standard_streams, effective_group, effective_user, foreground_group, group_of, kill, own_descriptor_table,
    peer, pidfd, raise_descriptor_limit, session_of, set_core_limit_to_zero, thread_exists, thread_kill,
    ticks_per_second,
};
pub use ptrace::{
    Resume, detach, event_message, general_registers, interrupt, listen, register_set, restartable_sequence, resume,
    seize, set_general_registers, set_options, set_signal_info, set_signal_mask, signal_info, signal_mask, single_step,
};
pub use signals::{
    Received, SignalFd, SignalMask, block_all_but_faults, current_mask, die_of, ignored_signals, restore_mask,
    set_default, set_ignored_signals, stop_with,
};
pub use spawn::{ChildState, ExecPlan, Waiting, spawn};
pub use wait::{Waited, wait_any, wait_for};

/// The result of a system call.
pub type Result<T> = std::result::Result<T, Errno>;
