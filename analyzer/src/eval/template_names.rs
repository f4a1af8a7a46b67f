//! Names of templates as people write them: with the blanks and the integers of any compiler, without inline namespaces,
//! and without the arguments that a template has by default.

use super::evaluator::Evaluator;
use crate::dwarf::{DieRef, NameKind, path_components, same_name};

/// Instances of a template that are looked through for the one that is meant.
const MOST_INSTANCES: usize = 1000;

/// Arguments inside arguments that are compared.
const MOST_LEVELS: usize = 16;

/// What the standard library's templates have for arguments by default.
const DEFAULTS: [&str; 8] =
    ["allocator", "less", "hash", "equal_to", "char_traits", "default_delete", "deque", "vector"];

/// Names of the library that are no instances by themselves, which arguments are often written with.
const ALIASES: [(&str, &str); 4] = [
    ("std::string", "std::basic_string<char>"),
    ("std::wstring", "std::basic_string<wchar_t>"),
    ("std::string_view", "std::basic_string_view<char>"),
    ("std::wstring_view", "std::basic_string_view<wchar_t>"),
];

impl Evaluator<'_, '_> {
    /// The type that `path` means when its templates have more arguments than it says: one whose other arguments are
    /// those of the standard library, or else the only one.
    pub(super) fn with_default_arguments(&self, path: &str, kind: NameKind) -> Option<DieRef> {
        if !matches!(kind, NameKind::Type(_)) || !path.ends_with('>') {
            return None;
        }
        let (view, unit) = (self.context.view, self.context.unit);
        let asked = with_integers_of_gcc(path);
        let means_it = |name: &str| means(&asked, &with_integers_of_gcc(name), 0);
        let here = view.named_of_unit(unit, kind).into_iter().map(|die| (die, view.full_path(die).join("::")));
        let chosen = choose(here, &means_it);
        chosen.or_else(|| choose(view.named_like(kind, &|name| means_it(name).is_some()), &means_it))
    }
}

/// How sure it is that an instance is the one that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Omitted {
    /// Nothing but what the standard library has by default.
    Defaults,
    /// Arguments of a program's own.
    Others,
}

impl Omitted {
    fn and(self, other: Omitted) -> Omitted {
        if self == Omitted::Defaults { other } else { self }
    }
}

fn choose(
    instances: impl Iterator<Item = (DieRef, String)>,
    means_it: &dyn Fn(&str) -> Option<Omitted>,
) -> Option<DieRef> {
    let all = instances.filter_map(|(die, name)| Some((means_it(&name)?, die, name)));
    let all: Vec<_> = all.take(MOST_INSTANCES).collect();
    if let Some((_, die, _)) = all.iter().find(|(omitted, ..)| *omitted == Omitted::Defaults) {
        return Some(*die);
    }
    let (_, die, only) = all.first()?;
    all.iter().all(|(.., name)| name == only).then_some(*die)
}

/// Whether the type that a compiler calls `own` is the one that somebody calls `asked`.
fn means(asked: &str, own: &str, level: usize) -> Option<Omitted> {
    let (asked, own) = without_common_ends(asked.trim(), own.trim());
    if same_name(own, asked) {
        return Some(Omitted::Defaults);
    }
    if level > MOST_LEVELS {
        return None;
    }
    if let Some((_, full)) = ALIASES.iter().find(|(alias, _)| same_name(alias, asked)) {
        return means(full, own, level + 1);
    }
    let own = path_components(own);
    let mut own = own.iter().rev();
    let mut omitted = Omitted::Defaults;
    for part in path_components(asked).into_iter().rev() {
        omitted = omitted.and(loop {
            let next = own.next()?;
            match component_means(part, next, level) {
                Some(found) => break found,
                // Inline namespaces tell versions of a library apart.
                None if next.starts_with("__") || *next == "_V2" => {}
                None => return None,
            }
        });
    }
    Some(omitted)
}

fn component_means(asked: &str, own: &str, level: usize) -> Option<Omitted> {
    if same_name(own, asked) {
        return Some(Omitted::Defaults);
    }
    let ((asked, asked_arguments), (own, own_arguments)) = (arguments(asked)?, arguments(own)?);
    if asked != own || asked_arguments.len() > own_arguments.len() {
        return None;
    }
    let mut omitted = Omitted::Defaults;
    for (asked, own) in asked_arguments.iter().zip(&own_arguments) {
        omitted = omitted.and(means(asked, own, level + 1)?);
    }
    let all_defaults = own_arguments[asked_arguments.len()..].iter().all(|argument| is_default(argument));
    Some(if all_defaults { omitted } else { Omitted::Others })
}

fn is_default(argument: &str) -> bool {
    let path = path_components(argument);
    let name = path.last().and_then(|last| arguments(last)).map(|(name, _)| name);
    path.first() == Some(&"std") && name.is_some_and(|name| DEFAULTS.contains(&name))
}

/// `const` in front and `*` and `&` behind, where both have them.
fn without_common_ends<'a>(mut one: &'a str, mut other: &'a str) -> (&'a str, &'a str) {
    let shorter =
        |text: &'a str, (front, back): (&str, &str)| Some(text.strip_prefix(front)?.strip_suffix(back)?.trim());
    while let Some(both) = [("const ", ""), ("", "*"), ("", "&")]
        .into_iter()
        .find_map(|ends| Some((shorter(one, ends)?, shorter(other, ends)?)))
    {
        (one, other) = both;
    }
    (one, other)
}

/// A template's name, and its arguments.
fn arguments(component: &str) -> Option<(&str, Vec<&str>)> {
    let (name, rest) = component.split_once('<')?;
    let inside = rest.strip_suffix('>')?;
    let (mut parts, mut start, mut open) = (Vec::new(), 0, 0_i32);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'<' | b'(' | b'{' => open += 1,
            b'>' | b')' | b'}' => open -= 1,
            b',' if open == 0 => {
                parts.push(inside[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(inside[start..].trim());
    parts.retain(|part| !part.is_empty());
    Some((name.trim(), parts))
}

/// How compilers write template arguments: a blank behind each comma, and with gcc one between two closing brackets.
pub(super) fn spellings(path: &str) -> Vec<String> {
    if !path.contains('<') {
        return Vec::new();
    }
    let mut plain = String::new();
    for word in path.split(' ').filter(|word| !word.is_empty()) {
        let both_are_words = plain.ends_with(char::is_alphanumeric) && word.starts_with(char::is_alphanumeric);
        plain.push_str(if both_are_words { " " } else { "" });
        plain.push_str(word);
    }
    let with_blanks = plain.replace(',', ", ");
    // A closing bracket does not end up as the operator `>>` where there is an even number of them.
    let apart = with_blanks.replace(">>", "> >").replace(">>", "> >");
    let by_gcc = with_integers_of_gcc(&apart);
    let other = (by_gcc != apart).then_some(by_gcc);
    [apart, with_blanks].into_iter().chain(other).collect()
}

/// The path with the types of integers as gcc spells them: `long unsigned int` for `unsigned long`.
fn with_integers_of_gcc(path: &str) -> String {
    let is_part = |word: &str| matches!(word, "short" | "long" | "unsigned" | "signed" | "int");
    let mut spelled = String::new();
    let mut rest = path;
    while !rest.is_empty() {
        // A run of words with blanks between them, and whatever follows it.
        let end = rest.find(|c: char| !(c == ' ' || c == '_' || c.is_alphanumeric())).unwrap_or(rest.len());
        let words: Vec<&str> = rest[..end].split_whitespace().collect();
        if !words.is_empty() && words.iter().all(|word| is_part(word)) {
            let count = |part: &str| words.iter().filter(|word| **word == part).count();
            let unsigned = if count("unsigned") > 0 { "unsigned " } else { "" };
            let lead = &rest[..rest.len() - rest.trim_start().len()];
            let size = "short ".repeat(count("short")) + &"long ".repeat(count("long"));
            spelled += &format!("{lead}{size}{unsigned}int");
        } else {
            spelled += &rest[..end];
        }
        let next = end + rest[end..].chars().next().map_or(0, char::len_utf8);
        spelled += &rest[end..next];
        rest = &rest[next..];
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::{Omitted, means, spellings};

    #[test]
    fn template_arguments_are_spelled_as_compilers_do() {
        assert_eq!(spellings("Box<int,2>")[0], "Box<int, 2>");
        assert_eq!(spellings("A<B<unsigned  int>,C>")[0], "A<B<unsigned int>, C>");
        assert_eq!(spellings("A<B<C<int>>>"), ["A<B<C<int> > >", "A<B<C<int>>>"]);
        assert!(spellings("plain").is_empty());
        let by_gcc = "Map<short int, long unsigned int, long long int, Box<unsigned int>, shorter, int>";
        assert_eq!(spellings("Map<short, unsigned long, long long, Box<unsigned>, shorter, int>")[2], by_gcc);
    }

    #[test]
    fn arguments_may_be_left_to_their_defaults() {
        let vector = "std::vector<int, std::allocator<int> >";
        assert_eq!(means("std::vector<int>", vector, 0), Some(Omitted::Defaults));
        assert_eq!(means("vector<int>", vector, 0), Some(Omitted::Defaults));
        assert_eq!(means("std::vector<long>", vector, 0), None);
        assert_eq!(means("other::vector<int>", vector, 0), None);
        assert_eq!(means("std::vector<int>", "std::vector<int, arena<int> >", 0), Some(Omitted::Others));
        let list = "std::__cxx11::list<std::vector<int, std::allocator<int> >*, std::allocator<std::vector<int> *> >";
        assert_eq!(means("std::list<std::vector<int> *>", list, 0), Some(Omitted::Defaults));
        let text = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
        let map = format!("std::map<{text}, int, std::less<{text} >, std::allocator<std::pair<const {text}, int> > >");
        assert_eq!(means("std::map<std::string, int>", &map, 0), Some(Omitted::Defaults));
        assert_eq!(means("std::map<std::string>", &map, 0), Some(Omitted::Others));
        assert_eq!(means("ring<int>", "ring<int, 4>", 0), Some(Omitted::Others));
    }
}
