//! `regs`: the registers of the selected frame.

use dpdb_analyzer::Frame;
use serde::Serialize;

use super::registers_fp::{VectorRegister, vector_registers};
use super::{CommandError, Engine, Hex, Reply};

/// The registers of one frame.
#[derive(Debug, Serialize)]
pub struct Registers {
    /// The thread.
    pub tid: i32,
    /// The frame's number.
    pub frame: usize,
    /// The general registers.
    pub registers: Vec<RegisterLine>,
    /// Floating-point and vector registers, for `regs all`; they are the thread's, so they belong to frame 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vector: Vec<VectorRegister>,
}

/// One register.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterLine {
    /// Its name.
    pub name: &'static str,
    /// Its value; none where no caller saved it.
    pub value: Option<Hex>,
    /// What it means: the symbol it points into, the flags that are set.
    pub meaning: Option<String>,
}

/// In gdb's order, which puts the ones that are looked at most first.
const ORDER: [&str; 26] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "rip", "eflags", "cs", "ss", "ds", "es", "fs", "gs", "fs_base", "gs_base",
];

/// Intel SDM volume 1, figure 3-8.
const FLAGS: [(u64, &str); 15] = [
    (0x0001, "CF"),
    (0x0004, "PF"),
    (0x0010, "AF"),
    (0x0040, "ZF"),
    (0x0080, "SF"),
    (0x0100, "TF"),
    (0x0200, "IF"),
    (0x0400, "DF"),
    (0x0800, "OF"),
    (0x4000, "NT"),
    (0x0001_0000, "RF"),
    (0x0002_0000, "VM"),
    (0x0004_0000, "AC"),
    (0x0008_0000, "VIF"),
    (0x0020_0000, "ID"),
];

impl Engine {
    /// The registers of the selected frame: all general ones, those named, or with `all` the vector ones, too.
    ///
    /// # Errors
    /// The thread has no registers, or none is called so.
    pub fn registers(&mut self, which: &str) -> Result<Reply, CommandError> {
        let (tid, frame) = (self.tid, self.selected_frame(self.tid));
        let mut registers = self.selected_registers();
        if registers.is_empty() {
            return Err(CommandError::refused(format!("the registers of thread {tid} are not in the file")));
        }
        let mut vector = Vec::new();
        if which == "all" {
            let thread = self.process().thread(tid).and_then(|thread| thread.registers.as_ref());
            vector = thread.map(vector_registers).unwrap_or_default();
        } else if !which.is_empty() {
            registers = which.split_whitespace().map(|name| named(&registers, name)).collect::<Result<_, _>>()?;
        }
        for line in &mut registers {
            line.meaning = line.value.and_then(|value| self.meaning(line.name, value.0));
        }
        Ok(Reply::Registers(Registers { tid, frame, registers, vector }))
    }

    /// The general registers of the selected frame, without their meaning.
    pub(super) fn selected_registers(&mut self) -> Vec<RegisterLine> {
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let frame = self.frame_at(tid, number).ok().map(|(frame, _)| frame);
        let thread = self.process().thread(tid).and_then(|thread| thread.registers.as_ref());
        let Some(thread) = thread.map(|registers| registers.general.named()) else { return Vec::new() };
        let innermost = frame.as_ref().is_none_or(|frame| frame.index == 0);
        let value = |name: &'static str| match &frame {
            Some(frame) if !innermost => in_frame(frame, name, &thread),
            _ => thread.iter().find(|(known, _)| *known == name).map(|(_, value)| *value),
        };
        ORDER.iter().map(|&name| RegisterLine { name, value: value(name).map(Hex), meaning: None }).collect()
    }

    fn meaning(&self, name: &str, value: u64) -> Option<String> {
        if name == "eflags" {
            let set = FLAGS.iter().filter(|(bit, _)| value & bit != 0).map(|(_, flag)| *flag);
            return Some(format!("[{}]", set.collect::<Vec<_>>().join(" ")));
        }
        // Segment selectors are small numbers, not addresses.
        if matches!(name, "cs" | "ss" | "ds" | "es" | "fs" | "gs") {
            return None;
        }
        self.symbol_text(dpdb_snapshot::Avma(value))
    }
}

/// Segments and their bases are the thread's for all its frames; flags are lost with the next instruction.
fn in_frame(frame: &Frame, name: &str, thread: &[(&'static str, u64)]) -> Option<u64> {
    match name {
        "eflags" => None,
        "cs" | "ss" | "ds" | "es" | "fs" | "gs" | "fs_base" | "gs_base" => {
            thread.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        }
        name => frame.registers.named().find(|(known, _)| *known == name).and_then(|(_, value)| value),
    }
}

fn named(registers: &[RegisterLine], name: &str) -> Result<RegisterLine, CommandError> {
    let bare = name.trim_start_matches(['$', '%']);
    let bare = match bare {
        "pc" => "rip",
        "sp" => "rsp",
        "fp" => "rbp",
        bare => bare,
    };
    let found = registers.iter().find(|line| line.name == bare);
    found.cloned().ok_or_else(|| CommandError::refused(format!("no register is called '{name}'")))
}
