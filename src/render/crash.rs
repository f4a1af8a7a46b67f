//! A crash in a few lines, and all that `info` knows.

use std::fmt::Write as _;

use dpdb_snapshot::Text;
use dpdb_snapshot::process::Freeze;
use dpdb_snapshot::process::{CaughtException, ExceptionLanguage, Fate};

use super::style::{Role, Style, clean, clean_str};
use super::table::{Table, cell, plain};
use super::{frames, source, units, whole_run};
use crate::engine::{Crash, Info, Opening, Why};

/// `pid 1234 (worker) died of SIGSEGV (address 0x10 not mapped)`, `pid 1234 (rank 3) raised ValueError: bad shape`.
pub fn headline(crash: &Crash, style: &Style) -> String {
    // Where processes are numbered, they bear the same name.
    let name = crash.rank.map_or_else(|| clean(&crash.comm), |rank| format!("rank {rank}"));
    let who = format!("pid {} ({name})", crash.pid);
    let what = style.paint(Role::Error, what_happened(crash));
    match (&crash.death, &crash.exception, &crash.cause) {
        (_, Some(exception), _) if exception.language == ExceptionLanguage::Rust && exception.summary.is_none() => {
            format!("{who} {}", style.paint(Role::Error, "panicked"))
        }
        (_, Some(exception), _) => format!("{who} {} {what}", raised(exception)),
        (Some(_), ..) => format!("{who} died of {what}"),
        (None, None, Some(cause)) => format!("{who}: a snapshot {}", clean_str(cause)),
        (None, None, None) => format!("{who}: a core that does not say why it was taken"),
    }
}

/// `SIGSEGV (address 0x10 not mapped)`, `ValueError: bad shape`, `requested by pid 7`; nothing where the file says none.
pub fn what_happened(crash: &Crash) -> String {
    let exception = crash.exception.as_ref().map(|exception| first_line(exception.what()));
    clean_str(&exception.or_else(|| crash.death.clone()).or_else(|| crash.cause.clone()).unwrap_or_default())
}

/// Messages may have many lines, of which a headline has room for one.
fn first_line(message: &str) -> String {
    match message.trim_end().split_once('\n') {
        Some((first, _)) => format!("{} …", first.trim_end()),
        None => message.trim_end().to_owned(),
    }
}

/// The verb for what was done with an exception.
fn raised(exception: &CaughtException) -> &'static str {
    match exception.fate {
        Fate::Logged => "logged",
        _ if exception.language == ExceptionLanguage::Rust => "panicked with",
        _ if exception.language == ExceptionLanguage::Cxx => "threw",
        _ => "raised",
    }
}

/// What a person sees on opening a crash.
pub fn opening(opening: &Opening, style: &Style) -> String {
    let mut out = headline(&opening.crash, style);
    if let Some(frame) = &opening.crash.frame {
        let place = frames::place_with_caller(frame, opening.crash.python.as_ref(), style);
        let _ = write!(out, " in {place}");
    }
    out.push('\n');
    if let Some(circumstances) = circumstances(&opening.crash) {
        let _ = writeln!(out, "{circumstances}");
    }
    if let Some(place) = opening.run {
        let _ = writeln!(out, "{}", whole_run::place(place));
    }
    for warning in &opening.warnings {
        let _ = writeln!(out, "{} {}", style.paint(Role::Doubt, "warning:"), clean_str(warning));
    }
    out.push('\n');
    out += &frames::lines(&opening.frames, style);
    if opening.more > 0 {
        let _ = writeln!(out, "  {}", style.paint(Role::Faint, format!("… {} more", opening.more)));
    }
    if let Some(listing) = &opening.source {
        out.push('\n');
        out += &source::listing(listing, style);
    }
    let _ = writeln!(out, "\n{}", style.paint(Role::Faint, opening.hint));
    out
}

/// `2026-11-20 17:05:59 UTC on host build-7, thread 1240 of 4, command: ./worker --jobs 8`.
fn circumstances(crash: &Crash) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(time) = crash.time {
        parts.push(units::utc(time));
    }
    if let Some(host) = &crash.host {
        parts.push(format!("on {}", clean(host)));
    }
    if crash.threads > 1 {
        parts.push(format!("in thread {} of {}", crash.tid, crash.threads));
    }
    if !crash.command.is_empty() {
        parts.push(format!("command: {}", command_line(&crash.command)));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn command_line(arguments: &[Text]) -> String {
    let words: Vec<String> = arguments.iter().take(64).map(clean).collect();
    let line = words.join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// All that `info` knows, a line for each fact.
pub fn info(info: &Info, style: &Style) -> String {
    let mut out = headline(&info.crash, style) + "\n";
    let mut table = Table::bare();
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            table.row(vec![cell(Role::Strong, format!("  {name}")), plain(value)]);
        }
    };
    fact(
        "place",
        info.crash
            .frame
            .as_ref()
            .map(|frame| frames::place_with_caller(frame, info.crash.python.as_ref(), &Style::default())),
    );
    fact("exception", info.crash.exception.as_ref().map(exception));
    fact("signal", signal(info));
    fact("first fault", info.signal.as_ref().and_then(|signal| signal.first_chance.clone()));
    fact("time", info.timing.crashed.map(units::utc));
    fact("running since", info.timing.started.map(units::utc));
    fact("processor time", processor_time(info));
    fact("command", Some(command_line(&info.crash.command)));
    fact("executable", info.executable.as_ref().map(clean));
    fact("directory", info.cwd.as_ref().map(clean));
    fact("thread", Some(format!("{} (of {})", info.crash.tid, info.crash.threads)));
    fact("process", Some(process(info)));
    fact("user", info.identity.as_ref().map(|identity| format!("uid {}, gid {}", identity.uid[0], identity.gid[0])));
    fact("rank", rank(info));
    fact("cgroup", Some(info.cgroup.iter().map(clean).collect::<Vec<_>>().join(" ")));
    fact("namespaces", Some(namespaces(info)));
    fact("host", Some(host(info)));
    fact("file", Some(file(info)));
    fact("capture", capture(info));
    fact("memory", info.memory.as_ref().map(|choice| memory(info, choice)));
    fact("scrubbed", scrubbed(info));
    fact("read by", Some(info.reader.to_owned()));
    out += &table.render(style);
    list(&mut out, "damage", &info.file.damage, style);
    list(&mut out, "not captured", &info.soft_errors, style);
    list(&mut out, "warnings", &info.warnings, style);
    out
}

fn list(out: &mut String, title: &str, sentences: &[String], style: &Style) {
    if sentences.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", style.paint(Role::Doubt, format!("{title}:")));
    for sentence in sentences {
        let _ = writeln!(out, "  {}", clean_str(sentence));
    }
}

/// `ValueError: bad shape; nobody handles it (thread 7 at _PyErr_PrintEx)`.
fn exception(exception: &CaughtException) -> String {
    let CaughtException { fate, tid, catchpoint, .. } = exception;
    format!("{}; {fate} (thread {tid} at {})", clean_str(exception.what()), clean_str(catchpoint))
}

fn signal(info: &Info) -> Option<String> {
    let signal = info.signal.as_ref()?;
    let mut text = format!("{} ({}), code {}", signal.name, signal.number, signal.code);
    if let Some(address) = signal.address {
        let _ = write!(text, ", address {address}");
    }
    if let Some((pid, uid)) = signal.sender {
        let _ = write!(text, ", from pid {pid} uid {uid}");
    }
    Some(text)
}

fn processor_time(info: &Info) -> Option<String> {
    let (user, system) = (info.timing.user_time?, info.timing.system_time?);
    // The kernel counts in ticks of ten milliseconds.
    let spent = |ns: u64| if ns == 0 { "0 ms".to_owned() } else { units::duration(ns) };
    Some(format!("{} user, {} system", spent(user), spent(system)))
}

fn process(info: &Info) -> String {
    let inner = info.inner_pid.map(|pid| format!(" ({pid} in its namespace)")).unwrap_or_default();
    format!("pid {}{inner}, parent {}, group {}, session {}", info.crash.pid, info.ppid, info.pgid, info.sid)
}

fn rank(info: &Info) -> Option<String> {
    let rank = info.rank.rank?;
    let world = info.rank.world_size.map(|size| format!(" of {size}")).unwrap_or_default();
    Some(format!("{rank}{world}"))
}

fn namespaces(info: &Info) -> String {
    let names: Vec<String> = info
        .namespaces
        .iter()
        .map(|namespace| format!("{}:[{}]", clean_str(&namespace.kind), namespace.inode))
        .collect();
    names.join(" ")
}

fn host(info: &Info) -> String {
    let host = &info.host;
    let mut parts = vec![clean(&host.name), clean_str(&host.kernel), clean_str(&host.machine)];
    parts.extend(host.cpus.map(|cpus| format!("{cpus} cpus")));
    parts.extend(host.memory.map(|memory| format!("{} memory", units::bytes(memory))));
    parts.extend(host.available.map(|available| format!("{} available", units::bytes(available))));
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

fn file(info: &Info) -> String {
    let format = match info.file.format {
        "snap" => "snapshot",
        "compressed_core" => "compressed core",
        _ => "core",
    };
    let writer = &info.host.writer;
    let writer = if writer.is_empty() { String::new() } else { format!(", written by {}", clean_str(writer)) };
    let path = clean(&info.file.path.as_path().into());
    format!("{path} ({format}, {}{writer})", units::bytes(info.file.bytes))
}

/// How much of the memory was wanted, and whether that is because there were crashes like it before.
fn memory(info: &Info, choice: &str) -> String {
    let choice = format!("--memory {}", clean_str(choice));
    match info.repeats {
        Some(before) => format!("{choice}, since there were {before} like it before in this run (--dedupe)"),
        None => choice,
    }
}

/// `2 values of the environment, 1 argument`; nothing where nothing was replaced.
fn scrubbed(info: &Info) -> Option<String> {
    let scrubbed = info.scrubbed.unwrap_or_default();
    let replaced = info.file.capture.as_ref().map_or(0, |capture| capture.replaced);
    let counted = |count: u64, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {more}")),
    };
    let variables = counted(scrubbed.variables, "value of the environment", "values of the environment");
    let parts: Vec<_> = variables.into_iter().chain(counted(scrubbed.arguments, "argument", "arguments")).collect();
    let secret = (!parts.is_empty()).then(|| format!("{} that looked secret", parts.join(", ")));
    let matches = counted(replaced, "place that matched", "places that matched");
    let told: Vec<_> = secret.into_iter().chain(matches).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn capture(info: &Info) -> Option<String> {
    let capture = info.file.capture.as_ref()?;
    let (pause, took) = (units::duration(capture.pause_ns), units::duration(capture.capture_ns));
    let mut text = match &info.freeze {
        Some(Freeze::Clone) => format!("process released after {pause}, its clone read and written in {took}"),
        Some(Freeze::InPlace { why }) => {
            format!("process held for {pause} ({}), {took} of it to read and write", clean_str(why))
        }
        None => format!("process held for {pause}, {took} of it to read and write"),
    };
    if let Some(base) = &info.base {
        let shared = units::bytes(capture.shared_bytes);
        let _ = write!(text, "; {shared} of it in {}", clean(&base.name));
    }
    if let Some(why) = &capture.cut {
        let _ = write!(text, "; cut: {}", clean_str(why));
    }
    Some(text)
}

/// Columns of running text.
const WIDTH: usize = 100;

/// The fault in one paragraph.
pub fn why(why: &Why) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in clean(&Text::from(why.text.as_str())).split(' ') {
        let width = word.chars().count();
        if column > 0 {
            let breaks = column + 1 + width > WIDTH;
            out.push(if breaks { '\n' } else { ' ' });
            column = if breaks { 0 } else { column + 1 };
        }
        out.push_str(word);
        column += width;
    }
    out + "\n"
}
