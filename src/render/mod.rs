//! From [`Reply`] to text for people, or JSON for programs. Nothing here knows where a reply came from.

mod comparison;
mod crash;
mod crash_groups;
mod exceptions;
mod facts;
mod frames;
mod help;
mod html;
mod json;
mod listing;
mod machine;
mod python;
mod python_heap;
mod python_value;
mod shell;
mod source;
mod source_colours;
mod style;
mod table;
mod theme;
mod threads;
mod timeline;
pub mod units;
mod value;
mod value_logical;
mod value_number;
mod value_string;
mod variables;
mod whole_run;

pub use crash::{headline, info};
pub use crash_groups::{markdown as groups_markdown, text as groups_text};
pub use frames::lines as frame_lines;
pub use html::page as groups_page;
pub use json::{answer as json_answer, failure as json_failure, line as json_line};
pub use listing::snapshot_lines;
pub use source_colours::colour_line;
pub use style::{Role, Style, clean, clean_str};
pub use theme::Theme;

use crate::engine::Reply;

/// A reply as lines of text.
pub fn text(reply: &Reply, style: &Style) -> String {
    match reply {
        Reply::Opening(opening) => crash::opening(opening, style),
        Reply::Info(info) => crash::info(info, style),
        Reply::Why(why) => crash::why(why),
        Reply::Backtrace(backtrace) => frames::backtrace(backtrace, style),
        Reply::Frame(frame) => frames::selected(frame, style),
        Reply::Frames(backtrace) => frames::table(backtrace, style),
        Reply::PythonBacktrace(stack) => python::backtrace(stack, style),
        Reply::PythonHeap(heap) => python_heap::objects(heap, style),
        Reply::PythonLocals(frame) => python::locals(frame, style),
        Reply::Exceptions(found) => exceptions::exceptions(found, style),
        Reply::PythonGlobals(globals) => python::globals(globals, style),
        Reply::Tasks(all) => python::tasks(all, style),
        Reply::Threads(all) => threads::threads(all, style),
        Reply::Thread(selected) => {
            threads::line(&selected.thread, (1, 1), style) + "\n" + &variables::displays(&selected.displays, style)
        }
        Reply::Variables(all) => variables::variables(all, style),
        Reply::Printed(printed) => variables::printed(printed),
        Reply::Type(found) => variables::type_text(found),
        Reply::Class(class) => variables::class(class),
        Reply::Signature { signature } => crash_groups::own_signature(signature, style),
        Reply::Displays(all) => variables::displays(&all.displays, style),
        Reply::Names(names) => variables::names(names, style),
        Reply::Found(found) => variables::found(found, style),
        Reply::Applied(applied) => threads::applied(applied, style),
        Reply::Processes(all) => whole_run::processes(all, style),
        Reply::ProcessTree(tree) => whole_run::tree(tree, style),
        Reply::AppliedToProcesses(applied) => whole_run::applied(applied, style),
        Reply::EqualStacks(all) => whole_run::equal_stacks(all, style),
        Reply::Comparison(compared) => comparison::comparison(compared, style),
        Reply::Source(listing) => source::listing(listing, style),
        Reply::Registers(registers) => machine::registers(registers, style),
        Reply::Examined(examined) => machine::examined(examined, style),
        Reply::Disassembly(disassembly) => machine::disassembly(disassembly, style),
        Reply::Whatat(what) => facts::what_at(what, style),
        Reply::Modules(modules) => facts::modules(modules, style),
        Reply::Mappings(mappings) => facts::mappings(mappings, style),
        Reply::FileDescriptors(fds) => facts::file_descriptors(fds, style),
        Reply::Environment(environment) => facts::environment(environment),
        Reply::Limits(limits) => facts::limits(limits, style),
        Reply::Tree(tree) => facts::tree(tree, style),
        Reply::AuxiliaryVector(vector) => facts::auxiliary_vector(vector, style),
        Reply::HelpIndex(index) => help::index(index, style),
        Reply::Help(command) => help::command(command, style),
        Reply::Tutorial(tutorial) => tutorial.text.to_owned(),
        Reply::Options(list) => shell::options(list, style),
        Reply::Aliases(list) => shell::aliases(list, style),
        Reply::Hooks(list) => shell::hooks(list, style),
        Reply::History(lines) => shell::history(lines, style),
        Reply::ShellStatus(status) => shell::shell_status(status, style),
        Reply::Done(done) => shell::done(done),
        Reply::ScriptRun(_) | Reply::Interact(_) | Reply::Quit {} => String::new(),
    }
}
