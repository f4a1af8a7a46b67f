//! Expressions in Python's syntax, held against what the interpreter says itself: the program evaluates each of them a
//! moment before it dies, and the debugger after that.

mod common;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Scene, Terminal, fixture_dir, inspect, interpreters, tool};
use serde_json::Value;

/// Runs the script, which says the truth about the expressions, until it dies.
fn crash(scene: &Scene, python: &Path) -> (PathBuf, BTreeMap<String, String>) {
    let targets = fixture_dir().join("targets");
    let script = [targets.join("python_expressions.py"), targets.join("python_expressions.txt")];
    let outcome = scene.run([python.to_owned()].into_iter().chain(script));
    assert_eq!(outcome.signal(), Some(11), "{}: {}", python.display(), outcome.stderr);
    (scene.snapshot(), serde_json::from_str(&outcome.stdout).expect("the script's truth is JSON"))
}

/// What each command answers in the frame of the script.
fn answers<S: AsRef<str>>(scene: &Scene, snapshot: &Path, commands: &[S]) -> Vec<Value> {
    let run = |lines: String| {
        let script = scene.path("commands");
        std::fs::write(&script, lines).expect("a script is written");
        let outcome = inspect(snapshot, [OsStr::new("--json"), "-x".as_ref(), script.as_ref()]).without_panic();
        outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>()
    };
    let stack = run("bt -python".to_owned()).remove(0);
    let frames = stack["reply"]["frames"].as_array().cloned().unwrap_or_default();
    let is_script = |frame: &&Value| frame["function"].as_str().is_some_and(|name| name.ends_with("frame"));
    let number = &frames.iter().find(is_script).expect("the script's frame")["number"];
    let commands: Vec<String> = std::iter::once(format!("frame {number}"))
        .chain(commands.iter().map(|line| line.as_ref().to_owned()))
        .collect();
    let answers = run(commands.join("\n")).split_off(1);
    assert_eq!(answers.len() + 1, commands.len(), "one answer each");
    answers
}

/// The text of a value, or the sentence of an error.
fn text(answer: &Value) -> String {
    let value = &answer["reply"]["value"];
    if let Some(text) = value.as_str().or_else(|| value["repr"].as_str()) {
        return text.to_owned();
    }
    let error = answer["error"].as_str().unwrap_or_else(|| panic!("an answer or an error: {answer:#}"));
    error.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn expressions_give_what_the_interpreter_gives() {
    for (version, python) in interpreters() {
        let scene = Scene::new();
        let (snapshot, truth) = crash(&scene, &python);
        assert!(truth.len() >= 200, "{} rows", truth.len());
        let commands: Vec<String> = truth.keys().map(|expression| format!("p {expression}")).collect();
        for ((expression, expected), found) in truth.iter().zip(answers(&scene, &snapshot, &commands)) {
            let found = text(&found);
            // When it prints an error, Python adds a name that may have been meant; so do we.
            let suggested =
                found.strip_prefix(expected.as_str()).is_some_and(|rest| rest.starts_with(". Did you mean"));
            assert!(
                found == *expected || suggested,
                "{version:?}: {expression}\nPython:   {expected}\ndebugger: {found}"
            );
        }
    }
}

/// What only code of the process could tell: the refusal names that code.
const REFUSED: [(&str, &str); 30] = [
    ("base.area", "'area' of 'Base' cannot be told: it is a property"),
    ("child.area", "it is a property"),
    ("dynamic.anything", "'anything' of 'Dynamic' cannot be told: __getattr__ computes it"),
    ("hasattr(dynamic, 'anything')", "__getattr__ computes it"),
    ("len(sized)", "Sized.__len__ would be called"),
    ("bool(sized)", "Sized.__len__ would be called"),
    ("sized and 1", "Sized.__len__ would be called"),
    ("sized[0]", "Sized.__getitem__ would be called"),
    ("[x for x in sized]", "Sized.__getitem__ would be called"),
    ("sized == 1", "Sized.__eq__ would be called"),
    ("sized in [1]", "Sized.__eq__ would be called"),
    ("{sized}", "comparing would call Sized.__eq__"),
    ("helper(1)", "helper() would run Python code"),
    ("base.method()", "Base.method() would run Python code"),
    ("Base.build()", "Base.build() would run Python code"),
    ("Base('a', 1)", "__main__.Base() would make an object"),
    ("number.to_bytes(2, 'big')", "int.to_bytes() is not evaluated"),
    ("items.append(1)", "list.append() is not evaluated"),
    ("default['unseen']", "the default_factory would be called"),
    ("counter['unseen']", "Counter.__missing__ would be called"),
    ("[0] + [x for x in dynamic_module]", "NameError: name 'dynamic_module' is not defined"),
    ("module.sqrt(4)", "calling a 'builtin_function_or_method' would run its code"),
    ("lambda: 1", "'lambda' would have to run code"),
    ("f'{number}'", "f-strings and t-strings are not evaluated"),
    ("number = 8", "nothing can be assigned in a process that is dead"),
    ("import os", "only expressions are evaluated"),
    ("'%d' % 3", "formatting with % is not evaluated"),
    ("unbound", "UnboundLocalError: "),
    ("2 ** 10 ** 10", "given up: an integer of more than 131072 bits"),
    ("[x for x in range(10 ** 9)]", "given up: "),
];

#[test]
fn what_only_the_process_could_tell_is_refused_with_the_reason() {
    let scene = Scene::new();
    let (snapshot, _) = crash(&scene, &tool("python3"));
    let commands: Vec<String> = REFUSED.iter().map(|(expression, _)| format!("p {expression}")).collect();
    for ((expression, reason), answer) in REFUSED.iter().zip(answers(&scene, &snapshot, &commands)) {
        let error = answer["error"].as_str().unwrap_or_else(|| panic!("{expression} is refused: {answer:#}"));
        assert!(error.contains(reason), "{expression}: {error}");
    }
}

#[test]
fn values_are_kept_in_one_history_and_in_variables_of_the_session() {
    let scene = Scene::new();
    let (snapshot, _) = crash(&scene, &tool("python3"));
    let commands =
        ["p items", "p $1[0] + $[1]", "p $x = $2 * 2", "p $x, $$, _", "items", "!len($)", "p -native 6 * 7", "p $7"];
    let found: Vec<Value> = answers(&scene, &snapshot, &commands);
    assert_eq!(text(&found[0]), "[5, 3, 8, 1]");
    assert_eq!(text(&found[1]), "8");
    assert_eq!(text(&found[3]), "(16, 8, 16)");
    assert_eq!(text(&found[4]), "[5, 3, 8, 1]");
    assert_eq!((text(&found[5]).as_str(), &found[5]["reply"]["history"]), ("4", &Value::from(6)));
    assert_eq!((&found[6]["reply"]["value"], &found[6]["reply"]["history"]), (&Value::from(42), &Value::from(7)));
    assert!(found[7]["error"].as_str().is_some_and(|error| error.contains("'$7' is no value of a Python frame")));
}

/// What a command prints for people in the script's frame.
fn printed(snapshot: &Path, command: &str) -> String {
    let outcome = inspect(snapshot, ["-c", "bt -python"]).success();
    let line =
        outcome.stdout.lines().find(|line| line.contains("frame (") || line.contains(".frame ")).expect("the frame");
    let number = line.trim_start_matches(['>', ' ', '#']).split_whitespace().next().expect("a number");
    inspect(snapshot, ["-c", &format!("frame {number}"), "-c", command]).success().stdout
}

#[test]
fn the_commands_for_values_and_source_work_in_a_python_frame() {
    let scene = Scene::new();
    let (snapshot, _) = crash(&scene, &tool("python3"));
    let source = std::fs::read_to_string(fixture_dir().join("targets/python_expressions.py")).expect("the script");
    let line_of = |text: &str| source.lines().position(|line| line.contains(text)).expect("it is in the script") + 1;

    assert!(printed(&snapshot, "p/x items").ends_with("$1 = [0x5, 0x3, 0x8, 0x1]\n"));
    assert!(printed(&snapshot, "p/t -number").ends_with("$1 = -0b111\n"));
    assert!(printed(&snapshot, "whatis child").ends_with("type = __main__.Child (__main__.Base, object)\n"));
    assert!(printed(&snapshot, "whatis number").ends_with("type = int\n"));
    let tree = printed(&snapshot, "pp [people, people]");
    let wrapped = "[[{'name': 'ann', 'age': 31}, {'name': 'bob', 'age': 25}],\n \
                   [{'name': 'ann', 'age': 31}, {'name': 'bob', 'age': 25}]]\n";
    assert!(tree.ends_with(wrapped), "{tree}");
    let globals = printed(&snapshot, "globals");
    assert!(globals.contains("LIMIT = 10\n") && globals.contains("'globals .' shows them)"), "{globals}");
    assert!(!globals.contains("<module") && !globals.contains("__name__"), "{globals}");
    assert!(printed(&snapshot, "globals ^math$").contains("math = <module 'math'"));
    assert!(printed(&snapshot, "args").contains("first = 'first'\n"));
    assert!(printed(&snapshot, "locals ^ra").contains("ratio = 2.5\n"));
    assert!(printed(&snapshot, "display number").ends_with("1: number = 7\n"));

    for (expression, text) in
        [("helper", "def helper(value):"), ("base.method", "def method(self):"), ("child", "class Child(Base):")]
    {
        let listing = printed(&snapshot, &format!("source {expression}"));
        let line =
            listing.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("{expression}: {listing}"));
        assert!(line.contains(&line_of(text).to_string()), "{line}");
    }
    let whole = printed(&snapshot, "longlist");
    assert!(whole.contains("def frame(first, second=2") && whole.contains("return ctypes.string_at(0)"), "{whole}");

    // The address of an object is good for the commands that look at memory.
    let bytes = printed(&snapshot, "x/2gx id(number)");
    assert!(bytes.lines().last().is_some_and(|line| line.contains("0x")), "{bytes}");
    assert!(printed(&snapshot, "py-print [number, text]").ends_with("$1 = [7, 'hello world']\n"));
}

#[test]
fn a_native_frame_evaluates_python_in_the_frame_that_called_it() {
    let scene = Scene::new();
    let (snapshot, _) = crash(&scene, &tool("python3"));
    let outcome = inspect(&snapshot, ["-c", "bt -native", "-c", "frame 0", "-c", "p -python number + 1"]);
    let python = outcome.stdout.lines().last().unwrap_or_default();
    // Frame 0 is that of the C library or ctypes; the first Python frame above it may be ctypes' own.
    assert!(python == "$1 = 8" || outcome.stderr.contains("name 'number' is not defined"), "{}", outcome.stderr);
}

/// A prompt of the debugger on a pseudo-terminal, in the script's frame.
fn at_the_prompt(scene: &Scene, snapshot: &Path) -> Terminal {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    command
        .arg("inspect")
        .arg(snapshot)
        .current_dir(scene.out())
        .env("TERM", "dumb")
        .env("XDG_STATE_HOME", scene.out());
    let stack = answers(scene, snapshot, &["frame"]);
    let number = &stack[0]["reply"]["frame"]["number"];
    let mut terminal = Terminal::start(&command);
    terminal.until("] ");
    terminal.send(&format!("frame {number}\n"));
    terminal.until("ctypes.string_at(0)");
    terminal
}

#[test]
fn interact_is_a_real_python_with_the_names_of_the_frame() {
    let scene = Scene::new();
    let (snapshot, _) = crash(&scene, &tool("python3"));
    let mut terminal = at_the_prompt(&scene, &snapshot);
    terminal.send("interact\n");
    terminal.until("Ctrl-D returns to the debugger");
    for (line, answer) in [
        // Values that are real: any Python works on them.
        ("sorted(items) + [sum(map(lambda x: x ** 2, items))]", "[1, 3, 5, 8, 99]"),
        ("'%s-%d' % (text.title(), big)", "'Hello World-1267650600228229401496703205376'"),
        ("{k: v for k, v in table.items() if v == 1}", "{'b': 1}"),
        // Proxies: what they have is read from the process, and nothing changes in it.
        ("child.children[0].name, child.size, len(numbers), numbers[1], list(numbers)", "('b', 5, 3, 2, [1, 2, 3])"),
        ("base", "<__main__.Base object at 0x"),
        ("child.children[0] == base, 'name' in dir(base)", "(True, True)"),
        ("base.size = 1", "nothing in it can be changed"),
        ("base.method()", "would run code of the process, and it is dead"),
        ("base.area", "it is a property"),
        ("base.nothing", "AttributeError: 'Base' object has no attribute 'nothing'"),
        ("settings['nothing']", "KeyError: 'nothing'"),
        ("import os; os.getpid() != 0", "True"),
    ] {
        terminal.until(">>> ");
        terminal.send(&format!("{line}\n"));
        terminal.until(answer);
    }
    terminal.until(">>> ");
    terminal.send("\u{4}");
    terminal.until("] ");
    terminal.send("p number\n");
    terminal.until(" = 7");
    terminal.send("quit\n");
    let (_, status) = terminal.end();
    assert!(status.success());
}

#[test]
fn interact_says_what_it_lacks() {
    let scene = Scene::new();
    let (snapshot, _) = crash(&scene, &tool("python3"));
    let outcome = inspect(&snapshot, ["-c", "interact"]);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, ""));
    assert_eq!(outcome.stderr, "interact needs a terminal: use 'p' where there is none\n");
    let mut terminal = at_the_prompt(&scene, &snapshot);
    terminal.until("] ");
    terminal.send("interact /no/such/python\n");
    terminal.until("'/no/such/python' cannot be run: ");
    terminal.send("quit\n");
    assert!(terminal.end().1.success());
}
