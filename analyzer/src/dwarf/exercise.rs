//! Everything there is to ask of a file, asked: what the tests of damaged files and the fuzz target call.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::{DebugInfo, NameKind};
use crate::watch::Unwatched;
use crate::{ObjectFile, Svma, SymbolTable};

/// Addresses that are asked for, however wide the range is.
const MOST_ADDRESSES: usize = 1000;

/// Takes any bytes for an ELF file and asks for the names, lines and calls at every seventh of `addresses`, and for
/// functions and files by name. Nothing is returned: what counts is that it does.
pub fn exercise(bytes: &[u8], addresses: Range<u64>) {
    let Ok(file) = ObjectFile::from_bytes(PathBuf::from("exercised"), bytes.to_vec()) else { return };
    let file = Arc::new(file);
    let symbols = SymbolTable::read(std::slice::from_ref(&file));
    let info = DebugInfo::of(file, None, Vec::new(), Arc::new(Unwatched));
    for address in addresses.step_by(7).take(MOST_ADDRESSES).map(Svma) {
        let _ = (symbols.function_at(address), symbols.data_at(address));
        if let Some(view) = info.as_ref().map(DebugInfo::view) {
            let _ = (view.place(address), view.calls_of(address, &|_, _| true), view.function_lines(address));
        }
    }
    if let Some(view) = info.as_ref().map(DebugInfo::view) {
        let _ = (view.functions_named("last"), view.files_named("inlined.c".as_ref()));
        for kind in [NameKind::Type(None), NameKind::Variable, NameKind::Function, NameKind::Enumerator] {
            let _ = view.named_like(kind, &|_| true).count();
        }
    }
}
