//! `$_siginfo`: what the kernel says of the signal, with gdb's names for the members (`siginfo_t` of Linux,
//! `include/uapi/asm-generic/siginfo.h`).

use super::number::{INT, LONG, SHORT, UNSIGNED};
use super::value::{Layout, LayoutField};

use LayoutField::{Layout as Inner, Number, Pointer};

/// The union begins behind three `int`s, at the alignment of a pointer.
const UNION: u64 = 16;

const SIGVAL: Layout =
    Layout { name: "union {...}", size: 8, fields: &[("sival_int", 0, Number(INT)), ("sival_ptr", 0, Pointer)] };

const BOUNDS: Layout =
    Layout { name: "struct {...}", size: 16, fields: &[("_lower", 0, Pointer), ("_upper", 8, Pointer)] };

const fn of(fields: &'static [(&'static str, u64, LayoutField)]) -> LayoutField {
    Inner(Layout { name: "struct {...}", size: 112, fields })
}

/// The members for each kind of signal, which share their place.
const FIELDS: Layout = Layout {
    name: "union {...}",
    size: 112,
    fields: &[
        ("_kill", 0, of(&[("si_pid", 0, Number(INT)), ("si_uid", 4, Number(UNSIGNED))])),
        (
            "_timer",
            0,
            of(&[("si_tid", 0, Number(INT)), ("si_overrun", 4, Number(INT)), ("si_sigval", 8, Inner(SIGVAL))]),
        ),
        ("_rt", 0, of(&[("si_pid", 0, Number(INT)), ("si_uid", 4, Number(UNSIGNED)), ("si_sigval", 8, Inner(SIGVAL))])),
        (
            "_sigchld",
            0,
            of(&[
                ("si_pid", 0, Number(INT)),
                ("si_uid", 4, Number(UNSIGNED)),
                ("si_status", 8, Number(INT)),
                ("si_utime", 16, Number(LONG)),
                ("si_stime", 24, Number(LONG)),
            ]),
        ),
        (
            "_sigfault",
            0,
            of(&[("si_addr", 0, Pointer), ("_addr_lsb", 8, Number(SHORT)), ("_addr_bnd", 16, Inner(BOUNDS))]),
        ),
        ("_sigpoll", 0, of(&[("si_band", 0, Number(LONG)), ("si_fd", 8, Number(INT))])),
        (
            "_sigsys",
            0,
            of(&[("_call_addr", 0, Pointer), ("_syscall", 8, Number(INT)), ("_arch", 12, Number(UNSIGNED))]),
        ),
    ],
};

/// The whole.
pub(super) static SIGINFO: Layout = Layout {
    name: "siginfo_t",
    size: 128,
    fields: &[
        ("si_signo", 0, Number(INT)),
        ("si_errno", 4, Number(INT)),
        ("si_code", 8, Number(INT)),
        ("_sifields", UNION, Inner(FIELDS)),
    ],
};
