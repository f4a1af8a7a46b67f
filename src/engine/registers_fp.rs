//! Floating-point and vector registers, out of the FXSAVE and XSAVE areas.

use dpdb_snapshot::Registers;
use serde::Serialize;

/// A register wider than 64 bits, or one of the floating-point unit's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VectorRegister {
    /// Its name.
    pub name: String,
    /// Its bits as one hexadecimal number, the highest first.
    pub value: String,
}

/// The FXSAVE area (Intel SDM volume 1, table 10-2).
const FXSAVE_SIZE: usize = 512;
/// Where the upper halves of ymm0 to ymm15 are in the standard format of XSAVE, which ptrace uses (SDM 13.4.2).
const AVX_OFFSET: usize = 576;
/// Bit 2 of XSTATE_BV: the AVX state is not in its initial configuration (SDM 13.4.2).
const AVX_BIT: u8 = 1 << 2;

/// The x87 control words, `st0` to `st7`, `mxcsr`, and `ymm` (or `xmm`, without AVX) registers.
pub fn vector_registers(registers: &Registers) -> Vec<VectorRegister> {
    let xstate = registers.xstate.as_deref();
    let area = registers.fp.as_deref().filter(|fp| fp.len() >= FXSAVE_SIZE);
    let Some(area) = area.or(xstate).filter(|area| area.len() >= FXSAVE_SIZE) else { return Vec::new() };
    let mut found = vec![
        vector("fctrl", &area[0..2]),
        vector("fstat", &area[2..4]),
        vector("ftag", &area[4..5]),
        vector("fop", &area[6..8]),
        vector("mxcsr", &area[24..28]),
    ];
    for index in 0..8 {
        let at = 32 + index * 16;
        found.push(vector(&format!("st{index}"), &area[at..at + 10]));
    }
    for index in 0..16 {
        let at = 160 + index * 16;
        let low = &area[at..at + 16];
        found.push(match xstate.filter(|xstate| xstate.len() >= AVX_OFFSET + 256) {
            Some(xstate) => ymm(index, low, xstate),
            None => vector(&format!("xmm{index}"), low),
        });
    }
    found
}

fn ymm(index: usize, low: &[u8], xstate: &[u8]) -> VectorRegister {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(low);
    // In its initial configuration the state is all zeros, whatever the area holds.
    if xstate[FXSAVE_SIZE] & AVX_BIT != 0 {
        let at = AVX_OFFSET + index * 16;
        bytes[16..].copy_from_slice(&xstate[at..at + 16]);
    }
    vector(&format!("ymm{index}"), &bytes)
}

fn vector(name: &str, bytes: &[u8]) -> VectorRegister {
    let digits: String = bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect();
    VectorRegister { name: name.to_owned(), value: format!("0x{digits}") }
}

#[cfg(test)]
mod tests {
    use super::vector_registers;
    use dpdb_snapshot::Registers;

    #[test]
    fn ymm_registers_are_put_together_from_both_areas() {
        let mut xstate = vec![0; 832];
        xstate[160] = 0x11;
        xstate[512] = 7;
        xstate[576] = 0x22;
        let found = vector_registers(&Registers { xstate: Some(xstate), ..Registers::default() });
        let ymm0 = found.iter().find(|register| register.name == "ymm0").unwrap();
        assert_eq!(ymm0.value, format!("0x{}22{}11", "00".repeat(15), "00".repeat(15)));
    }

    #[test]
    fn short_areas_give_no_registers() {
        let registers = Registers { fp: Some(vec![0; 100]), xstate: Some(vec![0; 3]), ..Registers::default() };
        assert_eq!(vector_registers(&registers), []);
    }
}
