//! Where CPython reports exceptions that nobody handles.
//!
//! None of these functions is exported, so they are found by what points to them. A table row, as CPython's C code
//! lays them out, has the name and the function side by side (`PyMethodDef`, Include/methodobject.h; `PyGetSetDef`,
//! Include/descrobject.h).

use iced_x86::{Decoder, DecoderOptions, Instruction};

use super::{Catchpoint, ElfImage, Site};

/// The most bytes of a function that are looked through.
const LONGEST_FUNCTION: u64 = 4096;
/// `METH_O`: the function takes one argument.
const METH_O: u32 = 8;
/// Where `tp_getset` is in a type object: with and without the lock, on which free-threaded builds spend 16 bytes.
const TP_GETSET: [u64; 2] = [248, 264];
/// `sizeof(PyGetSetDef)`.
const GETSET_ROW: u64 = 40;
/// The most rows of a table.
const MOST_ROWS: u64 = 256;

/// The symbols that [`python_sites`] looks for.
pub(crate) fn is_wanted(name: &str) -> bool {
    matches!(name, "_PyRuntime" | "PyErr_PrintEx" | "PyTraceBack_Type" | "PyTraceBack_Here")
}

/// The catchpoints of a CPython, in the order of their worth; none where the file is none.
pub fn python_sites(image: &ElfImage) -> Vec<Site> {
    if image.symbol("_PyRuntime").is_none() {
        return Vec::new();
    }
    let site = |catchpoint, at: Option<u64>| at.map(|at| Site { catchpoint, at });
    let sites = [
        site(Catchpoint::PrintEx, print_ex(image)),
        site(Catchpoint::TracebackNext, traceback_next(image)),
        site(Catchpoint::ThreadExcepthook, method(image, "_excepthook")),
        site(Catchpoint::Unraisablehook, method(image, "unraisablehook")),
        site(Catchpoint::TracebackHere, image.symbol("PyTraceBack_Here").map(|here| here.at)),
    ];
    sites.into_iter().flatten().collect()
}

/// `_PyErr_PrintEx`: `PyErr_PrintEx` only fetches the thread state and jumps there. Builds with link-time optimisation
/// never enter the exported function (Debian's 3.13 on), but always the one that it jumps to.
fn print_ex(image: &ElfImage) -> Option<u64> {
    let exported = image.symbol("PyErr_PrintEx")?;
    let end = exported.at.saturating_add(exported.size.clamp(1, LONGEST_FUNCTION));
    let leaves = |to: &u64| !(exported.at..end).contains(to) && image.is_code(*to);
    branches(image, exported.at, exported.size, Instruction::is_jmp_short_or_near).into_iter().find(leaves)
}

/// The getter of `tb_next`.
fn traceback_next(image: &ElfImage) -> Option<u64> {
    let of_type = image.symbol("PyTraceBack_Type")?.at;
    let in_table = |table: u64| {
        let rows = (0..MOST_ROWS).map_while(|row| {
            let at = table.checked_add(row * GETSET_ROW)?;
            let name = image.word(at).filter(|name| *name != 0)?;
            Some((name, image.word(at + 8)?))
        });
        let mut found = rows.filter(|(name, get)| image.string_is(*name, "tb_next") && image.is_code(*get));
        found.next().map(|(_, get)| get)
    };
    TP_GETSET.iter().find_map(|offset| in_table(image.word(of_type.checked_add(*offset)?)?))
}

/// The function of the `PyMethodDef` of that name, a function of one argument. Where several have it, none is taken.
fn method(image: &ElfImage, name: &str) -> Option<u64> {
    let row = |at: u64| {
        let function = image.word(at + 8).filter(|function| image.is_code(*function))?;
        let flags = image.word(at + 16)? as u32;
        (flags == METH_O && image.string_is(image.word(at)?, name)).then_some(function)
    };
    let mut found: Vec<u64> = image.data_words().filter_map(row).collect();
    found.dedup();
    match found[..] {
        [function] => Some(function),
        _ => None,
    }
}

/// Where those direct branches of a function lead to that are of one kind, in their order.
pub(super) fn branches(image: &ElfImage, at: u64, size: u64, kind: fn(&Instruction) -> bool) -> Vec<u64> {
    let code = image.bytes(at, size.min(LONGEST_FUNCTION) as usize);
    let decoder = Decoder::with_ip(64, code, at, DecoderOptions::NONE);
    decoder.into_iter().filter(kind).map(|instruction| instruction.near_branch_target()).collect()
}
