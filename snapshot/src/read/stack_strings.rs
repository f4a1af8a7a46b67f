//! Finds the command line and the environment where the kernel put them: at the top of the main thread's stack.
//!
//! From the top down there are (fs/binfmt_elf.c, `create_elf_tables`): the file's name, the strings of the environment
//! and of the command line; below them the auxiliary vector, and below that the two lists of pointers, each ended by a
//! zero. The auxiliary vector is known from its note, so it is searched for, and read downwards from.

use crate::{AddressRange, Avma, Memory, Text};

/// How far below the top of the stack the vector is searched; `ARG_MAX` is 2 MiB by default.
const MAX_DEPTH: u64 = 3 << 20;
/// Pointers that are followed, of both lists together.
const MAX_POINTERS: usize = 1 << 16;
/// Bytes of strings that are kept, and of one string.
const MAX_BYTES: usize = 4 << 20;
const MAX_STRING: usize = 128 << 10;

/// The command line and the environment.
pub(super) fn find(memory: &dyn Memory, stack: AddressRange, auxv: &[(u64, u64)]) -> Option<(Vec<Text>, Vec<Text>)> {
    let start = Avma(stack.start.0.max(stack.end.0.saturating_sub(MAX_DEPTH)) & !7);
    let mut bytes = vec![0; stack.end.0.saturating_sub(start.0) as usize];
    memory.read(start, &mut bytes).ok()?;
    let words: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let vector: Vec<u64> = auxv.iter().take(4).flat_map(|&(kind, value)| [kind, value]).collect();
    let vector_at = words.windows(vector.len().max(1)).rposition(|window| window == vector)?;

    let environment_end = vector_at.checked_sub(1)?;
    let environment_start = list_start(&words, environment_end)?;
    let arguments_end = environment_start.checked_sub(1)?;
    // argc is below the first pointer, and a small number: the list begins where it says.
    let arguments_start = (0..=arguments_end)
        .rev()
        .take(MAX_POINTERS)
        .find(|&start| start > 0 && words[start - 1] == (arguments_end - start) as u64)?;
    let mut room = MAX_BYTES;
    let arguments = strings(memory, &words[arguments_start..arguments_end], &mut room);
    let environment = strings(memory, &words[environment_start..environment_end], &mut room);
    Some((arguments, environment))
}

/// Where the list begins that ends with the zero at `end`: behind the zero before it.
fn list_start(words: &[u64], end: usize) -> Option<usize> {
    (words.get(end) == Some(&0)).then_some(())?;
    let before = words[end.saturating_sub(MAX_POINTERS)..end].iter().rposition(|&word| word == 0)?;
    Some(end.saturating_sub(MAX_POINTERS) + before + 1)
}

fn strings(memory: &dyn Memory, pointers: &[u64], room: &mut usize) -> Vec<Text> {
    let mut found = Vec::new();
    for &pointer in pointers {
        let Ok((text, _)) = memory.read_c_string(Avma(pointer), MAX_STRING.min(*room)) else { break };
        *room -= text.len();
        found.push(Text(text));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::{Absent, AddressRange, Avma, Memory, Text};

    struct Stack(Vec<u8>);

    const BASE: u64 = 0x7ffc_0000_0000;

    impl Memory for Stack {
        fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
            let from = at.0.checked_sub(BASE).and_then(|from| self.0.get(from as usize..)).unwrap_or_default();
            if from.is_empty() {
                return Err(Absent::NotMapped(at));
            }
            let count = from.len().min(buf.len());
            buf[..count].copy_from_slice(&from[..count]);
            Ok(count)
        }
    }

    #[test]
    fn arguments_and_environment_are_read_off_the_stack() {
        let text_at = BASE + 256;
        let auxv = [(33, 0x7fff_0000), (16, 0xbeef), (6, 4096), (17, 100)];
        let mut words = vec![7, 7, 2, text_at, text_at + 5, 0, text_at + 8, text_at + 15, 0];
        words.extend(auxv.iter().flat_map(|&(kind, value)| [kind, value]));
        let mut bytes: Vec<u8> = words.iter().flat_map(|word: &u64| word.to_le_bytes()).collect();
        bytes.resize(256, 0);
        bytes.extend(b"prog\0-x\0HOME=/\0A=1\0");
        bytes.resize(512, 0);
        let stack = AddressRange::new(BASE, BASE + 512);
        let (arguments, environment) = find(&Stack(bytes), stack, &auxv).unwrap();
        assert_eq!(arguments, ["prog", "-x"].map(Text::from));
        assert_eq!(environment, ["HOME=/", "A=1"].map(Text::from));
    }
}
