//! `$rip` and its like, and the convenience variables.

use super::error::refused;
use super::evaluator::{Evaluator, Found};
use super::number::{self, Number};
use super::siginfo::SIGINFO;
use super::value::{ExprType, NumberType, Value};
use crate::expr::Span;
use crate::frame::FrameRegisters;

/// The low parts of the registers that have names of their own: their size in bytes and where they begin.
const PARTS: [(&str, &str, u64, u32); 20] = [
    ("eax", "rax", 4, 0),
    ("ax", "rax", 2, 0),
    ("al", "rax", 1, 0),
    ("ah", "rax", 1, 8),
    ("ebx", "rbx", 4, 0),
    ("bx", "rbx", 2, 0),
    ("bl", "rbx", 1, 0),
    ("bh", "rbx", 1, 8),
    ("ecx", "rcx", 4, 0),
    ("cx", "rcx", 2, 0),
    ("cl", "rcx", 1, 0),
    ("ch", "rcx", 1, 8),
    ("edx", "rdx", 4, 0),
    ("dx", "rdx", 2, 0),
    ("dl", "rdx", 1, 0),
    ("dh", "rdx", 1, 8),
    ("esi", "rsi", 4, 0),
    ("edi", "rdi", 4, 0),
    ("ebp", "rbp", 4, 0),
    ("esp", "rsp", 4, 0),
];

impl Evaluator<'_, '_> {
    pub(super) fn dollar(&self, name: &str, span: Span) -> Found {
        if let Some(value) = self.memo.variables.get(name) {
            return self.adopted(value.clone(), span);
        }
        if let Some(value) = self.fact(name) {
            return Ok(value);
        }
        match self.register(name, span) {
            Some(found) => found,
            // As in gdb, a variable that nobody set is void.
            None => Ok(self.value(ExprType::Void, crate::value::ValuePlace::bytes([]))),
        }
    }

    /// gdb's variables of the thread and its signal ("Convenience Variables" in its manual).
    fn fact(&self, name: &str) -> Option<Value> {
        let process = self.context.session.process();
        let thread = self.context.frame.map(|frame| frame.thread);
        let number = |number: i128| self.number(Number::Integer(number), number::INT);
        match name {
            "_siginfo" => {
                let info = thread?.siginfo.as_ref()?;
                let place = crate::value::ValuePlace::bytes(info.as_bytes().to_vec());
                Some(self.value(ExprType::Layout(&SIGINFO), place))
            }
            "_thread" | "_gthread" => {
                let tid = thread?.tid;
                let place = process.threads.iter().position(|known| known.tid == tid)?;
                Some(number(place as i128 + 1))
            }
            "_tid" => Some(number(thread?.tid.into())),
            "_pid" => Some(number(process.pid.into())),
            "_inferior" => Some(number(1)),
            "_exitsignal" => Some(number(thread?.siginfo.as_ref()?.signal().0.into())),
            _ => None,
        }
    }

    fn register(&self, name: &str, span: Span) -> Option<Found> {
        let whole = match name {
            "pc" => "rip",
            "sp" => "rsp",
            "fp" => "rbp",
            name => name,
        };
        if let Some((_, register, size, shift)) = PARTS.iter().find(|(part, ..)| *part == whole) {
            let word = self.word_of(register, span)?;
            let of = NumberType::new(super::value::NumberKind::Signed, *size, "int");
            return Some(word.map(|word| self.number(Number::Integer((word >> shift).into()), of)));
        }
        let word = self.word_of(whole, span)?;
        Some(word.map(|word| self.register_value(whole, word)))
    }

    fn register_value(&self, name: &str, word: u64) -> Value {
        let of = match name {
            "rip" => ExprType::pointer_to(ExprType::Function(ExprType::Void.into())),
            "rsp" | "rbp" => ExprType::pointer_to(ExprType::Void),
            _ => ExprType::Number(number::LONG),
        };
        self.value(of, crate::value::ValuePlace::bytes(word.to_le_bytes()))
    }

    /// The word in a register: of the frame where it is one that frames restore, else of the innermost frame.
    fn word_of(&self, name: &str, span: Span) -> Option<Result<u64, crate::expr::ExprError>> {
        let frame = self.context.frame?;
        if let Some(number) = FrameRegisters::number_of(name) {
            let known = frame.frame().registers.get(number);
            return Some(known.ok_or_else(|| refused(span, format!("{name} was not saved by the frames below"))));
        }
        let general = frame.thread.registers.as_ref()?.general;
        let (_, word) = general.named().into_iter().find(|(known, _)| *known == name)?;
        if frame.index > 0 && !matches!(name, "fs_base" | "gs_base" | "cs" | "ss" | "ds" | "es" | "fs" | "gs") {
            return Some(Err(refused(span, format!("{name} is only known in the innermost frame"))));
        }
        Some(Ok(word))
    }
}
