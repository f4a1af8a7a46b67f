//! Time: `core/src/time.rs`, `std/src/sys/pal/unix/time.rs`.

use super::super::Shown;
use super::super::lens::{Lens, Looked, Object, broken};
use crate::value::Logical;

const SECOND: u64 = 1_000_000_000;

pub(super) fn duration(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let seconds = lens.number_in(object, "secs")?;
    let nanoseconds = lens.number(&lens.any_member(object, &["nanos.__0", "nanos"])?)?;
    if nanoseconds >= SECOND {
        return broken(format!("it has {nanoseconds} nanoseconds besides its seconds"));
    }
    Ok(beside(format!("{:?}", std::time::Duration::new(seconds, nanoseconds as u32))))
}

pub(super) fn instant(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let text = timespec(lens, object)?;
    Ok(beside(format!("{text} s since the machine started")))
}

pub(super) fn system_time(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let text = timespec(lens, object)?;
    Ok(beside(format!("{text} s since 1970")))
}

fn timespec(lens: &Lens<'_, '_, '_>, object: &Object) -> Looked<String> {
    let time = lens.any_member(object, &["__0.t", "__0"])?;
    let seconds = lens.number_in(&time, "tv_sec")? as i64;
    let nanoseconds = lens.number(&lens.any_member(&time, &["tv_nsec.__0", "tv_nsec"])?)?;
    if nanoseconds >= SECOND {
        return broken(format!("it has {nanoseconds} nanoseconds besides its seconds"));
    }
    Ok(format!("{seconds}.{nanoseconds:09}"))
}

fn beside(summary: String) -> Shown {
    Shown::Beside(Logical::Object { summary, fields: Vec::new() }.into())
}
