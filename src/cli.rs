//! The command line: what may be asked of the program, and how it is spelled.
//!
//! A command to supervise is the plain use, so it needs no subcommand: options of ours end where the command begins,
//! as with env(1), time(1) and strace(1). A word that is also a subcommand's name is run after `--` or `run`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

mod supervise;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::engine::LimitOptions;
use crate::snapshot_files::is_snapshot_or_core;

pub use supervise::{AttachArgs, BaseArgument, OutputArgs, RunArgs, SnapArgs, WatchArgs};

/// What the command line asks for.
#[derive(Debug)]
pub enum Request {
    /// Run a command under supervision.
    Run(RunArgs),
    /// Open a snapshot or core.
    Inspect(InspectArgs),
    /// Print what files say of themselves.
    Info(InfoArgs),
    /// List snapshots.
    Ls(LsArgs),
    /// Write the plain ELF core.
    Export(ExportArgs),
    /// Make a delta whole.
    Pack(PackArgs),
    /// Print the frames of all threads as `frames/1`.
    Report(ReportArgs),
    /// Supervise what runs already.
    Attach(AttachArgs),
    /// Take a snapshot of a process that runs.
    Snap(SnapArgs),
    /// Say whether tracing works here.
    Doctor(DoctorArgs),
}

#[derive(Debug, Parser)]
#[command(
    name = "dpdb-trace",
    version,
    about = "Run a command; keep a debuggable snapshot of every process of it that crashes",
    override_usage = "dpdb-trace [OPTIONS] [--] COMMAND [ARGS]...\n       dpdb-trace FILE\n       dpdb-trace <inspect|info|ls|export|pack|report|snap|attach|doctor|run> ...",
    after_help = "Examples:\n  \
        dpdb-trace ./worker --jobs 8                  supervise; what dies leaves pid_N.snap\n  \
        dpdb-trace --output-dir /tmp/crashes -- make test\n  \
        dpdb-trace snap 1234                          a snapshot of what runs, or hangs\n  \
        dpdb-trace pid_1234.snap                      look at a crash\n  \
        dpdb-trace inspect core -c bt -c 'info'       commands without a prompt\n  \
        dpdb-trace export pid_1234.snap -o core       a core for gdb and lldb\n\n\
        The exit status is the command's own. 'dpdb-trace doctor' says whether tracing works here.",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    subcommand: Option<Sub>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Run a command under supervision (the same as giving the command alone)
    Run(RunArgs),
    /// Open a snapshot or ELF core in the debugger shell
    Inspect(InspectArgs),
    /// Print what snapshots say of themselves, reading their first frames only
    Info(InfoArgs),
    /// List the snapshots in a directory, a line each, oldest first
    Ls(LsArgs),
    /// Write a snapshot as a plain ELF core, for gdb and lldb
    Export(ExportArgs),
    /// Make a snapshot whole that was taken beyond another (--base), so that it needs that no longer
    Pack(PackArgs),
    /// Print all frames of a crash as JSON (schema frames/1), or the crashes of a whole run, equal ones together
    Report(ReportArgs),
    /// Supervise a process that runs already; Ctrl-C lets it go
    Attach(AttachArgs),
    /// Take a snapshot of a process, supervised or not, which goes on and does not notice
    Snap(SnapArgs),
    /// Say whether tracing works on this machine, and if not, what to do
    Doctor(DoctorArgs),
}

/// Where executables, debug files and sources are, when they are not where the process had them.
#[derive(Clone, Debug, Default, Args)]
pub struct FileArgs {
    /// The executable, for a core that does not name it or whose file has moved
    #[arg(long, value_name = "FILE")]
    pub exe: Option<PathBuf>,
    /// Look for the process's files under this directory
    #[arg(long, value_name = "DIR")]
    pub sysroot: Option<PathBuf>,
    /// Look for separate debug files here too (may be repeated)
    #[arg(long, value_name = "DIR")]
    pub debug_dir: Vec<PathBuf>,
    /// Read source files that were compiled under FROM from TO (may be repeated)
    #[arg(long, value_name = "FROM=TO", value_parser = parse_source_map)]
    pub source_map: Vec<(PathBuf, PathBuf)>,
}

/// What to open, and which commands to run on it.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Without -c or -x a terminal gets a prompt; a pipe is read as a list of commands. 'help' lists them.\n\
    The exit status is 1 if one of them failed or the file is damaged, 3 if none did and a --fail-if holds.\n\n\
    Examples:\n  \
    dpdb-trace inspect pid_1234.snap\n  \
    dpdb-trace inspect pid_1234.snap -c why -c 'thread apply all bt'\n  \
    dpdb-trace inspect crashes/ -c processes -c 'bt -group'\n  \
    dpdb-trace inspect pid_1234.snap --fail-if 'queue.size() > 1000' </dev/null\n  \
    echo bt | dpdb-trace inspect core --exe ./worker --json\n\n\
    Names and decompressed debug sections are kept in ~/.cache/dpdb-trace; DPDB_TRACE_CACHE=DIR keeps them there, and\n\
    DPDB_TRACE_CACHE=off nowhere."
)]
pub struct InspectArgs {
    /// Snapshots, core.zst or ELF cores, or directories of them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Run this command, then leave (may be repeated)
    #[arg(long = "command", short = 'c', value_name = "CMD")]
    pub commands: Vec<String>,
    /// Run the commands in this file, a line each, then leave
    #[arg(long, short = 'x', value_name = "SCRIPT")]
    pub script: Option<PathBuf>,
    /// Answer each command with one line of JSON
    #[arg(long)]
    pub json: bool,
    /// End with status 3 if this expression holds in the frame that is selected at the end (may be repeated)
    #[arg(long, value_name = "EXPR")]
    pub fail_if: Vec<String>,
    /// How much of a value is shown.
    #[command(flatten)]
    pub limits: LimitOptions,
    /// Where its files are.
    #[command(flatten)]
    pub files: FileArgs,
}

/// Which files to describe.
#[derive(Clone, Debug, Args)]
pub struct InfoArgs {
    /// Snapshots or cores
    #[arg(required = true, value_name = "SNAP")]
    pub files: Vec<PathBuf>,
    /// One line of JSON for each
    #[arg(long)]
    pub json: bool,
}

/// What to list.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Only the first frames of each file are read. The command ls is run by 'dpdb-trace -- ls'.")]
pub struct LsArgs {
    /// Directories, snapshots or cores [default: the working directory]
    #[arg(value_name = "DIR|SNAP", default_value = ".", hide_default_value = true)]
    pub paths: Vec<PathBuf>,
    /// One line of JSON for each
    #[arg(long)]
    pub json: bool,
}

/// What to export.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    dpdb-trace export pid_1234.snap -o core && gdb ./worker core\n  \
    dpdb-trace export pid_1234.snap -o - | sha256sum")]
pub struct ExportArgs {
    /// A snapshot
    pub file: PathBuf,
    /// The file to write; - is stdout
    #[arg(long, short)]
    pub output: PathBuf,
}

/// What to make whole.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    dpdb-trace pack pid_1235.snap                 it is replaced by the whole one\n  \
    dpdb-trace pack pid_1235.snap -o whole.snap")]
pub struct PackArgs {
    /// A snapshot
    pub file: PathBuf,
    /// The file to write [default: the same]
    #[arg(long, short)]
    pub output: Option<PathBuf>,
}

/// What to report.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    dpdb-trace report pid_1234.snap --json         all frames and variables of one crash\n  \
    dpdb-trace report crashes/                     the crashes of a run, equal ones together\n  \
    dpdb-trace report crashes/ --html crashes.html\n  \
    dpdb-trace report crashes/ --md >> \"$GITHUB_STEP_SUMMARY\"")]
pub struct ReportArgs {
    /// A snapshot, a core.zst or an ELF core; or a directory or several files: the crashes of a run
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// As JSON: for one file all frames in the schema frames/1
    #[arg(long, conflicts_with = "md")]
    pub json: bool,
    /// The crashes of a run as Markdown
    #[arg(long)]
    pub md: bool,
    /// Write the crashes of a run into this file, as a page that needs no other file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "md"])]
    pub html: Option<PathBuf>,
    /// JSON of one file, indented
    #[arg(long)]
    pub indent: bool,
    /// In JSON, show values of the C++ and Rust standard libraries as they are laid out, or as what they mean
    #[arg(long, value_enum, default_value_t)]
    pub values: ValuesArgument,
    /// The same as --values pretty
    #[arg(long, conflicts_with = "values")]
    pub pretty: bool,
    /// How much of a value is shown.
    #[command(flatten)]
    pub limits: LimitOptions,
    /// Where its files are.
    #[command(flatten)]
    pub files: FileArgs,
}

/// How values of the standard libraries are shown.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum ValuesArgument {
    /// As they are laid out
    #[default]
    Raw,
    /// As what they mean: strings, sequences, maps
    Pretty,
}

/// How to print the checks.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Reads the command line; help, version and mistakes end the process here, a mistake with status 2.
pub fn parse(arguments: Vec<OsString>) -> Request {
    request(arguments).unwrap_or_else(|error| error.exit())
}

fn request(arguments: Vec<OsString>) -> Result<Request, clap::Error> {
    let arguments = inspect_spelled_out(arguments);
    if arguments.len() < 2 {
        return Err(Cli::command().error(
            clap::error::ErrorKind::MissingRequiredArgument,
            "a command to run or a snapshot to open is missing",
        ));
    }
    let cli = Cli::try_parse_from(&arguments)?;
    Ok(match cli.subcommand {
        Some(Sub::Run(run)) => Request::Run(with_command(run)?),
        Some(Sub::Inspect(inspect)) => Request::Inspect(inspect),
        Some(Sub::Info(info)) => Request::Info(info),
        Some(Sub::Ls(ls)) => Request::Ls(ls),
        Some(Sub::Export(export)) => Request::Export(export),
        Some(Sub::Pack(pack)) => Request::Pack(pack),
        Some(Sub::Report(report)) => Request::Report(report),
        Some(Sub::Attach(attach)) => Request::Attach(attach),
        Some(Sub::Snap(snap)) => Request::Snap(snap),
        Some(Sub::Doctor(doctor)) => Request::Doctor(doctor),
        None => Request::Run(with_command(cli.run)?),
    })
}

/// `dpdb-trace FILE …` means `dpdb-trace inspect FILE …` where FILE is a snapshot or core, or is at least called one:
/// "command not found" would tell nobody that `lost.snap` is not there or is broken.
fn inspect_spelled_out(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let names_a_crash = arguments.get(1).is_some_and(|first| {
        let path = Path::new(first);
        let named = path.extension() == Some(OsStr::new("snap"));
        !first.as_encoded_bytes().starts_with(b"-") && (named || is_snapshot_or_core(path))
    });
    if names_a_crash {
        arguments.insert(1, "inspect".into());
    }
    arguments
}

fn with_command(run: RunArgs) -> Result<RunArgs, clap::Error> {
    if run.command.is_empty() {
        let what = "a command to run is missing";
        return Err(Cli::command().error(clap::error::ErrorKind::MissingRequiredArgument, what));
    }
    Ok(run)
}

/// A mistake in the value of an option, found only when it was put to use.
pub fn usage_error(what: String) -> clap::Error {
    Cli::command().error(clap::error::ErrorKind::ValueValidation, what)
}

/// The subcommand whose name is close to `word`, for those who mistyped one and were told it is no command.
pub fn similar_subcommand(word: &OsStr) -> Option<String> {
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    crate::shell::nearest(word.to_str()?, names.iter().copied()).map(str::to_owned)
}

fn parse_source_map(text: &str) -> Result<(PathBuf, PathBuf), String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from.into(), to.into())),
        _ => Err("write it as FROM=TO, two directories".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cli, Request, request};
    use clap::CommandFactory;

    fn run(line: &[&str]) -> Vec<String> {
        let arguments = std::iter::once("dpdb-trace").chain(line.iter().copied()).map(Into::into).collect();
        match request(arguments) {
            Ok(Request::Run(run)) => run.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_tree_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_ours_end_where_the_command_begins() {
        assert_eq!(run(&["df", "-a", "--quiet", "info"]), ["df", "-a", "--quiet", "info"]);
        assert_eq!(run(&["--quiet", "ls", "--help"]), ["ls", "--help"]);
        assert_eq!(run(&["--", "info", "--json"]), ["info", "--json"]);
        assert_eq!(run(&["run", "--", "inspect", "x"]), ["inspect", "x"]);
        assert_eq!(run(&["run", "--wait-all", "make", "--", "-j4"]), ["make", "--", "-j4"]);
        assert_eq!(run(&["--signals", "-QUIT", "ls"]), ["ls"]);
        assert_eq!(run(&["--quiet", "info"]), ["info"]);
    }
}
