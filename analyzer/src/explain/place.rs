//! What an address is that could not be used.

use dpdb_snapshot::process::Process;
use dpdb_snapshot::{AddressRange, Avma};

use super::finding::{Finding, Neighbour};
use super::pattern::pattern_of;
use crate::arch::x86_64::operands::AccessKind;

/// Below this, mmap(2) gives nothing to anybody (`/proc/sys/vm/mmap_min_addr`), so an address there is an offset from
/// null.
const NULL_AREA: u64 = 0x10000;

/// How far before null an address is still called so; more is more likely a small negative number.
const BEFORE_NULL: i64 = -0x1000;

/// What is wrong with `address`, which `registers` were the parts of.
pub(super) fn describe(
    process: &Process,
    address: Avma,
    access: Option<AccessKind>,
    registers: &[(String, u64)],
) -> Vec<Finding> {
    if let Some(null) = null_offset(address) {
        return vec![Finding::Null { offset: null }];
    }
    let mut findings = vec![state(process, address, access)];
    if matches!(findings[0], Finding::NotMapped { .. } | Finding::NonCanonical { .. }) {
        findings.extend(origin(process, address, registers));
    }
    findings
}

fn null_offset(address: Avma) -> Option<i64> {
    let offset = address.0.cast_signed();
    (offset >= BEFORE_NULL && offset < NULL_AREA as i64).then_some(offset)
}

/// Whether the upper bits are copies of bit 47. (With five-level paging they are copies of bit 56, but the kernel
/// gives addresses beyond bit 47 only to those who ask for them.)
pub(super) fn is_canonical(address: u64) -> bool {
    let upper = address.cast_signed() >> 47;
    upper == 0 || upper == -1
}

/// The state of memory at an address.
fn state(process: &Process, address: Avma, access: Option<AccessKind>) -> Finding {
    if !is_canonical(address.0) {
        return Finding::NonCanonical { address };
    }
    let Some(mapping) = process.mapping_at(address) else {
        let (below, above) = process.neighbours_of(address);
        let neighbour = |distance, mapping: &dpdb_snapshot::Mapping| {
            Some(Neighbour { distance, range: mapping.range, path: mapping.path.clone() })
        };
        let below = below.and_then(|below| neighbour(address.0 - below.range.end.0, below));
        let above = above.and_then(|above| neighbour(above.range.start.0 - address.0, above));
        return Finding::NotMapped { address, below, above };
    };
    let permissions = mapping.permissions;
    let wanted = match access {
        None if !permissions.execute => "executed",
        Some(AccessKind::Write | AccessKind::ReadWrite) if !permissions.write => "written",
        Some(_) if !permissions.read => "read",
        _ => return Finding::Allowed { address, permissions: permissions.to_string() },
    };
    let (permissions, path) = (permissions.to_string(), mapping.path.clone());
    Finding::Forbidden { address, mapping: mapping.range, permissions, path, wanted }
}

/// Where the wrong address may come from: one of its parts, or itself.
fn origin(process: &Process, address: Avma, registers: &[(String, u64)]) -> Option<Finding> {
    let suspects = || {
        let parts = registers.iter().filter(|(_, value)| process.mapping_at(Avma(*value)).is_none());
        parts.map(|(name, value)| (Some(name.clone()), *value)).chain([(None, address.0)])
    };
    let looks_like = suspects()
        .find_map(|(register, value)| pattern_of(value).map(|pattern| Finding::LooksLike { value, register, pattern }));
    looks_like
        .or_else(|| suspects().find_map(|(_, value)| freed_chunk(process, value)))
        .or_else(|| suspects().find_map(|(_, value)| bit_flip(process, value)))
}

/// glibc keeps freed small chunks in lists whose links it hides: the link is xored with its own address shifted right
/// by 12 ("safe linking", malloc.c, `PROTECT_PTR`). The last of a list has no link, so only the shifted address is left.
fn freed_chunk(process: &Process, value: u64) -> Option<Finding> {
    let page = value.checked_mul(0x1000).filter(|_| value >= NULL_AREA)?;
    let mapping = process.mapping_at(Avma(page))?;
    let permissions = mapping.permissions;
    let is_heap = permissions.read && permissions.write && !mapping.path.0.starts_with(b"/");
    is_heap.then_some(Finding::FreedChunk { value, heap: mapping.range })
}

/// A single flipped bit, if exactly one makes an address of `value`. Of the lower bits every second one would.
fn bit_flip(process: &Process, value: u64) -> Option<Finding> {
    const LOWEST: u32 = 20;
    if value < NULL_AREA {
        return None;
    }
    let flips = (LOWEST..64).filter_map(|bit| Some((bit, process.mapping_at(Avma(value ^ 1 << bit))?)));
    let found: Vec<_> = flips.take(2).collect();
    let [(bit, mapping)] = found[..] else { return None };
    Some(Finding::BitFlip { value, bit, path: mapping.path.clone() })
}

/// The mapping that is a stack, of which `address` is just below the end, as it is when the stack is used up.
pub(super) fn stack_above(process: &Process, address: Avma, on_stack: Avma) -> Option<(AddressRange, bool)> {
    /// The kernel keeps a megabyte free below a stack that grows (`stack_guard_gap`); a large frame may reach further.
    const FURTHEST: u64 = 2 << 20;
    let stack = process.mapping_at(on_stack).filter(|mapping| mapping.permissions.write)?;
    let below = stack.range.start.0.checked_sub(address.0)?;
    let at = process.mapping_at(address);
    let is_guard = at.is_some_and(|mapping| !mapping.permissions.read && !mapping.permissions.write);
    (below > 0 && below <= FURTHEST && (at.is_none() || is_guard)).then_some((stack.range, is_guard))
}

#[cfg(test)]
mod tests {
    use dpdb_snapshot::process::{Permissions, Process};
    use dpdb_snapshot::{AddressRange, Avma, Mapping, Text};

    use super::{AccessKind, describe, stack_above};

    fn process() -> Process {
        let mapping = |start, end, letters: &str, path: &str| Mapping {
            range: AddressRange::new(start, end),
            permissions: Permissions {
                read: letters.contains('r'),
                write: letters.contains('w'),
                execute: letters.contains('x'),
                shared: false,
            },
            path: Text::from(path),
            ..Mapping::default()
        };
        let mappings = vec![
            mapping(0x40_0000, 0x40_1000, "rx", "/bin/program"),
            mapping(0x5555_5555_0000, 0x5555_5557_0000, "rw", "[heap]"),
            mapping(0x7fff_ff00_0000, 0x7fff_ff00_1000, "", ""),
            mapping(0x7fff_ff00_1000, 0x7fff_ff80_0000, "rw", "[stack]"),
        ];
        Process { mappings, ..Process::default() }
    }

    fn kinds(address: u64, access: Option<AccessKind>, registers: &[(String, u64)]) -> Vec<String> {
        let findings = describe(&process(), Avma(address), access, registers);
        findings
            .iter()
            .map(|finding| serde_json::to_value(finding).unwrap()["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn an_address_is_told_by_what_is_there() {
        let read = Some(AccessKind::Read);
        assert_eq!(kinds(0, read, &[]), ["null"]);
        assert_eq!(kinds(0x18, read, &[]), ["null"]);
        assert_eq!(kinds(u64::MAX - 7, read, &[]), ["null"]);
        assert_eq!(kinds(0x40_0010, Some(AccessKind::Write), &[]), ["forbidden"]);
        assert_eq!(kinds(0x40_0010, read, &[]), ["allowed"]);
        assert_eq!(kinds(0x5555_5555_0000, None, &[]), ["forbidden"]);
        assert_eq!(kinds(0x1_0000_0000_0000, read, &[])[0], "non_canonical");
        assert_eq!(kinds(0x5555_5557_0010, read, &[])[0], "not_mapped");
    }

    #[test]
    fn the_register_that_looks_wrong_is_named() {
        let parts = [("rax".to_owned(), 0x5555_5555_0010), ("rcx".to_owned(), 0x4141_4141_4141_4141)];
        let findings = describe(&process(), Avma(0x4142_9696_9696_4151), Some(AccessKind::Read), &parts);
        assert!(findings[1].to_string().contains("rcx holds"), "{}", findings[1]);
        assert!(findings[1].to_string().contains("AAAAAAAA"), "{}", findings[1]);
    }

    #[test]
    fn guesses_say_that_they_are() {
        for value in [0x5_5555_5550_u64, 0x5555_5555_0010 ^ 1 << 40] {
            let findings = describe(&process(), Avma(value), Some(AccessKind::Read), &[]);
            assert!(findings[1].to_string().starts_with("A guess:"), "{:?}", findings);
        }
    }

    #[test]
    fn only_what_is_just_below_a_stack_is_an_overflow() {
        let process = process();
        let on_stack = Avma(0x7fff_ff00_1010);
        assert_eq!(stack_above(&process, Avma(0x7fff_ff00_0ff8), on_stack).map(|(_, guard)| guard), Some(true));
        assert_eq!(stack_above(&process, Avma(0x7fff_feff_fff8), on_stack).map(|(_, guard)| guard), Some(false));
        assert_eq!(stack_above(&process, Avma(0x7fff_0000_0000), on_stack), None);
        assert_eq!(stack_above(&process, Avma(0x7fff_ff00_2000), on_stack), None);
    }
}
