//! Structures, unions and enums as their language declares them, with offsets, sizes and holes where asked, in the form
//! of gdb's `ptype/o`.

use std::fmt::Write as _;

use super::evaluator::Evaluator;
use super::value::ExprType;
use crate::dwarf::DieRef;
use crate::expr::Syntax;
use crate::types::{
    self, Access, ClassBody, Field, FieldKind, FieldPlace, Method, Record, RecordKind, StaticMember, Type, TypeKind,
};

/// Structures without a name inside each other that are spelled out.
const MOST_LEVELS: usize = 16;
/// Where the line of the declaration itself begins, behind the heading of the offsets.
const HEAD: usize = 29;
/// What stands in front of each line with offsets: `/*      8      |       4 */`.
const MARGIN: usize = 27;

/// A structure whose lines are being written.
struct Body<'r> {
    record: &'r Record,
    class: ClassBody,
    /// In bytes.
    size: Option<u64>,
    /// In bits, inside of the outermost one.
    start: u64,
    level: usize,
    offsets: bool,
}

/// The lines of a structure, with labels that say who may use the members behind them.
#[derive(Default)]
struct Lines {
    text: String,
    /// The last label.
    label: Option<Access>,
    /// What stands in front of the labels.
    indent: usize,
}

impl Lines {
    fn push(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("a String takes all text");
    }

    fn label(&mut self, access: Access) {
        if self.label.replace(access) != Some(access) {
            let word = match access {
                Access::Public => "public",
                Access::Protected => "protected",
                Access::Private => "private",
            };
            self.push(&format!("{}{word}:", " ".repeat(self.indent)));
        }
    }
}

impl Evaluator<'_, '_> {
    pub(super) fn record_declaration(&self, die: DieRef, found: &Type, record: &Record, offsets: bool) -> String {
        if self.syntax == Syntax::Rust {
            return self.rust_declaration(die, found, record);
        }
        let name = self.qualified(Some(die), found);
        let head = match (self.syntax, record.kind) {
            (Syntax::C, _) => name,
            (_, RecordKind::Union) => format!("union {name}"),
            (_, RecordKind::Class) => format!("class {name}"),
            (_, RecordKind::Struct) => format!("struct {name}"),
        };
        let class = types::class_body(self.context.view, die);
        let bases = record.fields.iter().zip(&class.field_access);
        let bases: Vec<String> = bases.filter_map(|(field, access)| self.base(field, *access)).collect();
        let bases = if bases.is_empty() { String::new() } else { format!(" : {}", bases.join(", ")) };
        let body = Body { record, class, size: found.size, start: 0, level: 0, offsets };
        let mut lines = self.body(&body);
        if self.syntax == Syntax::Cpp && !offsets {
            self.methods(found, &body, &mut lines);
        }
        if lines.text.is_empty() && !offsets {
            lines.push("    <no data fields>");
        }
        let close = if offsets { " ".repeat(HEAD) } else { String::new() };
        format!("{head}{bases} {{\n{}{close}}}", lines.text)
    }

    /// The functions of a class, as gdb lists them behind the members.
    fn methods(&self, class: &Type, body: &Body<'_>, lines: &mut Lines) {
        if lines.label.is_some() && !body.class.methods.is_empty() {
            lines.push("");
        }
        for method in &body.class.methods {
            // Before functions gdb has a label even where it has none before members.
            lines.label(method.access);
            lines.push(&format!("    {};", self.method(class, method)));
        }
    }

    fn method(&self, class: &Type, method: &Method) -> String {
        let mut parameters: Vec<String> = method.parameters.iter().map(|of| self.spelled(*of, "", 0)).collect();
        parameters.extend(method.more.then(|| "...".to_owned()));
        let parameters = if parameters.is_empty() { "void".to_owned() } else { parameters.join(", ") };
        let declarator = format!("{}({parameters})", method.name);
        // Constructors and destructors return nothing, not even void.
        let bare = |name: &str| name.split('<').next().unwrap_or_default().to_owned();
        let is_constructor = class.name.as_deref().is_some_and(|name| bare(name) == bare(&method.name));
        let declared = match is_constructor || method.name.starts_with('~') {
            true => declarator,
            false => self.spelled(method.returns, &declarator, 0),
        };
        let before = match (method.is_virtual, method.of_object) {
            (true, _) => "virtual ",
            (false, true) => "",
            (false, false) => "static ",
        };
        format!("{before}{declared}{}", if method.is_const { " const" } else { "" })
    }

    fn base(&self, field: &Field, access: Access) -> Option<String> {
        let word = match access {
            Access::Public => "public",
            Access::Protected => "protected",
            Access::Private => "private",
        };
        match field.kind {
            FieldKind::Base => Some(format!("{word} {}", self.spelled(field.of, "", 0))),
            FieldKind::VirtualBase => Some(format!("{word} virtual {}", self.spelled(field.of, "", 0))),
            _ => None,
        }
    }

    fn body(&self, body: &Body<'_>) -> Lines {
        let margin = if body.offsets { MARGIN } else { 0 };
        let mut lines = Lines { indent: margin + 4 * body.level + 2, ..Lines::default() };
        let labelled = is_labelled(body);
        let mut end = 0;
        let mut statics = body.class.statics.iter().filter(|_| self.syntax == Syntax::Cpp).peekable();
        for (position, field) in body.record.fields.iter().enumerate() {
            while let Some(member) = statics.next_if(|member| member.position <= position) {
                self.static_member(body, member, labelled, &mut lines);
            }
            if field.kind != FieldKind::Member {
                continue;
            }
            if labelled {
                lines.label(body.class.field_access.get(position).copied().unwrap_or_default());
            }
            if body.offsets && body.record.kind != RecordKind::Union {
                self.note_hole(&mut lines.text, field, &mut end);
            }
            let margin = if body.offsets { self.margin(body, field) } else { String::new() };
            let indent = " ".repeat(4 * (body.level + 1));
            lines.push(&format!("{margin}{indent}{};", self.field_line(body, field)));
        }
        for member in statics {
            self.static_member(body, member, labelled, &mut lines);
        }
        if let (true, Some(size)) = (body.offsets, body.size) {
            if body.record.kind != RecordKind::Union {
                note_gap(&mut lines.text, end, size.saturating_mul(8), "padding");
            }
            let indent = " ".repeat(MARGIN + 4 * (body.level + 1));
            lines.push(&format!("\n{indent}/* total size (bytes): {size:4} */"));
        }
        lines
    }

    fn static_member(&self, body: &Body<'_>, member: &StaticMember, labelled: bool, lines: &mut Lines) {
        if labelled {
            lines.label(member.access);
        }
        let indent = " ".repeat(if body.offsets { MARGIN } else { 0 } + 4 * (body.level + 1));
        lines.push(&format!("{indent}static {};", self.spelled(member.of, &member.name, 0)));
    }

    /// A member, the inside of its type with it where that has no name.
    fn field_line(&self, body: &Body<'_>, field: &Field) -> String {
        let name = field.name.as_deref().unwrap_or("");
        let bits = field.bits.map(|bits| format!(" : {bits}")).unwrap_or_default();
        let nameless = self.described(&ExprType::of_entry(field.of)).filter(|of| of.name.is_none());
        let direct = field.of.and_then(|die| types::read(self.context.view, die));
        let (Some(TypeKind::Record(record)), true) =
            (nameless.as_ref().map(|of| &of.kind), direct == nameless && body.level < MOST_LEVELS)
        else {
            return format!("{}{bits}", self.spelled(field.of, name, 0));
        };
        let word = if record.kind == RecordKind::Union { "union" } else { "struct" };
        let start = body.start + if let FieldPlace::Bits(bit) = field.place { bit } else { 0 };
        let size = nameless.as_ref().and_then(|of| of.size);
        let class = field.of.map(|die| types::class_body(self.context.view, die)).unwrap_or_default();
        let (level, offsets) = (body.level + 1, body.offsets);
        let inner = self.body(&Body { record, class, size, start, level, offsets }).text;
        let close = " ".repeat(if body.offsets { MARGIN } else { 0 } + 4 * (body.level + 1));
        let name = if name.is_empty() { String::new() } else { format!(" {name}") };
        format!("{word} {{\n{inner}{close}}}{name}")
    }

    fn margin(&self, body: &Body<'_>, field: &Field) -> String {
        let size = types::size(self.context.view, field.of, 0).unwrap_or(0);
        match (&field.place, field.bits) {
            _ if body.record.kind == RecordKind::Union => format!("/*{size:22} */"),
            (FieldPlace::Bits(bit), Some(_)) => {
                let bit = bit + body.start;
                format!("/* {:6}:{:2}   |{size:8} */", bit / 8, bit % 8)
            }
            (FieldPlace::Bits(bit), None) => format!("/* {:6}      |{size:8} */", (bit + body.start) / 8),
            (FieldPlace::Expression(_), _) => format!("/* {:>6}      |{size:8} */", "vtable"),
        }
    }

    fn note_hole(&self, text: &mut String, field: &Field, end: &mut u64) {
        let FieldPlace::Bits(start) = field.place else { return };
        let bits = field.bits.or_else(|| types::size(self.context.view, field.of, 0)?.checked_mul(8)).unwrap_or(0);
        note_gap(text, *end, start, "hole");
        *end = (*end).max(start.saturating_add(bits));
    }

    fn rust_declaration(&self, die: DieRef, found: &Type, record: &Record) -> String {
        let name = self.qualified(Some(die), found);
        if let Some(part) = &record.variants {
            let variants = part.variants.iter().map(|variant| self.rust_variant(&variant.field));
            return format!("enum {name} {{\n{}}}", variants.collect::<String>());
        }
        let word = if record.kind == RecordKind::Union { "union" } else { "struct" };
        match self.rust_fields(record) {
            None => format!("{word} {name}"),
            Some((fields, true)) => format!("{word} {name}({})", fields.join(", ")),
            Some((fields, false)) => {
                format!(
                    "{word} {name} {{\n{}}}",
                    fields.iter().map(|field| format!("    {field},\n")).collect::<String>()
                )
            }
        }
    }

    fn rust_variant(&self, field: &Field) -> String {
        let name = field.name.as_deref().unwrap_or_default();
        let record = self.record(&ExprType::of_entry(field.of));
        match record.and_then(|record| self.rust_fields(&record)) {
            None => format!("    {name},\n"),
            Some((fields, true)) => format!("    {name}({}),\n", fields.join(", ")),
            Some((fields, false)) => format!("    {name} {{ {} }},\n", fields.join(", ")),
        }
    }

    /// The fields as Rust declares them, and whether they have numbers for names; `None` where there are none.
    fn rust_fields(&self, record: &Record) -> Option<(Vec<String>, bool)> {
        let members: Vec<&Field> = record.fields.iter().filter(|field| field.kind == FieldKind::Member).collect();
        let is_number = |field: &&Field| field.name.as_deref().is_some_and(|name| name.starts_with("__"));
        let is_tuple = members.iter().all(is_number);
        let written = members.iter().map(|field| match is_tuple {
            true => self.spelled(field.of, "", 0),
            false => format!("{}: {}", field.name.as_deref().unwrap_or_default(), self.spelled(field.of, "", 0)),
        });
        (!members.is_empty()).then(|| (written.collect(), is_tuple))
    }
}

/// Whether gdb writes labels: in a class where not all is private, in a structure or union where not all is public.
fn is_labelled(body: &Body<'_>) -> bool {
    let usual = if body.record.kind == RecordKind::Class { Access::Private } else { Access::Public };
    let fields = body.record.fields.iter().zip(&body.class.field_access);
    let is_member = |field: &Field| matches!(field.kind, FieldKind::Member | FieldKind::VtablePointer);
    fields.filter(|(field, _)| is_member(field)).any(|(_, access)| *access != usual)
        || body.class.statics.iter().any(|member| member.access != usual)
        || body.class.methods.iter().any(|method| method.access != usual)
        || body.class.has_artificial_methods && usual != Access::Public
}

/// Says so where nothing stands between two bits; not before the first member, where a table of functions may be.
fn note_gap(text: &mut String, end: u64, start: u64, what: &str) {
    let Some(gap) = start.checked_sub(end).filter(|gap| end > 0 && *gap > 0) else { return };
    if gap % 8 > 0 {
        writeln!(text, "/* XXX {:2}-bit {what:7}    */", gap % 8).expect("a String takes all text");
    }
    if gap >= 8 {
        writeln!(text, "/* XXX {:2}-byte {what:7}   */", gap / 8).expect("a String takes all text");
    }
}
