//! Values are cut where a limit says so, and say that they were; what is not shown costs nothing.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dpdb_analyzer::{Clock, Options, Session};
use dpdb_snapshot::Snapshot;
use dpdb_trace::engine::{Engine, FileFacts};
use dpdb_trace::render::{Style, text};
use dpdb_trace::shell::execute;

use crate::common::{Crash, fixture, inspect};

fn snapshot() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("containers.cpp")])).snapshot
}

#[track_caller]
fn says(options: &[&str], command: &str, wanted: &str) {
    let outcome = inspect(snapshot(), options.iter().copied().chain(["-c", command]));
    assert_eq!((outcome.stdout + &outcome.stderr).trim_end(), wanted, "{options:?} {command}");
}

#[test]
fn elements_bytes_and_depth_are_options_of_p_and_of_the_command_line() {
    says(&[], "p -elements 2 -- a", "$1 = {6, 7, … 1 more}");
    says(&["--elements", "2"], "p a", "$1 = {6, 7, … 1 more}");
    says(&["--elements", "2"], "p -elements unlimited -- a", "$1 = {6, 7, 8}");
    says(&[], "p -elements 1 m", "$1 = {[\"a long key that is not kept inside\"] = 9, … 2 more}");
    says(&[], "p -elements 0 l", "$1 = {… 3 more}");
    says(&[], "p -depth 1 nested", "$1 = {{..., ...}, {..., ..., ...}}");
    says(&[], "p -max-depth 0 nested", "$1 = {..., ...}");
    says(&["--bytes", "1"], "p text[0:44]", "$1 = \"h\"… of 44");
    says(&[], "p -elements x v", "-elements takes a number or 'unlimited', and 'x' is neither");
    let laid_out = inspect(snapshot(), ["-c", "p -raw -- some"]).stdout;
    assert!(laid_out.contains("_M_engaged = true"), "{laid_out}");
    says(&[], "pp -elements 1 items", "$1 = {\n  {\n    name = \"a\",\n    field = 1\n  },\n  … 1 more\n}");
}

#[test]
fn a_wild_vector_costs_nothing() {
    for command in ["p wild.size()", "p wild[5]", "p wild[2:999999999999]"] {
        let outcome = inspect(snapshot(), ["-c", command]);
        assert!(outcome.stderr.contains("its last element is at 0x"), "{command}: {}", outcome.stderr);
    }
    let outcome = inspect(snapshot(), ["-c", "p wild", "-c", "p hidden@1000000000", "-c", "p *ends[0]@999999999"]);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert!(lines[0].contains("_M_finish = 0x") && lines[0].contains("<its last element is at"), "{}", lines[0]);
    assert!(lines[1].starts_with("$2 = {31, ") && lines[1].ends_with("… 999,999,800 more}"), "{}", lines[1]);
    assert!(lines[2].starts_with("$3 = {31, ") && lines[2].ends_with("… 999,999,799 more}"), "{}", lines[2]);
    assert!(outcome.stdout.len() < 100_000);
}

/// A clock on which a millisecond passes each time that somebody looks at it.
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[test]
fn a_value_that_takes_too_long_is_cut_and_says_after_how_many_milliseconds() {
    let opened = Snapshot::open(snapshot()).expect("the snapshot is whole");
    let file = FileFacts::new(snapshot(), &Snapshot::info(snapshot()).expect("the snapshot is whole"));
    let session = Session::new(Box::new(opened), Options::default()).with_clock(Box::new(Ticking(AtomicU64::new(0))));
    let mut engine = Engine::new(session, file);
    let mut answer = |line: &str| match execute(&mut engine, line) {
        Ok(reply) => text(&reply, &Style::for_stream(false)),
        Err(error) => error.to_string(),
    };
    assert_eq!(answer("p -ms 6 a").trim_end(), "$1 = {6, 7, … 1 more}");
    assert!(answer("p -ms 40 h").contains("<cut after 40 ms>"));
    assert!(answer("p -ms 40 h[147]").ends_with("cut after 40 ms"), "{}", answer("p -ms 40 h[147]"));
    assert_eq!(answer("p -ms 1000 h[147]").trim_end(), "$3 = 49");
}
