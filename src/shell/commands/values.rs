//! Variables, expressions and types.

use dpdb_analyzer::Listed;

use crate::engine::{CommandError, Engine, Reply, Show};
use crate::shell::table::{Action, Command, Group, Handler, Invocation, Modes, Repeat};

/// A row of this group.
const fn row(
    (name, aliases, arguments): (&'static str, &'static [&'static str], &'static str),
    summary: &'static str,
    details: &'static str,
    example: &'static str,
    handler: Handler,
) -> Command {
    Command {
        name,
        aliases,
        arguments,
        group: Group::Values,
        modes: Modes::ALL,
        summary,
        details,
        example,
        repeat: Repeat::No,
        action: Action::Run(handler),
    }
}

/// The rows.
pub const COMMANDS: &[Command] = &[
    row(
        ("p", &["print", "inspect"], "[/FMT] [OPTIONS] [EXPR]"),
        "Show the value of an expression, in the syntax of its language",
        "EXPR is written as in the frame's language: names, members (through pointers too), a[2], a[2:5], *p@10,\n\
         casts, arithmetic, $registers, $1 of the history, $variables that '$x = 1' sets. Formats: x hex, d signed,\n\
         u unsigned, o octal, t binary, c character, a address, f float, s string, z padded hex, r as it is laid\n\
         out. Options: -elements N, -bytes N, -depth N, -ms N (or 'unlimited'), -pretty, -raw, and -- before an EXPR\n\
         that begins with a dash. Without EXPR all variables of the frame are shown. In a\n\
         Python frame EXPR is Python; '-native EXPR' and '-python EXPR' say whose it is. docs/expressions.md has it all.",
        "p/x $rip",
        print,
    ),
    row(
        ("pp", &[], "[/FMT] [OPTIONS] EXPR"),
        "Show the value of an expression as a tree, a member on each line",
        "FMT and OPTIONS are those of p.",
        "pp $rsp",
        pretty_print,
    ),
    row(
        ("py-print", &[], "[/FMT] [OPTIONS] EXPR"),
        "Show the value of a Python expression, also from a native frame",
        "The same as 'p -python EXPR': in a native frame, names are those of the Python frame that called it.",
        "py-print x",
        python_print,
    ),
    row(
        ("eval", &["output", "!"], "EXPR"),
        "Evaluate an expression; a line that is no command is one, too",
        "",
        "eval 6 * 7",
        eval,
    ),
    row(
        ("locals", &["info locals"], "[OPTIONS] [RE | !RE]"),
        "Show the local variables of the selected frame",
        "Those of the innermost block come first. RE is a regular expression that their names must match; OPTIONS are those of p.",
        "locals",
        locals,
    ),
    row(
        ("args", &["a", "info args"], "[OPTIONS] [RE | !RE]"),
        "Show the arguments of the selected frame",
        "NAME@entry is the value at the function's entry, where the caller tells it and it has changed since.",
        "args",
        args,
    ),
    row(
        ("globals", &["X", "V"], "[OPTIONS] [RE | !RE]"),
        "Show the variables outside of functions",
        "Those of the frame's source file; with a pattern those of its whole module, its own file first. In a Python\n\
         frame those of its module: without a pattern no modules, functions and classes; 'globals .' shows all.",
        "globals",
        globals,
    ),
    row(
        ("whatis", &[], "EXPR | TYPE"),
        "Show the name of a type",
        "Of a Python object whose class the program made, its bases too.",
        "whatis $rip",
        whatis,
    ),
    row(
        ("ptype", &[], "[/o] EXPR | TYPE"),
        "Show the declaration of a type; /o with offsets, sizes and holes",
        "",
        "ptype $rip",
        ptype,
    ),
    row(
        ("methods", &["m"], "EXPR | CLASS"),
        "List the functions of a class, or of that of an expression",
        "Of Python those that are no protocol of its own, by name.",
        "methods node",
        methods,
    ),
    row(
        ("inherits", &["mro"], "EXPR | CLASS"),
        "List the classes that a class is derived from",
        "Of Python in the order in which names are looked up.",
        "inherits node",
        inherits,
    ),
    row(
        ("y", &[], "[N] [RE | !RE]"),
        "Show the locals of the caller, or of the frame N further out",
        "The selection stays as it is.",
        "y 2",
        locals_of_caller,
    ),
    row(
        ("display", &["info display"], "[/FMT] [OPTIONS] [EXPR]"),
        "Show an expression now and whenever a frame or thread is selected",
        "Without EXPR all displayed expressions are shown.",
        "display/x $rsp",
        display,
    ),
    row(("undisplay", &[], "[N | EXPR | *]"), "Display an expression no longer", "", "undisplay *", undisplay),
    row(
        ("functions", &["S", "info functions"], "[RE | !RE]"),
        "List the functions that match, with their declarations",
        "All debugging information is read for it.",
        "functions main",
        functions,
    ),
    row(
        ("types", &["info types"], "[RE | !RE]"),
        "List the types that match",
        "All debugging information is read for it.",
        "types node",
        types,
    ),
    row(
        ("vars", &["info variables"], "[RE | !RE]"),
        "List the variables outside of functions that match",
        "All debugging information is read for it; 'globals' shows values.",
        "vars count",
        vars,
    ),
];

fn print(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let (show, expression) = Show::parse(invocation.modifier)?.options(invocation.arguments)?;
    if expression.is_empty() {
        return engine.all_variables(show);
    }
    Ok(Reply::Printed(Box::new(engine.print(expression, show)?)))
}

fn python_print(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let (show, expression) = Show::parse(invocation.modifier)?.options(invocation.arguments)?;
    if expression.is_empty() {
        return Err(invocation.usage());
    }
    let expression = format!("-python {expression}");
    Ok(Reply::Printed(Box::new(engine.print(&expression, show)?)))
}

fn pretty_print(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let (show, expression) = Show::parse(invocation.modifier)?.options(invocation.arguments)?;
    if expression.is_empty() {
        return Err(invocation.usage());
    }
    Ok(Reply::Printed(Box::new(engine.print(expression, Show { tree: true, ..show })?)))
}

fn eval(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    if invocation.whole.is_empty() {
        return Err(invocation.usage());
    }
    Ok(Reply::Printed(Box::new(engine.print(invocation.whole, Show::default())?)))
}

fn locals(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let (show, filter) = Show::default().options(invocation.whole)?;
    engine.variables(false, filter, show)
}

fn args(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let (show, filter) = Show::default().options(invocation.whole)?;
    engine.variables(true, filter, show)
}

fn globals(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let (show, filter) = Show::default().options(invocation.whole)?;
    engine.globals(filter, show)
}

fn whatis(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    if invocation.arguments.is_empty() {
        return Err(invocation.usage());
    }
    engine.whatis(invocation.arguments)
}

fn ptype(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match (invocation.modifier, invocation.arguments) {
        (_, "") => Err(invocation.usage()),
        ("", expression) => engine.ptype(expression, false),
        ("o", expression) => engine.ptype(expression, true),
        _ => Err(invocation.usage()),
    }
}

fn methods(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.arguments {
        "" => Err(invocation.usage()),
        expression => engine.methods(expression),
    }
}

fn inherits(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.arguments {
        "" => Err(invocation.usage()),
        expression => engine.inherits(expression),
    }
}

fn locals_of_caller(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let (first, rest) = invocation.whole.split_once(char::is_whitespace).unwrap_or((invocation.whole, ""));
    match first.parse() {
        Ok(steps) => engine.variables_of_caller(steps, rest.trim(), Show::default()),
        Err(_) => engine.variables_of_caller(1, invocation.whole, Show::default()),
    }
}

fn display(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let (show, expression) = Show::parse(invocation.modifier)?.options(invocation.arguments)?;
    engine.display(expression, show)
}

fn undisplay(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.undisplay(invocation.arguments)
}

fn functions(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.names(Listed::Functions, invocation.whole)
}

fn types(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.names(Listed::Types, invocation.whole)
}

fn vars(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.names(Listed::Variables, invocation.whole)
}
