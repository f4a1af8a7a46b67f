use super::*;

const SECOND: Duration = Duration::from_secs(1);
const A: RunningProcess = RunningProcess { pid: 1, serial: 1 };
const B: RunningProcess = RunningProcess { pid: 2, serial: 2 };

fn triggers(asked: &[(&str, &str)], now: Instant) -> Triggers {
    let parsed: Vec<Trigger> = asked.iter().map(|(name, value)| Trigger::parse(name, value).unwrap()).collect();
    Triggers::new(&parsed, now)
}

fn using(cpu: Duration) -> Sample {
    Sample { cpu, ..Sample::default() }
}

fn process(id: RunningProcess, by: &str) -> Fired {
    Fired::Process(id, by.to_owned())
}

fn tree(by: &str) -> Fired {
    Fired::Tree(by.to_owned())
}

#[test]
fn the_clock_fires_every_period_and_what_is_late_is_not_made_up_for() {
    let start = Instant::now();
    let mut engine = triggers(&[("every", "10s,limit=3")], start);
    assert_eq!(engine.deadline(), Some(start + SECOND * 10));
    assert_eq!(engine.look(start + SECOND * 9, None), []);
    assert_eq!(engine.look(start + SECOND * 10, None), [tree("--every 10s")]);
    assert_eq!(engine.look(start + SECOND * 35, None), [tree("--every 10s")]);
    assert_eq!(engine.deadline(), Some(start + SECOND * 45));
    assert_eq!(engine.look(start + SECOND * 45, None), [tree("--every 10s")]);
    assert_eq!((engine.look(start + SECOND * 99, None), engine.deadline()), (vec![], None), "the limit is reached");
}

#[test]
fn a_limit_counts_for_all_processes_and_a_cool_down_for_each() {
    let start = Instant::now();
    let mut engine = triggers(&[("rss-over", "1M,limit=3,cooldown=10s")], start);
    let large = Sample { rss: 3 << 20, ..Sample::default() };
    let at = |second: u32| start + SECOND * second;
    let both = [(A, large), (B, Sample::default())];
    assert_eq!(engine.look(at(1), Some(&both)), [process(A, "--rss-over 1M (3 MiB)")]);
    assert_eq!(engine.look(at(2), Some(&[(A, large), (B, large)])), [process(B, "--rss-over 1M (3 MiB)")]);
    assert_eq!(engine.look(at(10), Some(&both)), []);
    assert_eq!(engine.look(at(11), Some(&both)), [process(A, "--rss-over 1M (3 MiB)")]);
    assert_eq!(engine.look(at(99), Some(&both)), []);
    assert_eq!(engine.deadline(), None, "nothing is looked for any more");
}

#[test]
fn load_is_measured_over_its_whole_time() {
    let start = Instant::now();
    let mut engine = triggers(&[("cpu-over", "90%:10s")], start);
    // A works all the time, B half of it.
    let mut fired = Vec::new();
    for second in 0..=12u32 {
        let samples = [(A, using(SECOND * second)), (B, using(SECOND * second / 2))];
        fired.extend(engine.look(start + SECOND * second, Some(&samples)).into_iter().map(|it| (second, it)));
    }
    assert_eq!(fired, [(10, process(A, "--cpu-over 90%:10s (100%)"))]);
}

#[test]
fn a_tree_is_idle_when_nobody_in_it_got_on_or_came_or_went() {
    let start = Instant::now();
    let mut engine = triggers(&[("idle", "5s,limit=9,cooldown=5s")], start);
    let mut look = |second: u32, samples: &[(RunningProcess, Sample)]| {
        engine.look(start + SECOND * second, Some(samples)).into_iter().map(|_| second).collect::<Vec<_>>()
    };
    let still = [(A, using(SECOND)), (B, using(SECOND))];
    assert_eq!((look(0, &still), look(4, &still)), (vec![], vec![]));
    assert_eq!(look(5, &[(A, using(SECOND * 2)), still[1]]), [0; 0], "one got on");
    assert_eq!(look(9, &still[..1]), [0; 0], "one has ended");
    assert_eq!((look(13, &still[..1]), look(14, &still[..1])), (vec![], vec![14]));
    assert_eq!((look(18, &still[..1]), look(19, &still[..1])), (vec![], vec![19]), "it hangs on");
}

#[test]
fn threads_files_and_groups_have_limits() {
    let start = Instant::now();
    let asked = [("threads-over", "10"), ("fds-over", "20"), ("cgroup-over", "90%")];
    let mut engine = triggers(&asked, start);
    assert_eq!(engine.wants_samples(start), None);
    assert_eq!(engine.wants_samples(start + SECOND), Some(Wanted { fds: true, cgroup: true }));
    let below = Sample { threads: 10, fds: 20, cgroup: 90, ..Sample::default() };
    let above = Sample { threads: 11, fds: 21, cgroup: 91, ..Sample::default() };
    assert_eq!(engine.look(start + SECOND, Some(&[(A, below)])), []);
    assert_eq!(
        engine.look(start + SECOND * 2, Some(&[(A, below), (B, above)])),
        [
            process(B, "--threads-over 10 (11 threads)"),
            process(B, "--fds-over 20 (21 files)"),
            tree("--cgroup-over 90% (91%)")
        ]
    );
}

#[test]
fn events_are_told_apart_and_do_not_wake_anybody() {
    let start = Instant::now();
    let mut engine = triggers(&[("on-signal", "USR1"), ("on-kill", ",limit=1"), ("on-crash", "tree")], start);
    assert_eq!((engine.deadline(), engine.is_about(Signal(10)), engine.is_about(Signal::TERM)), (None, true, false));
    assert_eq!(engine.on_signal(A, Signal::TERM, start), None);
    assert_eq!(engine.on_signal(A, Signal(10), start).as_deref(), Some("--on-signal USR1"));
    assert_eq!(engine.on_signal(A, Signal(10), start + SECOND / 2), None, "a storm of them is one");
    assert!(
        engine.on_signal(B, Signal(10), start).is_some() && engine.on_signal(A, Signal(10), start + SECOND).is_some()
    );
    assert!(engine.on_kill(A, start) && !engine.on_kill(B, start + SECOND));
    assert!(engine.on_crash(start).is_some() && engine.on_crash(start + SECOND).is_none(), "the first crash only");
}
