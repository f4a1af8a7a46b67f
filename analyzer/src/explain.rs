//! `why`: what a process died of, put together from the signal, the instruction, the registers and the mappings.

mod abort;
mod death_call;
mod fault;
mod finding;
mod interrupted;
mod jump;
mod overflow;
mod pattern;
mod place;
mod signal;

use std::fmt;

use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::process::{Cause, SigInfo, Signal};
use dpdb_snapshot::{AddressRange, Avma};
use serde::Serialize;

pub use crate::arch::x86_64::operands::AccessKind;
pub use finding::{Finding, Neighbour};
pub use pattern::Pattern;

use crate::disassemble::{Instruction, disassemble};
use crate::first_chance::AtFault;
use crate::frame::Backtrace;
use crate::session::Session;

/// What a process died of, or what exception it was stopped for. `Display` is one paragraph.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// What was found out, in the order in which it is told.
    pub findings: Vec<Finding>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, finding) in self.findings.iter().enumerate() {
            let blank = if at > 0 { " " } else { "" };
            write!(f, "{blank}{finding}")?;
        }
        Ok(())
    }
}

impl Session {
    /// What the process died of, or what exception it met; `None` where nothing says either.
    pub fn explain(&self) -> Option<Explanation> {
        match &self.process().cause {
            Some(Cause::FatalSignal { first_chance: Some(first), signal, tid, info }) => {
                let last = Subject::new(self, *signal, *tid, info.as_ref(), None);
                let info = first.info.as_ref();
                let first_subject = Subject {
                    memory: AtFault::of(self.memory(), first),
                    ..Subject::new(self, first.signal, first.tid, info, Some(&first.registers))
                };
                let mut findings = last.signal_findings();
                findings.push(Finding::FirstChance { signal: first.signal.to_string() });
                findings.extend(first_subject.fault_findings());
                findings.push(Finding::FirstChanceStack);
                Some(Explanation { findings })
            }
            Some(Cause::FatalSignal { signal, tid, info, .. }) => {
                Some(Explanation { findings: Subject::new(self, *signal, *tid, info.as_ref(), None).findings() })
            }
            Some(Cause::KilledBy { signal, tid }) => {
                let mut findings = Subject::new(self, *signal, *tid, None, None).findings();
                let reason = "it was found dying, and who sent the signal had already been forgotten".to_owned();
                findings.push(Finding::Unknown { reason });
                Some(Explanation { findings })
            }
            Some(Cause::Exception(exception)) => {
                Some(Explanation { findings: vec![Finding::Exception(exception.clone())] })
            }
            _ => self.explain_by_siginfo(),
        }
    }

    /// Where nothing names a cause, as in a core of gcore's, a thread's siginfo may.
    fn explain_by_siginfo(&self) -> Option<Explanation> {
        let thread = self.process().threads.iter().find(|thread| thread.siginfo.is_some())?;
        let info = thread.siginfo.as_ref().filter(|info| info.signal().0 != 0)?;
        let subject = Subject::new(self, info.signal(), thread.tid, Some(info), None);
        Some(Explanation { findings: subject.findings() })
    }
}

/// The thread and the signal that are looked at.
struct Subject<'a> {
    session: &'a Session,
    signal: Signal,
    tid: i32,
    info: Option<&'a SigInfo>,
    registers: Option<&'a GeneralRegisters>,
    /// As it was when the signal came.
    memory: AtFault<'a>,
    pc: Avma,
}

impl<'a> Subject<'a> {
    fn new(
        session: &'a Session,
        signal: Signal,
        tid: i32,
        info: Option<&'a SigInfo>,
        registers: Option<&'a GeneralRegisters>,
    ) -> Subject<'a> {
        let thread = session.process().thread(tid);
        let info = info.or_else(|| thread.and_then(|thread| thread.siginfo.as_ref()));
        let info = info.filter(|info| info.signal() == signal);
        let of_thread = || thread.and_then(|thread| thread.registers.as_ref()).map(|registers| &registers.general);
        let registers = registers.or_else(of_thread);
        let pc = Avma(registers.map_or(0, |registers| registers.rip));
        Subject { session, signal, tid, info, registers, memory: AtFault::now(session.memory()), pc }
    }

    /// The frames that were really there.
    fn backtrace(&self, limit: usize) -> Option<Backtrace> {
        Some(self.session.physical_backtrace(&self.memory, self.registers?, limit))
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = self.signal_findings();
        let is_own_fault = self.info.is_none_or(|info| info.sender().is_none()) && self.signal.is_fault();
        findings.extend(if is_own_fault { self.fault_findings() } else { self.behind_a_handler() });
        findings
    }

    fn fault_findings(&self) -> Vec<Finding> {
        self.registers.map_or(Vec::new(), |registers| fault::findings(self, registers))
    }

    /// The fault that made a handler end the process, where that is what happened.
    fn behind_a_handler(&self) -> Vec<Finding> {
        let Some((info, registers)) = interrupted::fault(self) else { return Vec::new() };
        let first = Subject::new(self.session, info.signal(), self.tid, Some(&info), Some(&registers));
        let mut findings = vec![Finding::FirstChance { signal: first.signal.to_string() }];
        findings.extend(first.fault_findings());
        findings
    }

    /// What the signal itself says.
    fn signal_findings(&self) -> Vec<Finding> {
        let mut findings = vec![Finding::Signal {
            tid: self.tid,
            signal: self.signal.to_string(),
            code: self.info.map(SigInfo::code_name),
            meaning: self.info.and_then(signal::meaning_of),
        }];
        findings.extend(self.info.and_then(|info| signal::sender(info, self.session.process())));
        findings.extend(self.info.and_then(signal::forbidden_syscall));
        if self.signal == Signal::ABRT {
            findings.extend(abort::message(self.session).map(|text| Finding::AbortMessage { text }));
            findings.extend(death_call::find(self));
        }
        findings
    }

    fn is_code(&self, at: Avma) -> bool {
        self.session.process().mapping_at(at).is_some_and(|mapping| mapping.permissions.execute)
    }

    /// The instruction at `at` as text.
    fn instruction(&self, at: Avma) -> Instruction {
        let range = AddressRange { start: at, end: Avma(u64::MAX) };
        let name = |at| self.session.symbol_at(at).map(|symbol| symbol.to_string());
        let found = disassemble(&self.memory, range, 1, &name).instructions.pop();
        let absent = || "(not captured)".to_owned();
        found.unwrap_or_else(|| Instruction {
            address: at,
            bytes: Vec::new(),
            text: absent(),
            target: None,
            symbol: None,
        })
    }

    fn show(&self, at: Avma) -> Finding {
        let symbol = self.session.symbol_at(at).map(|symbol| symbol.to_string());
        Finding::Instruction { instruction: self.instruction(at), symbol }
    }
}
