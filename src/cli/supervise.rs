//! The options of what runs under supervision: a command, what runs already, one snapshot of it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use dpdb_supervisor::capture::{Dedupe, MemoryChoice, MinFree, Pattern, Settings};
use dpdb_supervisor::catch::CatchList;
use dpdb_supervisor::{ExitCodes, Options, SignalSet, Trigger, parse_duration, parse_size};

use super::usage_error;
use crate::python_sources::PythonSources;
use crate::signature_reader::CrashSignatures;

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
    /// Name the socket on which any process of the tree may ask for snapshots in its environment, as DPDB_TRACE_SOCKET
    #[arg(long)]
    pub socket: bool,
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
    --ignore-exception 'app.Retry*'      not these\n  \
    --catch=+python-all                  of Python also as they are raised, handled or not\n\n\
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
#[derive(Clone, Debug, Args)]
pub struct OutputArgs {
    /// Put snapshots into this directory, which is made if need be [default: the working directory]
    #[arg(long, short = 'd', value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Name snapshots so; a taken name gets .1, .2 … [default: pid_{pid}.snap]
    #[arg(long, value_name = "TEMPLATE")]
    pub name: Option<String>,
    /// How much of the memory: stacks, reachable, reachable:SIZE (what pointers lead to from stacks and module data, up
    /// to SIZE) [default size: 64M], data (no shared memory), full
    #[arg(long, value_name = "WHAT", default_value = "full", hide_default_value = true, value_parser = MemoryChoice::parse)]
    pub memory: MemoryChoice,
    /// The zstd level, from -7 (fast) to 19 (small)
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true,
        value_parser = clap::value_parser!(i32).range(-7..=19))]
    pub level: i32,
    /// Write pages that a snapshot of this run has already, at the same addresses, only there: the others name it and need it
    #[arg(long, value_name = "auto")]
    pub base: Option<BaseArgument>,
    /// Cut a snapshot off at its least valuable end where its file would have more bytes than SIZE (such as 500M, 2G)
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_size: Option<u64>,
    /// Cut it off where it would take longer than TIME from the stop on
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub deadline: Option<Duration>,
    /// Cut it off where less of the disk would be left free than SIZE or N% [default: 10%, at most 4G]
    #[arg(long, value_name = "SIZE|N%", value_parser = MinFree::parse)]
    pub min_free: Option<MinFree>,
    /// Write environment and command line as they are, with what looks like keys, tokens and passwords
    #[arg(long)]
    pub no_scrub: bool,
    /// Replace what matches RE by asterisks in all memory, environment and arguments, such as '\d{4}(-\d{4}){3}' (may be repeated)
    #[arg(long, value_name = "RE", value_parser = Pattern::parse)]
    pub scrub_pattern: Vec<Pattern>,
    /// Replace all values of the environment, and copies of those that look secret anywhere in memory
    #[arg(long, conflicts_with = "no_scrub")]
    pub scrub_env_memory: bool,
    /// Read a process in place and hold it until that is done, instead of a clone of it
    #[arg(long)]
    pub no_clone: bool,
    /// Keep the whole source files of the Python frames in the snapshot, not only the lines around each
    #[arg(long)]
    pub embed_sources: bool,
}

/// What snapshots are taken beyond.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum BaseArgument {
    /// A whole one of this run, chosen by what both have in common
    Auto,
}

/// What leaves a snapshot.
#[derive(Clone, Debug, Default, Args)]
pub struct WatchArgs {
    /// Take at most so many snapshots; later deaths are only reported
    #[arg(long, value_name = "N")]
    pub max_snapshots: Option<u64>,
    /// The files of all snapshots of this run together have at most SIZE bytes
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_total: Option<u64>,
    /// Keep the N newest snapshots of this run, and remove older ones of it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub keep: Option<u64>,
    /// Keep N crashes (1) of each signature of 'report' as they are, and of others like them the stacks only, with their count
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub dedupe: Option<u64>,
    /// Which deaths leave a snapshot: a list, +SIG and -SIG, or all
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub signals: Option<String>,
    /// What leaves a snapshot: signals, python, python-logged, python-all or python-all:GLOB (as they are raised),
    /// python:TYPE, cxx, cxx-throw, rust-panic; +X and -X change the default [default: signals,python]
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub catch: Option<String>,
    /// Take no snapshot for exceptions whose type matches, such as 'app.*' (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub ignore_exception: Vec<String>,
    /// Of exceptions that are taken as they are raised, take so many of each line that raises some, in each process
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub per_place: usize,
    /// Exceptions that are raised in these files are taken though they are those of installed packages, such as
    /// '*/site-packages/app/*' (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub own_code: Vec<String>,
    /// A process that exits with CODE, or with any but zero, leaves a snapshot too
    #[arg(long, value_name = "nonzero|CODE", value_parser = ExitCodes::parse)]
    pub on_exit: Option<ExitCodes>,
    /// Take a snapshot of the tree every TIME, such as 30s or 5m
    #[arg(long, value_name = "TIME", help_heading = TRIGGERS)]
    pub every: Option<String>,
    /// … of the tree, when no process of it got any processor time for TIME: it hangs
    #[arg(long, value_name = "TIME", help_heading = TRIGGERS)]
    pub idle: Option<String>,
    /// … of a process that has more than SIZE of memory resident
    #[arg(long, value_name = "SIZE", help_heading = TRIGGERS)]
    pub rss_over: Option<String>,
    /// … of the tree, when its control group has used more than N% of its memory
    #[arg(long, value_name = "N%", help_heading = TRIGGERS)]
    pub cgroup_over: Option<String>,
    /// … of a process that takes more than N% of a processor over TIME (10s)
    #[arg(long, value_name = "N%[:TIME]", help_heading = TRIGGERS)]
    pub cpu_over: Option<String>,
    /// … of a process with more threads than N
    #[arg(long, value_name = "N", help_heading = TRIGGERS)]
    pub threads_over: Option<String>,
    /// … of a process with more open files than N
    #[arg(long, value_name = "N", help_heading = TRIGGERS)]
    pub fds_over: Option<String>,
    /// … of a process that gets this signal, before it takes it (may be repeated)
    #[arg(long, value_name = "SIG", help_heading = TRIGGERS)]
    pub on_signal: Vec<String>,
    /// … of a process that somebody kills by SIGKILL
    #[arg(long, value_name = "", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = TRIGGERS)]
    pub on_kill: Option<String>,
    /// When a process crashes, … of all others of the tree, at that instant
    #[arg(long, value_name = "tree", help_heading = TRIGGERS)]
    pub on_crash: Option<String>,
    /// Run CMD by a shell after each snapshot, with its path as last argument and what 'info --json' says on stdin
    #[arg(long, value_name = "CMD")]
    pub exec_on_snapshot: Option<String>,
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
    /// Write every start, exec, exit, death and snapshot into this file, a JSON object per line
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}

const TRIGGERS: &str = "Triggers, each perhaps with ,limit=N and ,cooldown=TIME";

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
        options.tell_socket = self.socket;
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
        options.capture = Settings {
            memory: self.memory,
            level: self.level,
            max_size: self.max_size,
            deadline: self.deadline,
            scrub: !self.no_scrub,
            scrub_env_memory: self.scrub_env_memory,
            scrub_patterns: self.scrub_pattern.clone(),
            deltas: self.base.is_some(),
            dedupe: None,
            sources: Some(Arc::new(PythonSources { whole: self.embed_sources })),
        };
        options.room.min_free = self.min_free.unwrap_or_default();
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
        options.catch.per_place = self.per_place;
        options.catch.own_code.clone_from(&self.own_code);
        options.room.max_snapshots = self.max_snapshots;
        options.room.max_total = self.max_total;
        options.room.keep = self.keep;
        options.capture.dedupe = self.dedupe.map(|whole| Dedupe::new(whole, Arc::new(CrashSignatures)));
        options.on_exit = self.on_exit;
        options.journal.clone_from(&self.journal);
        for (name, value) in self.triggers() {
            let trigger = Trigger::parse(name, value).map_err(|error| usage_error(format!("--{name}: {error}")))?;
            options.triggers.push(trigger);
        }
        Ok(())
    }

    fn triggers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let single = [
            ("every", &self.every),
            ("idle", &self.idle),
            ("rss-over", &self.rss_over),
            ("cgroup-over", &self.cgroup_over),
            ("cpu-over", &self.cpu_over),
            ("threads-over", &self.threads_over),
            ("fds-over", &self.fds_over),
            ("on-kill", &self.on_kill),
            ("on-crash", &self.on_crash),
        ];
        let signals = self.on_signal.iter().map(|value| ("on-signal", value.as_str()));
        single.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).chain(signals)
    }
}
