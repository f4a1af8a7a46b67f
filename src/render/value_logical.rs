//! Values of the standard libraries as text: what they mean, in the syntax of their language.

use dpdb_analyzer::{Logical, Remark, SmartPointer, ValueTree};

use super::style::clean_str;
use super::value::{Writer, grouped, left_out};
use super::value_string::quoted;

impl Writer {
    /// A value by its meaning.
    pub(super) fn logical(&self, value: &Logical, level: usize) -> String {
        match value {
            Logical::Text { text, length, prefix } => {
                // Where it was cut, the length counts units of its encoding: more than it has characters.
                let whole = text.chars().count() as u64 >= *length;
                quoted(prefix, text) + &if whole { String::new() } else { format!("… of {}", grouped(*length)) }
            }
            Logical::Sequence { items, length: Some(length) } => self.array(items, *length, level),
            // A list whose end was not seen.
            Logical::Sequence { items, length: None } => {
                let mut text = self.array(items, items.len() as u64, level);
                text.insert_str(text.len() - 1, ", …");
                text
            }
            Logical::Set { items, length, .. } => {
                let parts = items.iter().map(|item| self.value(item, level + 1)).collect();
                self.entries(parts, length.saturating_sub(items.len() as u64), level)
            }
            Logical::Map { entries, length, .. } => {
                let parts = entries.iter().map(|(key, value)| self.entry(key, value, level + 1)).collect();
                self.entries(parts, length.saturating_sub(entries.len() as u64), level)
            }
            Logical::Tuple(items) => {
                let parts: Vec<String> = items.iter().map(|item| self.value(item, level + 1)).collect();
                format!("({})", parts.join(", "))
            }
            Logical::Optional(None) => "nullopt".to_owned(),
            Logical::Optional(Some(value)) => format!("optional({})", self.value(value, level)),
            Logical::Alternative(None) => "<valueless by exception>".to_owned(),
            Logical::Alternative(Some((index, value))) => format!("variant[{index}]({})", self.value(value, level)),
            Logical::SmartPointer(pointer) => self.smart_pointer(pointer, level),
            Logical::Cell { value, borrow } => {
                let borrow = match borrow {
                    None | Some(0) => String::new(),
                    Some(-1) => ", mutably borrowed".to_owned(),
                    Some(1) => ", borrowed once".to_owned(),
                    Some(count) => format!(", borrowed {count} times"),
                };
                format!("Cell({}{borrow})", self.value(value, level))
            }
            Logical::Object { summary, fields } if fields.is_empty() => clean_str(summary),
            Logical::Object { summary, fields } => self.record(&(clean_str(summary) + " "), fields, level),
            // What the analyzer learns to tell before it is written here is shown as its data.
            other => clean_str(&serde_json::to_string(other).unwrap_or_default()),
        }
    }

    /// A value as it is laid out, with what it means or why that is not known.
    pub(super) fn remarked(&self, value: &ValueTree, remark: &Remark, level: usize) -> String {
        let plain = match value {
            ValueTree::Logical(logical) if **logical == Logical::Alternative(None) => "variant".to_owned(),
            value => self.value(value, level),
        };
        match remark {
            Remark::Meaning(meaning) => format!("{plain} {}", self.value(meaning, level)),
            Remark::Doubt(sentence) => format!("{plain} <{}>", clean_str(sentence)),
        }
    }

    fn entry(&self, key: &ValueTree, value: &ValueTree, level: usize) -> String {
        let (key, value) = (self.value(key, level), self.value(value, level));
        if self.is_rust() { format!("{key}: {value}") } else { format!("[{key}] = {value}") }
    }

    fn smart_pointer(&self, pointer: &SmartPointer, level: usize) -> String {
        let counts = [("use", pointer.use_count), ("weak", pointer.weak_count)];
        let counts = counts.iter().filter_map(|(word, count)| Some(format!(", {word} {}", (*count)?)));
        let value = pointer.value.as_ref().map(|value| format!(" = {}", self.value(value, level)));
        format!("{}({}{}){}", pointer.kind, pointer.to, counts.collect::<String>(), value.unwrap_or_default())
    }

    fn entries(&self, mut parts: Vec<String>, more: u64, level: usize) -> String {
        parts.extend((more > 0).then(|| left_out(more)));
        self.braced("{", parts, "}", level, true)
    }
}
