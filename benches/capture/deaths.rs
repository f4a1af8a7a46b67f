//! A death bare, under us, and with the kernel writing a core into a file, by turns.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::common::fixture;
use super::{DPDB_TRACE, RUNS, Shape, cores, scratch, show};

pub(super) fn compare(shape: Shape) {
    let dir = scratch();
    let (mut forks, mut bare, mut ours, mut kernels) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let alone = Death::bare(dir.path(), shape);
        forks.push(alone.fork);
        bare.push(alone.parent_told);
        ours.push(Death::under_us(dir.path(), shape, "").parent_told);
        remove(dir.path(), "ours.snap");
        let death = Death::with_core(dir.path(), shape);
        kernels.extend(cores(dir.path()).iter().map(|core| {
            let _ = std::fs::remove_file(core);
            death.parent_told
        }));
    }
    println!(
        "  {shape}   bare {}   dpdb-trace {}   kernel's core {}   (a bare fork of it {})",
        show(&mut bare),
        show(&mut ours),
        show(&mut kernels),
        show(&mut forks)
    );
}

/// What a death took.
pub(super) struct Death {
    /// A fork of the process before.
    pub(super) fork: Duration,
    /// Until its parent knew.
    pub(super) parent_told: Duration,
    /// Until everything was over.
    pub(super) whole: Duration,
}

impl Death {
    fn bare(dir: &Path, shape: Shape) -> Death {
        Death::run(dir, shape, "ulimit -c 0; exec \"$@\"")
    }

    /// Leaves `ours.snap`.
    pub(super) fn under_us(dir: &Path, shape: Shape, options: &str) -> Death {
        Death::run(dir, shape, &format!("ulimit -c 0; exec {DPDB_TRACE} --quiet --name ours.snap {options} -- \"$@\""))
    }

    /// Leaves a core, if the kernel's pattern names a file.
    pub(super) fn with_core(dir: &Path, shape: Shape) -> Death {
        Death::run(dir, shape, "ulimit -c unlimited; exec \"$@\"")
    }

    /// What the fixture says of its fork and its death, run by a shell script.
    fn run(dir: &Path, shape: Shape, script: &str) -> Death {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(fixture("death_time.c")).args(shape.arguments()).current_dir(dir);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("sh is there");
        let mut line = String::new();
        let output = child.stdout.take().expect("it was asked for");
        BufReader::new(output).read_line(&mut line).expect("it is text");
        let told = Instant::now();
        child.wait().expect("it is our child");
        let mut numbers = line.split_whitespace().map(|number| Duration::from_micros(number.parse().unwrap_or(0)));
        let (fork, parent_told) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        Death { fork, parent_told, whole: parent_told + told.elapsed() }
    }
}

pub(super) fn remove(dir: &Path, name: &str) {
    // Without it there was no snapshot, which the numbers show.
    let _ = std::fs::remove_file(dir.join(name));
}
