//! What a DWARF register number holds in a frame (x86-64 psABI, figure 3.36).

use std::sync::Arc;

use super::context::Context;
use super::place::{Missing, Source};
use crate::arch::x86_64::REGISTER_NAMES;
use crate::frame::FrameRegisters;

/// `xmm0` to `xmm15`.
const VECTOR: std::ops::Range<u16> = 17..33;
/// `st0` to `st7`.
const X87: std::ops::Range<u16> = 33..41;
const FS_BASE: u16 = 58;
const GS_BASE: u16 = 59;

/// Where FXSAVE keeps the x87 and the vector registers (Intel SDM, volume 1, table 10-2).
const X87_AREA: usize = 32;
const VECTOR_AREA: usize = 160;

/// The bytes in a register.
pub(super) fn bytes(context: Context<'_, '_>, register: u16) -> Result<Arc<[u8]>, Missing> {
    match source(context, register) {
        Source::Register(bytes) => Ok(bytes),
        Source::Missing(missing) => Err(missing),
        Source::Memory(_) | Source::Constant(_) | Source::ImplicitPointer { .. } => Err(Missing::OptimizedOut),
    }
}

/// A register as the storage of a value.
pub(super) fn source(context: Context<'_, '_>, register: u16) -> Source {
    let Some(frame) = context.frame else { return Source::Missing(Missing::NoAddress) };
    let general = |registers: &FrameRegisters| registers.get(register).map(|value| value.to_le_bytes().to_vec());
    let (name, bytes) = match register {
        0..=16 => (REGISTER_NAMES[usize::from(register)], general(&frame.frame().registers)),
        FS_BASE | GS_BASE => {
            let all = frame.thread.registers.as_ref().map(|all| all.general);
            let base = |general: dpdb_snapshot::arch::x86_64::GeneralRegisters| {
                if register == FS_BASE { general.fs_base } else { general.gs_base }
            };
            ("a segment base", all.map(|general| base(general).to_le_bytes().to_vec()))
        }
        _ if VECTOR.contains(&register) => {
            let index = usize::from(register - VECTOR.start);
            ("a vector register", fxsave(&frame, VECTOR_AREA + 16 * index, 16))
        }
        _ if X87.contains(&register) => {
            let index = usize::from(register - X87.start);
            ("an x87 register", fxsave(&frame, X87_AREA + 16 * index, 10))
        }
        _ => return Source::Missing(Missing::Unsupported(format!("DWARF register {register}"))),
    };
    bytes.map_or(Source::Missing(Missing::NotSaved(name)), |bytes| Source::Register(bytes.into()))
}

/// Bytes of the FXSAVE area. No callee saves these registers, so an upper frame's are known only while nothing has
/// run below it.
fn fxsave(frame: &super::context::FrameContext<'_>, at: usize, size: usize) -> Option<Vec<u8>> {
    if frame.index != 0 {
        return None;
    }
    let registers = frame.thread.registers.as_ref()?;
    let area = registers.fp.as_ref().or(registers.xstate.as_ref())?;
    area.get(at..at + size).map(<[u8]>::to_vec)
}
