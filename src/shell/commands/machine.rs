//! Registers, memory and code.

use crate::engine::{CommandError, Engine, Reply};
use crate::shell::table::{Action, Command, Group, Invocation, Modes, Repeat};

/// The rows.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "regs",
        aliases: &["registers", "info registers", "info all-registers"],
        arguments: "[all | NAME...]",
        group: Group::Machine,
        modes: Modes::ALL,
        summary: "Show the registers of the selected frame",
        details: "In a caller, registers that nobody saved on the way are <not saved>. 'all' adds the floating-point\n\
                  and vector registers of the thread.",
        example: "regs rip rsp",
        repeat: Repeat::No,
        action: Action::Run(registers),
    },
    Command {
        name: "x",
        aliases: &["examine", "hexdump"],
        arguments: "[/NFU] [ADDRESS]",
        group: Group::Machine,
        modes: Modes::ALL,
        summary: "Show memory: N units in format F of size U",
        details: "Formats: x hex, z padded hex, d signed, u unsigned, o octal, t binary, c character, a address with\n\
                  its symbol, f float, s string, i instruction. Sizes: b 1, h 2, w 4, g 8 bytes. ADDRESS is made of\n\
                  numbers, $registers, symbols, + and -, and * for the word there. Without one it goes on.",
        example: "x/4gx $rsp",
        repeat: Repeat::Onward,
        action: Action::Run(examine),
    },
    Command {
        name: "disas",
        aliases: &["disassemble"],
        arguments: "[/s] [FUNCTION | ADDRESS | A,B]",
        group: Group::Machine,
        modes: Modes::ALL,
        summary: "Disassemble the selected frame's function, or another",
        details: "'=>' marks the frame's pc; /s puts the source lines between the instructions.",
        example: "disas /s",
        repeat: Repeat::No,
        action: Action::Run(disassemble),
    },
    Command {
        name: "whatat",
        aliases: &["identify", "address", "info symbol", "info line"],
        arguments: "ADDRESS",
        group: Group::Machine,
        modes: Modes::ALL,
        summary: "Say what an address is in: symbol, line, mapping, stack frame",
        details: "",
        example: "whatat $rip",
        repeat: Repeat::No,
        action: Action::Run(whatat),
    },
    Command {
        name: "find",
        aliases: &[],
        arguments: "[-type u8|u16|u32|u64|str|ptr] [RANGE] VALUE",
        group: Group::Machine,
        modes: Modes::ALL,
        summary: "Look for a number, pointer or string in memory",
        details: "VALUE is an expression; a string in quotes is looked for as its bytes. RANGE is A,B or a part of a\n\
                  mapping's path, such as heap or libc; without one all captured memory is searched.",
        example: "find -type ptr heap $rsp",
        repeat: Repeat::No,
        action: Action::Run(find),
    },
    Command {
        name: "strings",
        aliases: &[],
        arguments: "[-min N] [-match RE] [RANGE]",
        group: Group::Machine,
        modes: Modes::ALL,
        summary: "List the texts in memory",
        details: "At least N printable ASCII characters each, 4 without -min; with -match only those in which the regular\n\
                  expression RE is found. RANGE as for find. Ctrl-C ends a long search.",
        example: "strings -min 8 stack",
        repeat: Repeat::No,
        action: Action::Run(strings),
    },
];

fn find(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.find(invocation.whole)
}

fn strings(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.printable_strings(invocation.whole)
}

fn registers(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.registers(invocation.arguments)
}

fn examine(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.examine(invocation.modifier, invocation.arguments)
}

fn disassemble(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let with_source = match invocation.modifier {
        "" => false,
        "s" | "m" => true,
        _ => return Err(invocation.usage()),
    };
    engine.disassemble(invocation.arguments, with_source)
}

fn whatat(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    if invocation.arguments.is_empty() {
        return Err(invocation.usage());
    }
    engine.whatat(invocation.arguments)
}
