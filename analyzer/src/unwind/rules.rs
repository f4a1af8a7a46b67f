//! What one row of call frame information says, and applying it: from a frame's registers to its caller's.

use dpdb_snapshot::{Absent, Avma, Memory};

use super::expression;
use crate::arch::x86_64::{REGISTER_COUNT, REGISTER_NAMES, RIP, RSP, is_callee_saved};
use crate::frame::FrameRegisters;

/// The rules of one row (DWARF 5, section 6.4.1), owned, so that they outlive the section they were read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) cfa: CfaRule,
    /// By DWARF number; `None` where the row says nothing.
    pub(crate) registers: [Option<Rule>; REGISTER_COUNT],
    /// The column that holds the return address: 16 in all x86-64 code, but it is the CIE that says so.
    pub(crate) return_address: u16,
    /// The CIE's augmentation has an `S`: its caller was interrupted, and did not call.
    pub(crate) is_signal_frame: bool,
}

/// How the canonical frame address is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CfaRule {
    RegisterAndOffset(u16, i64),
    Expression(Box<[u8]>),
}

/// How a register of the caller is found (DWARF 5, section 6.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Undefined,
    SameValue,
    /// It is saved at CFA+N.
    Offset(i64),
    /// It is CFA+N.
    ValOffset(i64),
    /// It is in another register.
    Register(u16),
    /// It is saved at the address that the expression gives.
    Expression(Box<[u8]>),
    /// It is what the expression gives.
    ValExpression(Box<[u8]>),
    /// It is this number.
    Constant(u64),
}

/// Why rules could not be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RuleError {
    /// It needs a register that is not known.
    Register(u16),
    /// It needs memory that is absent.
    Memory(Avma, Absent),
    /// It makes no sense, or is not supported.
    Bad(String),
}

impl RuleError {
    /// The name of a register for messages.
    pub(crate) fn register_name(register: u16) -> &'static str {
        REGISTER_NAMES.get(usize::from(register)).unwrap_or(&"a register")
    }
}

/// A frame's caller, as its rules give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) cfa: Avma,
    /// The caller's registers, `rip` among them; `None` where the rules say that there is no caller.
    pub(crate) caller: Option<FrameRegisters>,
}

impl Rules {
    /// Applies the rules to the registers of a frame.
    ///
    /// A callee-saved register that cannot be had is unknown in the caller, and no failure; only the CFA and the
    /// return address must be had.
    pub(crate) fn apply(&self, registers: &FrameRegisters, memory: &dyn Memory) -> Result<Applied, RuleError> {
        let cfa = match &self.cfa {
            CfaRule::RegisterAndOffset(register, offset) => {
                registers.get(*register).ok_or(RuleError::Register(*register))?.wrapping_add_signed(*offset)
            }
            CfaRule::Expression(bytes) => expression::evaluate(bytes, None, registers, memory)?,
        };
        let restored = |register: u16| self.restore(register, cfa, registers, memory);

        let pc = match self.rule(self.return_address) {
            Some(Rule::Undefined) => return Ok(Applied { cfa: Avma(cfa), caller: None }),
            None => return Err(RuleError::Bad("it has no rule for the return address".to_owned())),
            Some(_) => restored(self.return_address)?.ok_or(RuleError::Register(self.return_address))?,
        };
        let mut caller = FrameRegisters::new();
        for register in 0..RIP {
            if let Ok(Some(value)) = restored(register) {
                caller.set(register, value);
            }
        }
        caller.set(RIP, pc);
        Ok(Applied { cfa: Avma(cfa), caller: Some(caller) })
    }

    fn rule(&self, register: u16) -> Option<&Rule> {
        self.registers.get(usize::from(register))?.as_ref()
    }

    fn restore(
        &self,
        register: u16,
        cfa: u64,
        registers: &FrameRegisters,
        memory: &dyn Memory,
    ) -> Result<Option<u64>, RuleError> {
        let load = |at: u64| memory.read_u64(Avma(at)).map(Some).map_err(|absent| RuleError::Memory(Avma(at), absent));
        match self.rule(register) {
            // The CFA is, by definition, what the stack pointer was before the call.
            None if register == RSP => Ok(Some(cfa)),
            None if is_callee_saved(register) => Ok(registers.get(register)),
            None | Some(Rule::Undefined) => Ok(None),
            Some(Rule::SameValue) => Ok(registers.get(register)),
            Some(Rule::Offset(offset)) => load(cfa.wrapping_add_signed(*offset)),
            Some(Rule::ValOffset(offset)) => Ok(Some(cfa.wrapping_add_signed(*offset))),
            Some(Rule::Register(other)) => Ok(registers.get(*other)),
            Some(Rule::Expression(bytes)) => load(expression::evaluate(bytes, Some(cfa), registers, memory)?),
            Some(Rule::ValExpression(bytes)) => expression::evaluate(bytes, Some(cfa), registers, memory).map(Some),
            Some(Rule::Constant(value)) => Ok(Some(*value)),
        }
    }
}
