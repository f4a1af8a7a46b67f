//! What a snapshot's file is called: a template with fields such as `pid_{pid}.snap`.

use std::fmt::Write;

/// A template for file names, checked when the supervisor starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTemplate {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field(Field),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Pid,
    Ppid,
    Comm,
    Signal,
    Time,
    Host,
    Rank,
    Number,
}

const FIELDS: [(&str, Field); 8] = [
    ("pid", Field::Pid),
    ("ppid", Field::Ppid),
    ("comm", Field::Comm),
    ("signal", Field::Signal),
    ("time", Field::Time),
    ("host", Field::Host),
    ("rank", Field::Rank),
    ("n", Field::Number),
];

/// The longest name that is made, in bytes, so that a `.partial` and a `.12` still fit into the 255 bytes that file
/// systems allow.
const LONGEST: usize = 200;

/// What the fields stand for.
#[derive(Clone, Debug, Default)]
pub struct NameFields {
    /// `{pid}`: the process id in the supervisor's namespace.
    pub pid: i32,
    /// `{ppid}`: the parent's.
    pub ppid: i32,
    /// `{comm}`: the kernel's short name of the process.
    pub comm: String,
    /// `{signal}`: such as `SIGSEGV`; empty where there was none.
    pub signal: String,
    /// `{time}`: seconds since 1970, UTC, written as `20261120T170512Z`.
    pub time: u64,
    /// `{host}`: the host's name.
    pub host: String,
    /// `{rank}`: the process's rank in its job; empty where it has none.
    pub rank: String,
    /// `{n}`: the number of this snapshot within the run, from 1.
    pub number: u64,
}

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A field that is none of ours.
    #[error(
        "the name template {template:?} has an unknown field {{{field}}} (there are pid, ppid, comm, signal, time, host, rank and n)"
    )]
    UnknownField {
        /// The template.
        template: String,
        /// What stood between the braces.
        field: String,
    },
    /// A brace without its other half.
    #[error("the name template {0:?} has a brace without its other half")]
    Unbalanced(String),
    /// It names a directory.
    #[error("the name template {0:?} has a slash: the directory is chosen apart from the name")]
    Slash(String),
    /// It is nothing, or nothing but dots.
    #[error("the name template {0:?} gives no file name")]
    Empty(String),
}

impl NameTemplate {
    /// What is used where nobody chose.
    pub const DEFAULT: &'static str = "pid_{pid}.snap";

    /// Checks a template.
    ///
    /// # Errors
    /// An unknown field, unbalanced braces, a slash, or no name at all.
    pub fn parse(template: &str) -> Result<NameTemplate, TemplateError> {
        if template.contains('/') {
            return Err(TemplateError::Slash(template.to_owned()));
        }
        if template.chars().all(|c| c == '.') {
            return Err(TemplateError::Empty(template.to_owned()));
        }
        let unbalanced = || TemplateError::Unbalanced(template.to_owned());
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(open) = rest.find(['{', '}']) {
            parts.push(Part::Literal(rest[..open].to_owned()));
            let (name, after) =
                rest[open..].strip_prefix('{').and_then(|it| it.split_once('}')).ok_or_else(unbalanced)?;
            let field = FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| Part::Field(*field));
            parts.push(field.ok_or_else(|| TemplateError::UnknownField {
                template: template.to_owned(),
                field: name.to_owned(),
            })?);
            rest = after;
        }
        parts.push(Part::Literal(rest.to_owned()));
        Ok(NameTemplate { parts })
    }

    /// The name for one snapshot: never empty, without a slash, a control character or a leading dot that the
    /// process put there, and not longer than fits with our suffixes.
    pub fn expand(&self, fields: &NameFields) -> String {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => name.push_str(text),
                Part::Field(field) => push_field(&mut name, *field, fields),
            }
        }
        shorten(&mut name);
        if name.chars().all(|c| c == '.') {
            name.push('_');
        }
        name
    }
}

fn push_field(name: &mut String, field: Field, fields: &NameFields) {
    // Writing to a String cannot fail.
    let _ = match field {
        Field::Pid => write!(name, "{}", fields.pid),
        Field::Ppid => write!(name, "{}", fields.ppid),
        Field::Comm => write!(name, "{}", sanitized(&fields.comm)),
        Field::Signal => write!(name, "{}", sanitized(&fields.signal)),
        Field::Time => write!(name, "{}", utc(fields.time)),
        Field::Host => write!(name, "{}", sanitized(&fields.host)),
        Field::Rank => write!(name, "{}", sanitized(&fields.rank)),
        Field::Number => write!(name, "{}", fields.number),
    };
}

/// A value of the target's making, as part of a file name: what a shell or a terminal could take for more than a
/// letter becomes `_`.
fn sanitized(value: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '@' | '=' | ',');
    let clean: String = value.chars().map(|c| if harmless(c) { c } else { '_' }).collect();
    match clean.strip_prefix(['.', '-']) {
        Some(rest) => format!("_{rest}"),
        None => clean,
    }
}

/// Cuts the middle out of a name that is too long, so that the start and the suffix stay.
fn shorten(name: &mut String) {
    if name.len() <= LONGEST {
        return;
    }
    let tail_at = (name.len() - 40..name.len()).find(|&at| name.is_char_boundary(at)).unwrap_or(name.len());
    let tail = name.split_off(tail_at);
    let head = (0..=LONGEST - 40).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0);
    name.truncate(head);
    name.push_str(&tail);
}

/// `20261120T170512Z` (ISO 8601, basic format), from seconds since 1970.
fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days: years begin in March, so that
    // the leap day is the last.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> NameFields {
        NameFields {
            pid: 12,
            ppid: 7,
            comm: "a b/../\x1b[31m\n".to_owned(),
            signal: "SIGRTMIN+3".to_owned(),
            time: 1_795_194_312,
            host: "node-1.example".to_owned(),
            rank: String::new(),
            number: 3,
        }
    }

    #[test]
    fn every_field_is_filled_in() {
        let template = NameTemplate::parse("{host}-{comm}.{pid}.{ppid}.{signal}.{time}.{rank}.{n}").unwrap();
        assert_eq!(template.expand(&fields()), "node-1.example-a_b_..___31m_.12.7.SIGRTMIN+3.20261120T170512Z..3");
        assert_eq!(NameTemplate::parse(NameTemplate::DEFAULT).unwrap().expand(&fields()), "pid_12.snap");
    }

    #[test]
    fn a_template_that_cannot_work_is_refused_at_once() {
        for wrong in ["{pdi}.snap", "{}", "{pid", "pid}", "{pid{n}}", "a/{pid}", "", "..", "."] {
            let error = NameTemplate::parse(wrong).unwrap_err();
            assert!(error.to_string().contains(&format!("{wrong:?}")), "{error}");
        }
    }

    #[test]
    fn a_value_never_becomes_a_hidden_file_an_option_or_a_path() {
        let template = NameTemplate::parse("{comm}").unwrap();
        for (comm, name) in [("..", "_."), ("-rf", "_rf"), (".x", "_x"), ("/etc", "_etc"), ("", "_"), ("ä", "ä")] {
            assert_eq!(template.expand(&NameFields { comm: comm.to_owned(), ..fields() }), name);
        }
    }

    #[test]
    fn a_long_name_keeps_its_start_and_its_suffix() {
        let template = NameTemplate::parse("{host}.{pid}.snap").unwrap();
        let name = template.expand(&NameFields { host: "é".repeat(300), ..fields() });
        assert!(name.len() <= LONGEST && name.starts_with("éé") && name.ends_with(".12.snap"), "{name}");
    }

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_735_689_599, "20241231T235959Z"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }
}
