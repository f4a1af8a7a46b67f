//! Walking a stack: from the innermost frame outwards, by the best of the strategies that works for each frame.

mod call_site;
mod cfi;
mod eh_frame_hdr;
mod expression;
mod frame_pointer;
mod prologue;
mod return_address;
mod rules;
mod scan;
mod signal_trampoline;
mod space;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use cfi::CallFrameInfo;
pub(crate) use space::Space;
pub(crate) use walk::walk;
