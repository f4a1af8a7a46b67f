//! Starting the command so that it finds what it would have found without us.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::io::{PipeReader, Read, Write};
use std::os::unix::ffi::OsStrExt;

use crate::SuperviseError;
use crate::sys::{self, ChildState, Errno, ExecPlan};

/// What execvp(3) searches where there is no `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A command that was started.
#[derive(Debug)]
pub(crate) struct Launched {
    /// Its process id.
    pub(crate) pid: i32,
    /// Why it runs untraced, if it does.
    pub(crate) untraced: Option<Errno>,
    failure: PipeReader,
}

impl Launched {
    /// Why the command could not be executed; `None` where it was. It waits until one or the other is known.
    pub(crate) fn exec_failure(&mut self) -> Option<Errno> {
        let mut number = [0; 4];
        self.failure.read_exact(&mut number).ok()?;
        Some(Errno::from_raw(i32::from_ne_bytes(number)))
    }
}

/// Starts `command`, seized with `ptrace_options` before it runs an instruction of its own. Its environment is ours, with
/// this one `variable` more.
///
/// # Errors
/// Where it cannot be forked. That it cannot be executed shows later, that it cannot be traced in `untraced`.
pub(crate) fn launch(
    command: &[OsString],
    variable: Option<(&str, String)>,
    state: &ChildState,
    options: i32,
) -> Result<Launched, SuperviseError> {
    let mut plan = plan(command, env::var_os("PATH").as_deref())?;
    plan.environment = variable.map(|(name, value)| environment_with(name, &value)).transpose()?;
    // It waits on a pipe, not by SIGSTOP: a stop signal from before the seizing shows up later as a group-stop in its
    // children (seen in kxxt/tracexec#66).
    let waiting = sys::spawn(&plan, state).map_err(|source| SuperviseError::System { what: "fork", source })?;
    let untraced = sys::seize(waiting.pid, options).err();
    let mut gate = waiting.gate;
    // Where the child is gone already, its end will tell.
    let _ = gate.write_all(b".");
    Ok(Launched { pid: waiting.pid, untraced, failure: waiting.failure })
}

fn plan(command: &[OsString], path: Option<&OsStr>) -> Result<ExecPlan, SuperviseError> {
    let name = command.first().ok_or(SuperviseError::NoCommand)?;
    let arguments = command.iter().map(|argument| c_string(argument)).collect::<Result<_, _>>()?;
    let candidates = candidates(name, path).iter().map(|file| c_string(file)).collect::<Result<_, _>>()?;
    Ok(ExecPlan { candidates, arguments, environment: None })
}

fn environment_with(name: &str, value: &str) -> Result<Vec<CString>, SuperviseError> {
    let others = env::vars_os().filter(|(other, _)| other != name);
    let all = others.chain([(name.into(), value.into())]);
    all.map(|(name, value)| c_string(OsStr::from_bytes(&[name.as_bytes(), b"=", value.as_bytes()].concat()))).collect()
}

/// The files that `name` may mean: itself where it has a slash, else one in each directory of `path`, of which an
/// empty one is the working directory (execvp(3)).
fn candidates(name: &OsStr, path: Option<&OsStr>) -> Vec<OsString> {
    if name.as_bytes().contains(&b'/') {
        return vec![name.to_owned()];
    }
    if name.is_empty() {
        return Vec::new();
    }
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
    env::split_paths(path)
        .map(|directory| if directory.as_os_str().is_empty() { name.to_owned() } else { directory.join(name).into() })
        .collect()
}

fn c_string(text: &OsStr) -> Result<CString, SuperviseError> {
    CString::new(text.as_bytes()).map_err(|_| SuperviseError::NulInArgument(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};

    use super::{candidates, plan};

    #[test]
    fn a_command_is_looked_for_as_execvp_does() {
        let found = |name: &str, path: Option<&str>| candidates(OsStr::new(name), path.map(OsStr::new));
        assert_eq!(found("ls", Some("/a:/b")), ["/a/ls", "/b/ls"]);
        assert_eq!(found("ls", Some(":/b")), ["ls", "/b/ls"]);
        assert_eq!(found("ls", None), ["/bin/ls", "/usr/bin/ls"]);
        assert_eq!(found("./ls", Some("/a")), ["./ls"]);
        assert!(found("", Some("/a")).is_empty());
    }

    #[test]
    fn an_empty_command_and_a_nul_are_refused() {
        assert!(plan(&[], None).is_err());
        assert!(plan(&[OsString::from("a"), OsString::from("b\0c")], None).is_err());
    }
}
