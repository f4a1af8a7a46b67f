//! Registers, memory and code as text.

use std::fmt::Write as _;

use super::style::{Role, Style, clean, clean_str};
use super::table::{Table, cell, plain};
use crate::engine::{Disassembly, Examined, Format, InstructionLine, Registers, SourceOfInstruction, Unit, Value};

/// Registers, a line each.
pub fn registers(registers: &Registers, style: &Style) -> String {
    let mut table = Table::bare();
    for register in &registers.registers {
        let value = match register.value {
            Some(value) => cell(Role::Address, format!("{:#018x}", value.0)),
            None => cell(Role::Doubt, "<not saved>"),
        };
        let decimal = register.value.filter(|_| register.meaning.is_none()).map(|value| (value.0 as i64).to_string());
        let meaning = register.meaning.as_deref().map(clean_str);
        table.row(vec![plain(register.name), value, plain(meaning.or(decimal).unwrap_or_default())]);
    }
    for register in &registers.vector {
        table.row(vec![plain(&register.name), cell(Role::Address, &register.value)]);
    }
    table.render(style)
}

/// Memory, as many units on a line as fill sixteen bytes.
pub fn examined(examined: &Examined, style: &Style) -> String {
    let per_line = match examined.format {
        Format::String | Format::Instruction => 1,
        Format::Address => 2,
        _ => (16 / examined.size.max(1)).max(1),
    };
    let mut out = String::new();
    if examined.format == Format::Instruction {
        out += &instructions(&examined.units, style);
    } else {
        for units in examined.units.chunks(per_line) {
            out += &line(units, examined, style);
        }
    }
    if let Some(ended) = &examined.ended {
        let _ = writeln!(out, "{}", style.paint(Role::Doubt, clean_str(ended)));
    }
    out
}

fn instructions(units: &[Unit], style: &Style) -> String {
    let of = |unit: &Unit| if let Value::Instruction(line) = &unit.value { Some(line.clone()) } else { None };
    let lines: Vec<InstructionLine> = units.iter().filter_map(of).collect();
    let width = place_width(&lines);
    lines.iter().map(|line| instruction_line(line, width, style)).collect()
}

fn line(units: &[Unit], examined: &Examined, style: &Style) -> String {
    let first = &units[0];
    let symbol = first.symbol.as_deref().map(|symbol| format!(" <{}>", clean_str(symbol))).unwrap_or_default();
    let mut out = format!("{}{symbol}:", style.paint(Role::Address, first.address));
    for unit in units {
        let _ = write!(out, "  {}", value(&unit.value, examined, style));
    }
    out + "\n"
}

fn value(value: &Value, examined: &Examined, style: &Style) -> String {
    match value {
        Value::Bits(bits) => bits_text(bits.0, examined.format, examined.size),
        Value::Pointer { to, symbol } => match symbol {
            Some(symbol) => format!("{:#x} <{}>", to.0, style.paint(Role::Function, clean_str(symbol))),
            None => format!("{:#x}", to.0),
        },
        Value::Float(text) => text.clone(),
        Value::String { text, cut } => format!("\"{}\"{}", quoted(&clean(text)), if *cut { "..." } else { "" }),
        Value::Instruction(_) => String::new(),
    }
}

fn quoted(text: &str) -> String {
    text.replace('"', "\\\"")
}

fn bits_text(bits: u64, format: Format, size: usize) -> String {
    let signed = match size {
        1 => i64::from(bits as u8 as i8),
        2 => i64::from(bits as u16 as i16),
        4 => i64::from(bits as u32 as i32),
        _ => bits as i64,
    };
    match format {
        Format::Signed => signed.to_string(),
        Format::Unsigned => bits.to_string(),
        Format::Octal => {
            if bits == 0 {
                "0".to_owned()
            } else {
                format!("0{bits:o}")
            }
        }
        Format::Binary => format!("{bits:0width$b}", width = size * 8),
        Format::Character => format!("{signed} {}", character(bits as u8)),
        _ => format!("{bits:#0width$x}", width = size * 2 + 2),
    }
}

fn character(byte: u8) -> String {
    match byte {
        b' '..=b'~' => format!("'{}'", byte as char),
        _ => format!("'\\x{byte:02x}'"),
    }
}

/// A function's instructions, the frame's own marked.
pub fn disassembly(disassembly: &Disassembly, style: &Style) -> String {
    let mut out = String::new();
    if let Some(function) = &disassembly.function {
        let _ = writeln!(out, "{}:", style.paint(Role::Function, clean_str(function)));
    }
    let width = place_width(&disassembly.lines);
    let mut last = None;
    for line in &disassembly.lines {
        if let Some(source) = line.source.as_ref().filter(|source| last != Some((&source.file, source.line))) {
            last = Some((&source.file, source.line));
            out += &source_line(source, style);
        }
        out += &instruction_line(line, width, style);
    }
    if let Some(ended) = &disassembly.ended {
        let _ = writeln!(out, "{}", style.paint(Role::Doubt, clean_str(ended)));
    }
    out
}

fn source_line(source: &SourceOfInstruction, style: &Style) -> String {
    let place = style.paint(Role::File, format!("{}:{}", style.path(&source.file), source.line));
    let text = source.text.as_ref().map(clean).unwrap_or_default();
    format!("{place}  {}\n", text.replace("\\t", " ").trim())
}

fn symbol_of(line: &InstructionLine) -> String {
    line.symbol.as_deref().map(|symbol| format!("<{}>", clean_str(symbol))).unwrap_or_default()
}

/// The widest symbol, unless it is absurd: then the rest is not pushed out of sight for its sake.
fn place_width(lines: &[InstructionLine]) -> usize {
    lines.iter().map(|line| symbol_of(line).chars().count()).max().unwrap_or(0).min(48)
}

fn instruction_line(line: &InstructionLine, width: usize, style: &Style) -> String {
    let marker = if line.current { style.paint(Role::Strong, "=>").to_string() } else { "  ".to_owned() };
    let address = style.paint(Role::Address, format!("{:#018x}", line.address.0));
    let note = line.note.as_deref().map(|note| format!("  # {}", clean_str(note))).unwrap_or_default();
    let note = style.paint(Role::Faint, note);
    format!("{marker} {address} {:width$}  {}{note}\n", symbol_of(line), clean_str(&line.text))
}
