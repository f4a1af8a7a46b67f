//! docs/commands.md, written from the table: `UPDATE_GOLDEN=1 cargo test docs` brings it up to date.

use std::fmt::Write as _;
use std::path::Path;

use super::table::{Action, Command, Group, commands};

const HEAD: &str = "# The shell's commands

This page is written from the table in `src/shell/commands/` by `UPDATE_GOLDEN=1 cargo test docs`.

A command may be cut short as long as it stays unique; an ambiguous beginning lists what it may mean. An empty line
repeats `list`, `x`, `up` and `down`. Modes: S a snapshot or core, L a live process, T a timeline. With `--json` each
answer is one line of JSON, see [json.md](json.md).
";

#[test]
fn the_page_of_commands_is_that_of_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("docs/commands.md");
    let wanted = page();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &wanted).expect("docs/ can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/commands.md is stale: UPDATE_GOLDEN=1 cargo test docs");
}

#[test]
fn the_readme_names_no_command_that_does_not_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap_or_default();
    // Rows of its table of commands begin with the command's usage in code quotes.
    // Those of the program itself begin with its name.
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `"));
    for row in rows.filter(|row| !row.starts_with("dpdb-trace ")) {
        let name = row.split(['`', ' ']).next().unwrap_or_default();
        // Rows of the table of uses are those of the program itself.
        if name == env!("CARGO_PKG_NAME") {
            continue;
        }
        assert!(commands().any(|command| command.spellings().any(|spelling| spelling == name)), "README: {name}");
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for group in Group::ALL {
        let _ = writeln!(page, "\n## {}\n", group.title());
        let rows: Vec<&Command> = commands().filter(|command| command.group == group).collect();
        if rows.iter().all(|command| matches!(command.action, Action::Instead(_))) {
            page.push_str("On a snapshot these say what to use in their place.\n\n");
        }
        page.push_str("| command | also | modes | what it does | for example |\n|---|---|---|---|---|\n");
        for command in rows {
            let _ = writeln!(page, "{}", row(command));
        }
    }
    page
}

fn row(command: &Command) -> String {
    let also: Vec<String> = command.aliases.iter().map(|alias| format!("`{alias}`")).collect();
    let example = match command.action {
        Action::Run(_) | Action::RunOnAll(_) | Action::RunInShell(_) => format!("`{}`", command.example),
        Action::Instead(instead) => format!("instead: {}", instead.replace('\'', "`")),
    };
    let details = command.details.replace('\n', " ").replace('|', "\\|");
    let what = format!("{}. {details}", command.summary);
    let usage = command.usage().replace('|', "\\|");
    format!("| `{usage}` | {} | {} | {} | {example} |", also.join(" "), command.modes.letters(), what.trim_end())
}
