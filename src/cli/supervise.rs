//! The options of what runs under supervision: a command, what runs already, one snapshot of it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use dpdb_supervisor::catch::CatchList;
use dpdb_supervisor::{ExitCodes, Options, SignalSet, parse_duration};

use super::usage_error;

/// How to run a command under supervision.
#[derive(Clone, Debug, Args)]
#[command(after_help = HELP_ON_LISTS)]
pub struct RunArgs {
    /// Where snapshots go.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What leaves one.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// Wait for the whole tree, not only for the command itself
    #[arg(long)]
    pub wait_all: bool,
    /// If we are killed, the command is killed too
    #[arg(long)]
    pub kill_on_exit: bool,
    /// After TIME (such as 90s, 5m, 1h), take a snapshot of each process, then end the command
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

const HELP_ON_LISTS: &str = "Signals: names with or without SIG, or numbers, separated by commas.\n  \
    --signals SEGV,ABRT      these only\n  \
    --signals=+KILL,-QUIT    the default set (SEGV BUS FPE ILL ABRT SYS TRAP QUIT XCPU XFSZ), changed\n  \
    --signals all            every signal that ends a process\n\n\
    Exceptions that nobody handles leave snapshots, too:\n  \
    --catch=+cxx,+rust-panic             those of C++ and Rust beside those of Python\n  \
    --catch python:KeyboardInterrupt     of Python only, and this one though it is no failure\n  \
    --ignore-exception 'app.Retry*'      not these\n\n\
    Fields of --name: {pid} {ppid} {comm} {signal} {time} {host} {rank} {n}";

/// What to supervise that runs already.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "It is not stopped for that. Ctrl-C (or SIGTERM) lets it go again; a second one does not wait for \
    snapshots\nthat are being written. The exit status is 0, however the process ends.\n\n\
    Examples:\n  \
    dpdb-trace attach 1234                what crashes leaves a snapshot, from now on\n  \
    dpdb-trace attach 1234 --tree -d /var/crashes"
)]
pub struct AttachArgs {
    /// The process
    pub pid: i32,
    /// All that descend from it, too, until the last of them ends
    #[arg(long)]
    pub tree: bool,
    /// Where snapshots go.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What leaves one.
    #[command(flatten)]
    pub watch: WatchArgs,
}

/// Of what to take a snapshot.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Any process of yours; of others as root. The path of the snapshot is printed. Where dpdb-trace \
    supervises the process,\nits own options say what the snapshot is like, and not those given here.\n\n\
    Examples:\n  \
    dpdb-trace snap 1234          why does it hang? dpdb-trace pid_1234.snap -c 'thread apply all bt'\n  \
    dpdb-trace snap 1234 --tree   with all that descend from it, or are supervised with it\n  \
    dpdb-trace snap $$            from a shell, of itself"
)]
pub struct SnapArgs {
    /// The process
    pub pid: i32,
    /// All that descend from it; where it is supervised, all that are supervised with it
    #[arg(long)]
    pub tree: bool,
    /// Where snapshots go.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where snapshots go, and what they are like.
#[derive(Clone, Debug, Default, Args)]
pub struct OutputArgs {
    /// Put snapshots into this directory, which is made if need be [default: the working directory]
    #[arg(long, short = 'd', value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Name snapshots so; a taken name gets .1, .2 … [default: pid_{pid}.snap]
    #[arg(long, value_name = "TEMPLATE")]
    pub name: Option<String>,
    /// Read a process in place and hold it until that is done, instead of a clone of it
    #[arg(long)]
    pub no_clone: bool,
}

/// What leaves a snapshot.
#[derive(Clone, Debug, Default, Args)]
pub struct WatchArgs {
    /// Keep at most so many snapshots; later deaths are only reported
    #[arg(long, value_name = "N")]
    pub max_snapshots: Option<u64>,
    /// Which deaths leave a snapshot: a list, +SIG and -SIG, or all
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub signals: Option<String>,
    /// What leaves a snapshot besides: signals, python, python-logged, python:TYPE, cxx, cxx-throw, rust-panic; +X and
    /// -X change the default [default: signals,python]
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub catch: Option<String>,
    /// Take no snapshot for exceptions whose type matches, such as 'app.*' (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub ignore_exception: Vec<String>,
    /// A process that exits with CODE, or with any but zero, leaves a snapshot too
    #[arg(long, value_name = "nonzero|CODE", value_parser = ExitCodes::parse)]
    pub on_exit: Option<ExitCodes>,
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
    /// Write every start, exec, exit, death and snapshot into this file, a JSON object per line
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}

impl RunArgs {
    /// What the supervisor is to do.
    ///
    /// # Errors
    /// A list that names nothing.
    pub fn options(&self) -> Result<Options, clap::Error> {
        let mut options = Options::new(self.command.clone());
        self.output.apply(&mut options);
        self.watch.apply(&mut options)?;
        options.wait_all = self.wait_all;
        options.kill_on_exit = self.kill_on_exit;
        options.timeout = self.timeout;
        Ok(options)
    }
}

impl AttachArgs {
    /// What the supervisor is to do.
    ///
    /// # Errors
    /// A list that names nothing.
    pub fn options(&self) -> Result<Options, clap::Error> {
        let mut options = Options::new(Vec::new());
        self.output.apply(&mut options);
        self.watch.apply(&mut options)?;
        options.wait_all = self.tree;
        Ok(options)
    }
}

impl SnapArgs {
    /// How a snapshot is taken of what nobody supervises.
    pub fn options(&self) -> Options {
        let mut options = Options::new(Vec::new());
        self.output.apply(&mut options);
        options
    }
}

impl OutputArgs {
    fn apply(&self, options: &mut Options) {
        if let Some(directory) = &self.output_dir {
            options.output_dir.clone_from(directory);
        }
        if let Some(name) = &self.name {
            options.name_template.clone_from(name);
        }
        options.no_clone = self.no_clone;
    }
}

impl WatchArgs {
    fn apply(&self, options: &mut Options) -> Result<(), clap::Error> {
        if let Some(list) = &self.signals {
            options.signals = SignalSet::parse(list).map_err(|error| usage_error(format!("--signals: {error}")))?;
        }
        if let Some(list) = &self.catch {
            options.catch = CatchList::parse(list).map_err(|error| usage_error(format!("--catch: {error}")))?;
        }
        options.catch.ignored.clone_from(&self.ignore_exception);
        options.max_snapshots = self.max_snapshots;
        options.on_exit = self.on_exit;
        options.journal.clone_from(&self.journal);
        Ok(())
    }
}
