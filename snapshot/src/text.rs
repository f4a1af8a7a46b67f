//! Strings that a process made: bytes first, text when they happen to be.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A string of the target: any bytes, since nothing obliges a path, an argument or a thread's name to be UTF-8.
///
/// In JSON it is a string where the bytes are UTF-8, else `{"hex": "…"}`, so that nothing is lost. `Display` is for
/// terminals: control characters, escapes and invalid bytes come out as `\x1b`, never raw.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(pub Vec<u8>);

impl Text {
    /// The bytes as they were.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, where it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The path these bytes name.
    pub fn as_path(&self) -> &std::path::Path {
        use std::os::unix::ffi::OsStrExt;
        std::path::Path::new(std::ffi::OsStr::from_bytes(&self.0))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(text.as_bytes().to_vec())
    }
}

impl From<&std::path::Path> for Text {
    fn from(path: &std::path::Path) -> Text {
        use std::os::unix::ffi::OsStrExt;
        Text(path.as_os_str().as_bytes().to_vec())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Text {
        Text(bytes)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() || is_direction_override(c) {
                    write!(f, "{}", c.escape_default())?;
                } else {
                    write!(f, "{c}")?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Bidirectional controls reorder what follows them on a terminal ("Trojan Source", CVE-2021-42574).
fn is_direction_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => serializer.serialize_str(text),
            None => Spelling::Hex { hex: to_hex(&self.0) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        match Spelling::deserialize(deserializer)? {
            Spelling::Plain(text) => Ok(Text(text.into_bytes())),
            Spelling::Hex { hex } => unhex(&hex)
                .map(Text)
                .ok_or_else(|| serde::de::Error::custom("a text's hex digits come in pairs of 0-9a-f")),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Spelling {
    Plain(String),
    Hex { hex: String },
}

/// Bytes as a string of hex digits, for fields that are never text.
pub(crate) mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}", super::to_hex(bytes)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let digits = String::deserialize(deserializer)?;
        super::unhex(&digits).ok_or_else(|| serde::de::Error::custom("hex digits come in pairs of 0-9a-f"))
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |digit: u8| (digit as char).to_digit(16).map(|value| value as u8);
    digits.chunks(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn bytes_survive_json_and_never_reach_a_terminal_raw() {
        for bytes in [b"plain".to_vec(), vec![0xff, 0x00, 0x1b], "\u{202e}käse".as_bytes().to_vec()] {
            let text = Text(bytes);
            let json = serde_json::to_string(&text).unwrap();
            assert_eq!(serde_json::from_str::<Text>(&json).unwrap(), text);
            assert!(!text.to_string().chars().any(char::is_control));
        }
        assert_eq!(Text(b"a\x1b[31m\xff".to_vec()).to_string(), "a\\u{1b}[31m\\xff");
    }
}
