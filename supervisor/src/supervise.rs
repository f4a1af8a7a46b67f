//! The way in: sets the stage, starts the thread that speaks ptrace, and hands its events on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use dpdb_snapshot::process::Signal;
use nix::unistd::{getpid, gettid};

use crate::capture::{Destination, NameTemplate};
use crate::catch::{Judge, Judges};
use crate::history::{Journal, Reporter, hand_on};
use crate::launch::launch;
use crate::snap::SnapRequest;
use crate::snapshots::{Report, Snapshots};
use crate::sys::{self, Bell, ChildState, SignalFd, SignalMask};
use crate::thread_starter::ThreadStarter;
use crate::tracer::{Parts, Subject, Tracer, ptrace_options};
use crate::{Event, Observer, Options, Outcome, Stop, SuperviseError, doctor, proc};

/// Runs `options.command` and everything that it starts, until it ends, and captures what dies.
///
/// `judge` tells which Python exceptions to take; without one, none is.
///
/// Standard input and output become `/dev/null`: they are the command's from now on, and so is their end. It blocks all
/// signals of the calling thread and leaves them so: what is pending when the command ends (Ctrl-C was
/// for both) must not change how *we* end. Where the command was killed, call
/// [`die_of`] next.
///
/// Call it once, from the main thread, before any other thread is started.
///
/// # Errors
/// Where nothing could be started. How the command ended, or that there is no such command, is an [`Outcome`].
pub fn supervise(
    options: Options,
    observer: &mut dyn Observer,
    judge: Option<Box<dyn Judge>>,
) -> Result<Outcome, SuperviseError> {
    begin(Wanted::Command, options, observer, judge)
}

/// Supervises process `pid`, which runs already, and with `tree` all that descend from it, and what they start from now
/// on; until it ends (with `options.wait_all`, the last of them) or we are told to let go, by SIGINT, SIGTERM, SIGHUP or
/// SIGQUIT. They notice neither. `options.command` is not used.
///
/// It blocks all signals of the calling thread and leaves them so. Call it once, from the main thread, before any other
/// thread is started.
///
/// # Errors
/// Where it is gone or cannot be traced.
pub fn attach(
    pid: i32,
    tree: bool,
    options: Options,
    observer: &mut dyn Observer,
    judge: Option<Box<dyn Judge>>,
) -> Result<Outcome, SuperviseError> {
    begin(Wanted::Running { pid, tree }, options, observer, judge)
}

/// Supervises process `pid`, and with `request.tree` its tree, for as long as it takes to answer `request`.
///
/// # Errors
/// Where it is gone or cannot be traced.
pub(crate) fn visit(
    request: SnapRequest,
    options: Options,
    observer: &mut dyn Observer,
) -> Result<Outcome, SuperviseError> {
    begin(Wanted::Visit(request), options, observer, None)
}

/// What is to be supervised.
enum Wanted {
    /// The command of the options.
    Command,
    /// What runs already.
    Running { pid: i32, tree: bool },
    /// The same, until a request is answered.
    Visit(SnapRequest),
}

fn is_only_thread() -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    gettid() == getpid() && tasks <= 1
}

fn begin(
    wanted: Wanted,
    options: Options,
    observer: &mut dyn Observer,
    judge: Option<Box<dyn Judge>>,
) -> Result<Outcome, SuperviseError> {
    // Blocked here, a signal goes to any other thread that does not block it, SIGCHLD above all: we would wait for ever.
    if !is_only_thread() {
        return Err(SuperviseError::NotAlone);
    }
    play(wanted, options, observer, judge)
}

fn play(
    wanted: Wanted,
    options: Options,
    observer: &mut dyn Observer,
    judge: Option<Box<dyn Judge>>,
) -> Result<Outcome, SuperviseError> {
    let template = NameTemplate::parse(&options.name_template).map_err(|error| SuperviseError::NameTemplate {
        template: options.name_template.clone(),
        reason: error.to_string(),
    })?;
    let mut journal = options.journal.as_deref().map(Journal::open).transpose()?;
    let destination = Arc::new(Destination::new(options.output_dir.clone(), template, options.room));
    let (state, mask) = take_signals();
    let system = |what| move |source| SuperviseError::System { what, source };
    let bell = Bell::new().map_err(system("eventfd"))?;
    let starter =
        ThreadStarter::new().map_err(|_| SuperviseError::System { what: "a thread", source: sys::Errno::last() })?;
    let judges = Judges::new(judge, starter.clone(), bell.clone());
    let (snapshots, reports) = Snapshots::new(Arc::clone(&destination), options.capture.clone(), starter, bell.clone());
    let (sender, requests) = channel();
    // Without the socket, nobody can ask for snapshots, and everything else is as it should be.
    let _ = crate::snap::listen(sender, bell.clone());
    let (reporter, events) = Reporter::new(journal.is_some() || observer.wants_history());
    let signals = SignalFd::new().map_err(system("signalfd"))?;
    let stage = Stage { wanted, options, reporter, state, signals, snapshots, reports, requests, bell, judges };
    let main = Arc::new(AtomicI32::new(0));
    let result = {
        let main = Arc::clone(&main);
        let tracer = thread::Builder::new().name("dpdb-trace".to_owned());
        #[cfg(test)]
        let failures = sys::failure::planned_failures();
        let tracer = tracer.spawn(move || {
            #[cfg(test)]
            sys::failure::plan_failures(failures);
            stage.play(&main)
        });
        let tracer = tracer.map_err(|_| SuperviseError::System { what: "a thread", source: sys::Errno::last() })?;
        hand_on(&events, &mut journal, observer);
        tracer.join()
    };
    let outcome = result.unwrap_or_else(|_| after_panic(main.load(Ordering::Relaxed), &mask, observer));
    // Where we were told to end at once, the workers are still at it.
    destination.give_up();
    outcome
}

/// Ends this process by `signal`, as the command was, without a core of our own. Returns where that does not kill us, as
/// nothing kills the init of a pid namespace; [`Outcome::code`] is the exit code to end with then.
pub fn die_of(signal: Signal) {
    sys::set_core_limit_to_zero();
    sys::die_of(signal.0);
}

/// Blocks our signals, and says what the command is to have instead.
fn take_signals() -> (ChildState, SignalMask) {
    let inherited = sys::inherited();
    let mask = sys::block_all_but_faults();
    // A parent that ignores SIGCHLD hands that down, and then the kernel reaps our children and tells us nothing.
    sys::set_default(libc::SIGCHLD);
    (ChildState { mask, inherited }, mask)
}

/// What the thread that speaks ptrace is given.
struct Stage {
    wanted: Wanted,
    options: Options,
    reporter: Reporter,
    state: ChildState,
    signals: SignalFd,
    snapshots: Snapshots,
    reports: Receiver<Report>,
    requests: Receiver<SnapRequest>,
    bell: Bell,
    judges: Judges,
}

impl Stage {
    /// Starts the command and supervises it. When this thread ends, however it ends, the kernel detaches all that it
    /// still traces.
    fn play(self, main: &AtomicI32) -> Result<Outcome, SuperviseError> {
        let inherited_children = proc::children(std::process::id() as i32);
        let subject = self.wanted.begin(&self.options, &self.state, main)?;
        sys::raise_descriptor_limit();
        // Where that cannot be had, we must not be killed while somebody stands at a breakpoint, which is all.
        let _ = sys::own_descriptor_table();
        let mut tracer = Tracer::new(Parts {
            options: self.options,
            reporter: self.reporter,
            subject,
            signals: self.signals,
            snapshots: self.snapshots,
            reports: self.reports,
            requests: self.requests,
            bell: self.bell,
            inherited_children,
            privileged: doctor::has_ptrace_capability(),
            judges: self.judges,
        });
        Ok(tracer.run())
    }
}

impl Wanted {
    /// Starts the command, or seizes what runs. The pid of a command is put into `main`.
    fn begin(self, options: &Options, state: &ChildState, main: &AtomicI32) -> Result<Subject, SuperviseError> {
        let ptrace_options = ptrace_options(options.kill_on_exit);
        Ok(match self {
            Wanted::Command => {
                let variable = options.tell_socket.then(|| (crate::snap::VARIABLE, crate::snap::name_of_socket()));
                let launched = launch(&options.command, variable, state, ptrace_options)?;
                // The test runner's are its own.
                if !cfg!(test) {
                    sys::drop_standard_streams();
                }
                main.store(launched.pid, Ordering::Relaxed);
                Subject::Launched(launched)
            }
            Wanted::Running { pid, tree } => Subject::Attached(crate::attach::seize(pid, tree, ptrace_options)?),
            Wanted::Visit(request) => {
                Subject::Visited(crate::attach::seize(request.pid, request.tree, ptrace_options)?, request)
            }
        })
    }
}

/// The loop broke, and its thread's end has let everything go: the command still runs, and whoever waits for us wants
/// to know how it ends. Signals do to us what they always do.
fn after_panic(main: i32, mask: &SignalMask, observer: &mut dyn Observer) -> Result<Outcome, SuperviseError> {
    let message = "the supervisor broke, which is a defect of it: the processes run on without it";
    observer.event(&Event::Notice(message.to_owned()));
    sys::restore_mask(mask);
    if main == 0 {
        return Err(SuperviseError::Broken);
    }
    loop {
        let waited = sys::wait_for(main).map_err(|_| SuperviseError::Broken)?;
        match Stop::decode(waited.status) {
            Stop::Exited(code) => return Ok(Outcome::Exited(code)),
            Stop::Killed { signal, .. } => return Ok(Outcome::Signaled(signal)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::{Command, exit};

    use super::*;
    use crate::sys::failure::{PANIC, fail_once};
    use crate::sys::{Call, Errno};

    struct Printed;

    impl Observer for Printed {
        fn event(&mut self, event: &Event) {
            match event {
                Event::SnapshotWritten(_) => println!("told: snapshot"),
                Event::Notice(message) => println!("told: {message}"),
                _ => {}
            }
        }
    }

    /// The calls that can be made to fail, and how.
    const FAILURES: [(&str, Call, Errno); 14] = [
        ("register set gone", Call::GetRegset, Errno::ESRCH),
        ("siginfo gone", Call::GetSiginfo, Errno::ESRCH),
        ("event message gone", Call::GetEventMessage, Errno::ESRCH),
        ("memory unreadable", Call::ReadMemory, Errno::EFAULT),
        ("poll interrupted", Call::Poll, Errno::EINTR),
        ("wait interrupted", Call::Wait, Errno::EINTR),
        ("seize forbidden", Call::Seize, Errno::EPERM),
        ("no process", Call::Fork, Errno::EAGAIN),
        ("no pipe", Call::Pipe, Errno::EMFILE),
        ("no signalfd", Call::SignalFd, Errno::EMFILE),
        ("nothing", Call::Detach, Errno::ESRCH),
        ("defect at a stop", Call::Resume, PANIC),
        ("defect at a death", Call::GetSiginfo, PANIC),
        ("defect while waiting", Call::Wait, PANIC),
    ];

    /// Names the failure that a process is to play.
    const FAILURE: &str = "DPDB_TRACE_TEST_FAILURE";

    /// What supervising a crash prints when a system call fails once. One that supervises waits for every child of its
    /// process, so it gets a process of its own: the runner is run again, for this test alone, and there the test gets
    /// no further than here.
    fn with(failure: &str) -> String {
        if let Ok(failure) = env::var(FAILURE) {
            play_with(&failure);
            exit(0);
        }
        let test = thread::current().name().unwrap().to_owned();
        // The runner calls a test on a thread of its own, and its main thread would take the SIGCHLDs, unless it starts
        // with them blocked.
        let mut command = Command::new("env");
        command.arg("--block-signal=CHLD").arg(env::current_exe().unwrap());
        let output = command.args(["--exact", "--nocapture", &test]).env(FAILURE, failure).output().unwrap();
        assert!(output.status.success(), "{failure}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn play_with(failure: &str) {
        let (_, call, errno) = FAILURES.into_iter().find(|(name, ..)| *name == failure).unwrap();
        fail_once(call, errno);
        let directory = tempfile::tempdir().unwrap();
        let script = "sh -c 'kill -SEGV $$'; exit 7";
        let mut options = Options::new(["sh", "-c", script].map(Into::into).to_vec());
        options.output_dir = directory.path().to_owned();
        match play(Wanted::Command, options, &mut Printed, None) {
            Ok(outcome) => println!("outcome: {outcome:?}"),
            Err(error) => println!("error: {error}"),
        }
    }

    #[test]
    fn a_request_that_fails_costs_neither_the_command_nor_the_snapshot() {
        let harmless = ["nothing", "register set gone", "siginfo gone", "event message gone", "memory unreadable"];
        for failure in harmless.into_iter().chain(["poll interrupted", "wait interrupted"]) {
            let told = with(failure);
            assert!(told.contains("outcome: Exited(7)"), "{failure}: {told}");
            assert!(told.contains("told: snapshot"), "{failure}: {told}");
        }
    }

    #[test]
    fn a_command_that_cannot_be_traced_runs_on_without_us() {
        let told = with("seize forbidden");
        assert!(told.contains("outcome: Exited(7)") && !told.contains("told: snapshot"), "{told}");
        assert!(told.contains("told: the command runs unsupervised, and no snapshot will be taken: "), "{told}");
    }

    #[test]
    fn a_panic_lets_the_tree_go_and_the_commands_end_is_still_ours() {
        for defect in ["defect at a stop", "defect at a death", "defect while waiting"] {
            let told = with(defect);
            assert!(told.contains("outcome: Exited(7)") && told.contains("told: the supervisor broke"), "{told}");
        }
    }

    #[test]
    fn what_keeps_the_command_from_being_started_is_an_error() {
        for failure in ["no process", "no pipe", "no signalfd"] {
            let told = with(failure);
            assert!(told.contains("error: ") && !told.contains("outcome: "), "{failure}: {told}");
        }
    }

    #[test]
    fn beside_another_thread_nothing_is_supervised() {
        // The runner's main thread is another one.
        let error = supervise(Options::new(vec!["true".into()]), &mut Printed, None).unwrap_err();
        assert!(error.to_string().contains("main thread"), "{error}");
    }
}
