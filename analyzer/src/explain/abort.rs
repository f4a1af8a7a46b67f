//! What glibc wrote before it aborted: a failed assertion, a damaged heap, a smashed stack.

use dpdb_snapshot::{Avma, Text};

use crate::session::Session;

/// A message is one line; the kernel would not show more of it either.
const LONGEST_MESSAGE: u32 = 4096;

/// The message behind `__abort_msg`, which glibc keeps for just this: `struct abort_msg_s { unsigned int size; char
/// msg[]; } *` (include/assert.h, since 2.17; `size` is the whole mapping's).
pub(super) fn message(session: &Session) -> Option<Text> {
    session.modules().iter().find_map(|module| {
        let symbol = session.address_of(module, "__abort_msg")?;
        let at = session.memory().read_u64(symbol).ok().filter(|&at| at != 0)?;
        let mut size = [0; 4];
        session.memory().read(Avma(at), &mut size).ok()?;
        let longest = u32::from_le_bytes(size).min(LONGEST_MESSAGE) as usize;
        let (text, _) = session.memory().read_c_string(Avma(at).wrapping_add(4), longest).ok()?;
        let text = text.trim_ascii_end().to_vec();
        (!text.is_empty()).then_some(Text(text))
    })
}
