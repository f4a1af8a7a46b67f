//! A death until the file is there: under us, and with the kernel's core that zstd compresses.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::deaths::{Death, remove};
use super::{RUNS, Shape, cores, scratch, show};

/// What the supervisor took at most, told by itself at its end.
const PEAK: &str = "--exec-on-snapshot 'grep VmHWM /proc/$PPID/status > peak; true'";

pub(super) fn compare(shape: Shape) {
    let dir = scratch();
    let (mut ours, mut kernels, mut compressing) = (Vec::new(), Vec::new(), Vec::new());
    let (mut our_size, mut their_size) = (0, 0);
    for _ in 0..RUNS {
        ours.push(Death::under_us(dir.path(), shape, PEAK).whole);
        our_size = size(&dir.path().join("ours.snap"));
        remove(dir.path(), "ours.snap");
        let death = Death::with_core(dir.path(), shape);
        for core in cores(dir.path()) {
            kernels.push(death.whole);
            let started = Instant::now();
            let mut zstd = Command::new("zstd");
            zstd.args(["-1", "-T0", "-q", "-f", "-o"]).arg(dir.path().join("zst")).arg(&core);
            if zstd.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
                compressing.push(started.elapsed());
                their_size = size(&dir.path().join("zst"));
            }
            let _ = std::fs::remove_file(core);
        }
    }
    let peak = std::fs::read_to_string(dir.path().join("peak")).unwrap_or_default();
    println!(
        "  {shape}   dpdb-trace {}, {} MiB, with {}   kernel's core into a file {}, then zstd -1 -T0 {}, {} MiB",
        show(&mut ours),
        our_size >> 20,
        peak.split_whitespace().collect::<Vec<_>>().join(" "),
        show(&mut kernels),
        show(&mut compressing),
        their_size >> 20
    );
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
