//! Two processes line by line.

use std::fmt::Write as _;

use super::style::{Role, Style};
use super::whole_run::{head, said};
use crate::engine::{ComparedPart, Comparison};

/// Equal lines shown around those that differ.
const AROUND: usize = 2;
/// Past so many pairs of lines nobody waits for the best match: all of both is shown.
const MOST_PAIRS: usize = 4_000_000;

/// A line of the one, of the other, or of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Both,
}

/// What differs, in the form of diff(1).
pub fn comparison(comparison: &Comparison, style: &Style) -> String {
    let mut out = String::new();
    if let Some(part) = comparison.parts.first() {
        let _ = writeln!(out, "- {}\n+ {}", head(&part.left.process), head(&part.right.process));
    }
    for part in &comparison.parts {
        out += &compared(part, style);
    }
    out
}

fn compared(part: &ComparedPart, style: &Style) -> String {
    // Colours would be compared, too.
    let plain = Style::default();
    let (left, right) = (said(&part.left, &plain), said(&part.right, &plain));
    let (left, right): (Vec<&str>, Vec<&str>) = (left.lines().collect(), right.lines().collect());
    let lines = align(&left, &right);
    let mut out = format!("\n{}", style.paint(Role::Strong, super::clean_str(&part.command)));
    if lines.iter().all(|(side, _)| *side == Side::Both) {
        let _ = writeln!(out, ": equal ({})", super::units::counted(lines.len(), "line"));
        return out;
    }
    out.push('\n');
    let is_near = |at: usize| {
        let near = at.saturating_sub(AROUND)..(at + AROUND + 1).min(lines.len());
        lines[near].iter().any(|(side, _)| *side != Side::Both)
    };
    let mut equal = 0;
    for (at, (side, line)) in lines.iter().enumerate() {
        if !is_near(at) {
            equal += 1;
            continue;
        }
        out += &folded(std::mem::take(&mut equal), style);
        let _ = match side {
            Side::Both => writeln!(out, "  {line}"),
            Side::Left => writeln!(out, "{}", style.paint(Role::Error, format!("- {line}"))),
            Side::Right => writeln!(out, "{}", style.paint(Role::File, format!("+ {line}"))),
        };
    }
    out + &folded(equal, style)
}

fn folded(equal: usize, style: &Style) -> String {
    if equal == 0 {
        return String::new();
    }
    format!("  {}\n", style.paint(Role::Faint, format!("… {}", super::units::counted(equal, "equal line"))))
}

/// The lines of both in order, those that are equal but for addresses as lines of both: a longest common subsequence.
fn align<'a>(left: &[&'a str], right: &[&'a str]) -> Vec<(Side, &'a str)> {
    let keys = |lines: &[&str]| lines.iter().map(|line| without_addresses(line)).collect::<Vec<_>>();
    let (a, b) = (keys(left), keys(right));
    let front = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let back = a[front..].iter().rev().zip(b[front..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (m, n) = (a.len() - front - back, b.len() - front - back);
    let both = |line: &&'a str| (Side::Both, *line);
    let mut lines: Vec<(Side, &'a str)> = left[..front].iter().map(both).collect();
    let (mut i, mut j) = (0, 0);
    if m.saturating_mul(n) <= MOST_PAIRS {
        // longest[i][j]: of what is left after i lines of the one and j of the other.
        let mut longest = vec![vec![0u32; n + 1]; m + 1];
        for i in (0..m).rev() {
            for j in (0..n).rev() {
                longest[i][j] = match a[front + i] == b[front + j] {
                    true => longest[i + 1][j + 1] + 1,
                    false => longest[i + 1][j].max(longest[i][j + 1]),
                };
            }
        }
        while i < m && j < n {
            if a[front + i] == b[front + j] {
                lines.push((Side::Both, left[front + i]));
                (i, j) = (i + 1, j + 1);
            } else if longest[i + 1][j] >= longest[i][j + 1] {
                lines.push((Side::Left, left[front + i]));
                i += 1;
            } else {
                lines.push((Side::Right, right[front + j]));
                j += 1;
            }
        }
    }
    lines.extend(left[front + i..front + m].iter().map(|line| (Side::Left, *line)));
    lines.extend(right[front + j..front + n].iter().map(|line| (Side::Right, *line)));
    lines.extend(left[front + m..].iter().map(both));
    lines
}

/// A line with all that looks like an address made equal; small numbers are offsets and values, and are kept.
fn without_addresses(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("0x") {
        let digits = rest[at + 2..].bytes().take_while(u8::is_ascii_hexdigit).count();
        let number = &rest[at..at + 2 + digits];
        out += &rest[..at];
        out += if digits > 5 { "ADDRESS" } else { number };
        rest = &rest[at + 2 + digits..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::Side::{Both, Left, Right};
    use super::align;

    #[test]
    fn lines_that_differ_only_in_addresses_are_equal() {
        let left = ["#0 0x0000562bbd2d679c in f", "#1 0x1234567 in main", "x = 0x10"];
        let right = ["#0 0x00005555bd2d679c in f", "#1 0x7654321 in start", "#2 0x7 in main", "x = 0x10"];
        let expected = vec![(Both, left[0]), (Left, left[1]), (Right, right[1]), (Right, right[2]), (Both, left[2])];
        assert_eq!(align(&left, &right), expected);
        assert_eq!(align(&[], &["a"]), [(Right, "a")]);
        assert_eq!(align(&["a", "b", "c"], &["b"]), [(Left, "a"), (Both, "b"), (Left, "c")]);
    }
}
