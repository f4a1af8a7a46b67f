//! What equal crashes have in common, told to the supervisor while it still can choose how much to keep.

use std::path::Path;

use dpdb_supervisor::capture::SignatureReader;

use crate::cli::FileArgs;
use crate::engine::Engine;

/// Tells the signatures by which `report` groups crashes.
#[derive(Clone, Copy, Debug)]
pub struct CrashSignatures;

impl SignatureReader for CrashSignatures {
    fn signature(&self, written: &Path) -> Option<String> {
        let mut engine = Engine::open(written, &FileArgs::default()).ok()?;
        engine.process().cause.as_ref().filter(|cause| cause.is_crash())?;
        let signature = engine.signature();
        // Without a function nothing but the signal would be compared.
        (!signature.functions.is_empty()).then_some(signature.hash)
    }
}
