//! Do our frames tell the truth? The programs of `fixtures/programs` die under dpdb-trace in many compilers and
//! debug-info formats, and what we show is held against gdb, against the kernel's own cores and against gcore's.

#[path = "../common/mod.rs"]
mod common;

mod accepted;
mod comparison;
mod damaged_containers;
mod documents;
mod foreign_cores;
mod gdb_agreement;
mod oracle;
mod programs;
mod real_programs;
mod report;
mod values;

/// One test per variant, so that they run side by side and a failure names its variant.
macro_rules! for_each_variant {
    ($check:path: $($name:ident = $variant:literal),+ $(,)?) => {
        $(#[test]
        fn $name() {
            $check($variant);
        })+
    };
}
pub(crate) use for_each_variant;
