//! What looks like a key, a token or a password in environment and command line is replaced before it is written: in what the
//! snapshot says of both, and in the blocks of memory that the kernel put them into. Lengths stay.
//!
//! Copies that the program made (`os.environ` of Python, a parsed configuration) are memory like any other, and are looked for
//! only when that is asked for (`scrub_memory`).

use std::fs;

use dpdb_snapshot::process::Scrubbed;
use dpdb_snapshot::{Absent, AddressRange, Avma, Memory, Process, Text};

use crate::proc::proc_dir;

/// Words of a name that say that its value is a secret.
const SECRET_WORDS: [&str; 17] = [
    "token",
    "tokens",
    "secret",
    "secrets",
    "password",
    "passwd",
    "pass",
    "passphrase",
    "pwd",
    "key",
    "apikey",
    "credential",
    "credentials",
    "authorization",
    "cookie",
    "jwt",
    "bearer",
];

/// What secrets of well-known services begin with, whatever they are called.
const SECRET_BEGINNINGS: [&[u8]; 14] = [
    b"ghp_",
    b"gho_",
    b"ghs_",
    b"github_pat_",
    b"glpat-",
    b"xoxb-",
    b"xoxp-",
    b"sk-",
    b"sk_live_",
    b"hf_",
    b"AKIA",
    b"AIza",
    b"eyJhbGci",
    b"-----BEGIN ",
];

/// A shorter value is a number, a flag or a word, and no secret to be found by its shape.
const SHORTEST_SHAPED: usize = 16;

/// A part of a text, in bytes.
type Part = std::ops::Range<usize>;

/// The bytes of `NAME=value` that are secret; empty where none are.
fn secret_of_variable(variable: &[u8]) -> Part {
    let Some(at) = variable.iter().position(|&byte| byte == b'=') else { return 0..0 };
    let value = &variable[at + 1..];
    // The shell's working directory.
    let is_named = !matches!(&variable[..at], b"PWD" | b"OLDPWD") && is_secret_name(&variable[..at]);
    let part = if is_named && may_be_secret(value) { 0..value.len() } else { secret_by_shape(value) };
    part.start + at + 1..part.end + at + 1
}

/// The secret bytes of each argument: `--token=VALUE`, the VALUE behind `--token`, and what has the shape of a secret.
fn secrets_of_arguments(arguments: &[Text]) -> Vec<Part> {
    let mut is_value = false;
    let secret = |argument: &Text| {
        let text = argument.as_bytes();
        let was_named = std::mem::take(&mut is_value);
        if !text.starts_with(b"-") {
            return if was_named { 0..text.len() } else { secret_of_variable_or_shape(text) };
        }
        match text.iter().position(|&byte| byte == b'=') {
            Some(_) => secret_of_variable(text),
            None => {
                is_value = text.starts_with(b"--") && is_secret_name(text);
                0..0
            }
        }
    };
    arguments.iter().map(secret).collect()
}

/// `TOKEN=…`, as env(1) and make(1) take it, or a secret by its shape.
fn secret_of_variable_or_shape(text: &[u8]) -> Part {
    let shaped = secret_by_shape(text);
    if shaped.is_empty() { secret_of_variable(text) } else { shaped }
}

/// Whether one of the words that a name is made of (`AWS_SECRET_ACCESS_KEY`, `--api-key`, `authToken`) speaks of a secret.
fn is_secret_name(name: &[u8]) -> bool {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for &byte in name {
        let starts_word = !byte.is_ascii_alphanumeric() || (was_lower && byte.is_ascii_uppercase());
        if starts_word {
            words.push(String::new());
        }
        if byte.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        was_lower = byte.is_ascii_lowercase();
    }
    words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
}

/// Whether a value under such a name is worth hiding: paths and switches are not.
fn may_be_secret(value: &[u8]) -> bool {
    let is_path = value.starts_with(b"/") || value.starts_with(b"./") || value.starts_with(b"~");
    let is_switch = matches!(value, b"" | b"0" | b"1" | b"true" | b"false" | b"yes" | b"no");
    !is_path && !is_switch
}

/// A secret that can be told by itself: one of a known service, or the password in `scheme://user:password@host`.
fn secret_by_shape(value: &[u8]) -> Part {
    let is_known = SECRET_BEGINNINGS.iter().any(|beginning| value.starts_with(beginning));
    if is_known && value.len() >= SHORTEST_SHAPED {
        return 0..value.len();
    }
    let find = |from: usize, text: &[u8]| {
        let found = value.get(from..)?.windows(text.len()).position(|window| window == text)?;
        Some(from + found)
    };
    let password = || {
        let user = find(0, b"://")? + 3;
        let host = find(user, b"@")?;
        let colon = find(user, b":").filter(|&colon| colon < host)?;
        (!value[user..host].contains(&b'/')).then_some(colon + 1..host)
    };
    password().unwrap_or(0..0)
}

/// What was found secret.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// The addresses of the bytes that must not be written.
    pub(super) hidden: Vec<AddressRange>,
    /// What looked secret.
    pub(super) texts: Vec<Vec<u8>>,
}

/// Replaces what looks secret in environment and command line, with `whole_environment` all values of the environment, and counts it.
/// `via` is the process, or its clone.
pub(super) fn scrub(process: &mut Process, via: i32, whole_environment: bool) -> Secrets {
    let blocks = blocks_of(via);
    let mut variables: Vec<Part> = process.environment.iter().map(|text| secret_of_variable(text.as_bytes())).collect();
    let arguments = secrets_of_arguments(&process.arguments);
    let texts = |texts: &[Text], parts: &[Part]| -> Vec<Vec<u8>> {
        let secrets = texts.iter().zip(parts).map(|(text, part)| text.as_bytes()[part.clone()].to_vec());
        secrets.filter(|secret| !secret.is_empty()).collect()
    };
    let texts = [texts(&process.environment, &variables), texts(&process.arguments, &arguments)].concat();
    if whole_environment {
        variables = process.environment.iter().map(|text| value_of_variable(text.as_bytes())).collect();
    }
    let count = |parts: &[Part]| parts.iter().filter(|part| !part.is_empty()).count() as u64;
    process.scrubbed = Some(Scrubbed { variables: count(&variables), arguments: count(&arguments) });
    let mut ranges = addresses(&process.arguments, &arguments, blocks.map(|(arguments, _)| arguments));
    ranges.extend(addresses(&process.environment, &variables, blocks.map(|(_, environment)| environment)));
    replace(&mut process.arguments, &arguments);
    replace(&mut process.environment, &variables);
    for variable in &mut process.rank.variables {
        let part = secret_of_variable(variable.as_bytes());
        variable.0[part].fill(b'*');
    }
    ranges.sort_by_key(|range| range.start);
    Secrets { hidden: ranges, texts }
}

/// The bytes behind the name.
fn value_of_variable(variable: &[u8]) -> Part {
    let start = variable.iter().position(|&byte| byte == b'=').map_or(0, |at| at + 1);
    start..variable.len()
}

/// A command line without what looks secret in it.
pub(crate) fn scrubbed_arguments(mut arguments: Vec<Text>) -> Vec<Text> {
    let parts = secrets_of_arguments(&arguments);
    replace(&mut arguments, &parts);
    arguments
}

fn replace(texts: &mut [Text], parts: &[Part]) {
    for (text, part) in texts.iter_mut().zip(parts) {
        text.0[part.clone()].fill(b'*');
    }
}

/// Where the parts are, of texts that stand one behind the other, each with a NUL, from `start` on.
fn addresses(texts: &[Text], parts: &[Part], start: Option<u64>) -> Vec<AddressRange> {
    let Some(mut at) = start else { return Vec::new() };
    let mut ranges = Vec::new();
    for (text, part) in texts.iter().zip(parts) {
        if !part.is_empty() {
            ranges.push(AddressRange::new(at + part.start as u64, at + part.end as u64));
        }
        at += text.as_bytes().len() as u64 + 1;
    }
    ranges
}

/// Where the kernel put command line and environment: `arg_start` and `env_start` (proc_pid_stat(5), fields 48 and 50).
fn blocks_of(via: i32) -> Option<(u64, u64)> {
    let stat = fs::read(proc_dir(via).join("stat")).ok()?;
    let after = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let text = std::str::from_utf8(&stat[after..]).ok()?;
    let field = |number: usize| text.split_whitespace().nth(number - 3)?.parse().ok().filter(|&at: &u64| at != 0);
    Some((field(48)?, field(50)?))
}

/// Memory in which some bytes are replaced.
#[derive(Debug)]
pub(super) struct ScrubbedMemory<M> {
    pub(super) memory: M,
    /// Ascending and apart.
    pub(super) hidden: Vec<AddressRange>,
}

impl<M: Memory> Memory for ScrubbedMemory<M> {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let got = self.memory.read_some(at, buf)?;
        let read = AddressRange { start: at, end: Avma(at.0.saturating_add(got as u64)) };
        let first = self.hidden.partition_point(|range| range.end <= at);
        for range in self.hidden[first..].iter().take_while(|range| range.start < read.end) {
            if let Some(part) = range.intersection(&read) {
                buf[(part.start.0 - at.0) as usize..(part.end.0 - at.0) as usize].fill(b'*');
            }
        }
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(variable: &str) -> String {
        let mut bytes = variable.as_bytes().to_vec();
        let part = secret_of_variable(&bytes);
        bytes[part].fill(b'*');
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn values_under_the_names_of_secrets_are_hidden_and_others_are_not() {
        for (variable, expected) in [
            ("AWS_SECRET_ACCESS_KEY=abc/def", "AWS_SECRET_ACCESS_KEY=*******"),
            ("DB_PASSWORD=x y", "DB_PASSWORD=***"),
            ("npm_config__authToken=abcd", "npm_config__authToken=****"),
            ("TOKENIZERS_PARALLELISM=false", "TOKENIZERS_PARALLELISM=false"),
            ("KEYBOARD=us", "KEYBOARD=us"),
            ("PWD=/home/me", "PWD=/home/me"),
            ("SSH_KEY=~/.ssh/id", "SSH_KEY=~/.ssh/id"),
            ("USE_TOKEN=1", "USE_TOKEN=1"),
            ("PATH=/bin:/usr/bin", "PATH=/bin:/usr/bin"),
            ("API_KEY=", "API_KEY="),
            ("no equals sign", "no equals sign"),
        ] {
            assert_eq!(hidden(variable), expected);
        }
    }

    #[test]
    fn secrets_are_known_by_their_shape_whatever_they_are_called() {
        for (variable, expected) in [
            ("X=ghp_0123456789abcdef", "X=********************"),
            ("DATABASE_URL=postgres://me:hunter2@db/x", "DATABASE_URL=postgres://me:*******@db/x"),
            ("URL=https://host:80/a@b", "URL=https://host:80/a@b"),
            ("SKI=sk-1", "SKI=sk-1"),
        ] {
            assert_eq!(hidden(variable), expected);
        }
    }

    #[test]
    fn arguments_hide_what_follows_the_name_of_a_secret() {
        let words = ["run", "--token", "abc", "--api-key=def", "--keyboard", "us", "-p", "PASS=x", "--pass", "-v"];
        let scrubbed = scrubbed_arguments(words.map(Text::from).to_vec());
        let shown: Vec<String> = scrubbed.iter().map(Text::to_string).collect();
        assert_eq!(
            shown,
            ["run", "--token", "***", "--api-key=***", "--keyboard", "us", "-p", "PASS=*", "--pass", "-v"]
        );
    }

    #[test]
    fn the_bytes_in_memory_are_found_behind_one_another() {
        let texts = ["A=1", "KEY=secret", "B=2"].map(Text::from);
        let parts: Vec<Part> = texts.iter().map(|text| secret_of_variable(text.as_bytes())).collect();
        assert_eq!(addresses(&texts, &parts, Some(0x1000)), [AddressRange::new(0x1008, 0x100e)]);
        assert_eq!(addresses(&texts, &parts, None), []);
    }

    #[test]
    fn hidden_bytes_are_replaced_wherever_a_read_begins() {
        struct Letters;
        impl Memory for Letters {
            fn read_some(&self, _: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
                buf.fill(b'a');
                Ok(buf.len())
            }
        }
        let hidden = vec![AddressRange::new(10, 13), AddressRange::new(15, 16)];
        let memory = ScrubbedMemory { memory: Letters, hidden };
        for start in 0..20u64 {
            let mut buf = [0; 4];
            memory.read(Avma(start), &mut buf).unwrap();
            let expected =
                std::array::from_fn(|at| if [10, 11, 12, 15].contains(&(start + at as u64)) { b'*' } else { b'a' });
            assert_eq!(buf, expected, "{start}");
        }
    }
}
