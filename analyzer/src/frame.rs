//! Physical frames, and how they were found.

use std::fmt;

use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::{Absent, Avma, Registers};

use crate::arch::x86_64::{REGISTER_COUNT, REGISTER_NAMES, RIP, RSP};

/// The stack of one thread, innermost frame first.
#[derive(Clone, Debug)]
pub struct Backtrace {
    /// The physical frames; functions inlined into them are not among them.
    pub frames: Vec<Frame>,
    /// Why there are no more.
    pub end: WalkEnd,
}

/// A frame that is really on the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its position in the backtrace; 0 is the innermost.
    pub index: usize,
    /// Where it will go on: the faulting or next instruction in the innermost frame and below a signal frame, the
    /// return address in every other.
    pub pc: Avma,
    /// The canonical frame address: the stack pointer just before the call instruction in the caller. Unknown where
    /// nothing says how large the frame is.
    pub cfa: Option<Avma>,
    /// The registers as they are in this frame, as far as they could be restored.
    pub registers: FrameRegisters,
    /// How it was found.
    pub trust: FrameTrust,
    /// What it is.
    pub kind: FrameKind,
    /// The number of the module that `pc` lies in.
    pub module: Option<usize>,
    /// Whether `pc` is a return address, behind the call instruction that the frame is executing.
    pub returns_to_pc: bool,
}

impl Frame {
    /// The address whose function, line and scopes are this frame's. A return address may already belong to the next
    /// line or even, behind a call that never returns, to the next function, so callers are looked up one byte
    /// earlier; the innermost frame and one that a signal interrupted are looked up at `pc` itself.
    pub fn lookup_address(&self) -> Avma {
        let called = self.returns_to_pc && self.kind != FrameKind::SignalTrampoline;
        if called { self.pc.wrapping_sub(1) } else { self.pc }
    }

    /// The stack pointer as of this frame.
    pub fn stack_pointer(&self) -> Option<Avma> {
        self.registers.get(RSP).map(Avma)
    }
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// A function's.
    Normal,
    /// The kernel's: it runs `rt_sigreturn` when the handler, its callee, is done. Its caller was interrupted.
    SignalTrampoline,
    /// One that is no longer on the stack: its function ended in a jump to the function of the frame above it, as call
    /// site information shows. `pc` is the address behind the jump, and only the innermost function there is shown.
    TailCall,
}

/// How a frame was found, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrameTrust {
    /// It is the thread's own registers.
    Context,
    /// Call frame information of its callee led to it.
    Cfi,
    /// Its callee has no call frame information, but the callee's instructions from its first one on show where the
    /// return address is.
    Prologue,
    /// Its callee is no code at all (a call through NULL, say): the return address is still on top of the stack.
    ReturnAddress,
    /// The callee's frame pointer led to it.
    FramePointer,
    /// A word of the stack that looks like a return address led to it. It may be left over from an earlier call.
    Scan,
}

impl fmt::Display for FrameTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FrameTrust::Context => "registers",
            FrameTrust::Cfi => "cfi",
            FrameTrust::Prologue => "prologue",
            FrameTrust::ReturnAddress => "return address",
            FrameTrust::FramePointer => "frame pointer",
            FrameTrust::Scan => "scan",
        })
    }
}

/// Why a walk ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WalkEnd {
    /// The last frame is the thread's outermost one: its call frame information says that nothing called it, or its
    /// return address is zero.
    Outermost,
    /// The limit that was asked for.
    Limit(usize),
    /// There is no such thread.
    NoThread,
    /// The thread's registers are unknown.
    NoRegisters,
    /// Memory that was needed is absent.
    Memory {
        /// What was to be read there.
        at: Avma,
        /// Why it could not be.
        absent: Absent,
    },
    /// The next frame would not lie above the last one, so the stack is damaged.
    Cycle {
        /// The CFA that was met again or that lies too low.
        cfa: Avma,
    },
    /// The return address that was found is no code.
    NotCode {
        /// The return address.
        at: Avma,
    },
    /// Call frame information needs a register that is not known in this frame.
    RegisterUnknown {
        /// The register.
        name: &'static str,
        /// Where in the code.
        pc: Avma,
    },
    /// There is call frame information, but it is damaged or does what is not supported.
    BadCfi {
        /// Where in the code.
        pc: Avma,
        /// What is wrong.
        reason: String,
    },
    /// No call frame information, no frame pointer, and nothing on the stack looks like a return address.
    NoRule {
        /// Where in the code.
        pc: Avma,
    },
}

impl fmt::Display for WalkEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WalkEnd::Outermost => write!(f, "the outermost frame"),
            WalkEnd::Limit(limit) => write!(f, "more frames follow the first {limit}"),
            WalkEnd::NoThread => write!(f, "there is no such thread"),
            WalkEnd::NoRegisters => write!(f, "the thread's registers are unknown"),
            WalkEnd::Memory { absent, .. } => write!(f, "the stack ends here: {absent}"),
            WalkEnd::Cycle { cfa } => write!(f, "the stack is damaged: the next frame, at {cfa}, does not lie above"),
            WalkEnd::NotCode { at } => write!(f, "the stack is damaged: the return address {at} is no code"),
            WalkEnd::RegisterUnknown { name, pc } => {
                write!(f, "the code at {pc} keeps its frame in {name}, whose value is not known")
            }
            WalkEnd::BadCfi { pc, reason } => write!(f, "the call frame information for {pc} is unusable: {reason}"),
            WalkEnd::NoRule { pc } => write!(f, "nothing tells how the code at {pc} was called"),
        }
    }
}

/// The registers of a frame that DWARF can speak of, each known or not.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameRegisters {
    values: [u64; REGISTER_COUNT],
    known: u32,
}

impl FrameRegisters {
    /// No register known.
    pub fn new() -> FrameRegisters {
        FrameRegisters::default()
    }

    /// The value of the register with this DWARF number (x86-64 psABI, figure 3.36; 16 is `rip`), where it is known.
    pub fn get(&self, register: u16) -> Option<u64> {
        let value = self.values.get(usize::from(register))?;
        (self.known & 1 << register != 0).then_some(*value)
    }

    /// Makes a register known. Numbers past 16 are none of ours and ignored.
    pub fn set(&mut self, register: u16, value: u64) {
        if let Some(slot) = self.values.get_mut(usize::from(register)) {
            *slot = value;
            self.known |= 1 << register;
        }
    }

    /// The program counter; frames are only made where it is known.
    pub(crate) fn pc(&self) -> Avma {
        Avma(self.values[usize::from(RIP)])
    }

    /// All registers in DWARF's order: name and value, where it is known.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, Option<u64>)> + '_ {
        REGISTER_NAMES.iter().zip(0..).map(|(name, register)| (*name, self.get(register)))
    }

    /// The DWARF number of the register with this name, such as `rbx`.
    pub fn number_of(name: &str) -> Option<u16> {
        REGISTER_NAMES.iter().zip(0..).find(|(known, _)| **known == name).map(|(_, register)| register)
    }
}

impl From<&Registers> for FrameRegisters {
    fn from(registers: &Registers) -> FrameRegisters {
        FrameRegisters::from(&registers.general)
    }
}

impl From<&GeneralRegisters> for FrameRegisters {
    fn from(registers: &GeneralRegisters) -> FrameRegisters {
        FrameRegisters { values: registers.dwarf(), known: (1 << REGISTER_COUNT) - 1 }
    }
}

impl fmt::Debug for FrameRegisters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.named().filter_map(|(name, value)| value.map(|value| (name, format!("{value:#x}"))));
        f.debug_map().entries(known).finish()
    }
}
