//! Who is told of what happens under supervision: the user on stderr, and a command of theirs.

use dpdb_supervisor::{Event, Observer};

use crate::cli::WatchArgs;
use crate::deaths::Deaths;
use crate::exec_on_snapshot::Hook;

/// All that want to know.
#[derive(Debug)]
pub struct Watchers {
    deaths: Deaths,
    hook: Option<Hook>,
}

impl Watchers {
    /// Those that the command line asks for.
    pub fn new(arguments: &WatchArgs) -> Watchers {
        let hook = arguments.exec_on_snapshot.clone().map(Hook::new);
        Watchers { deaths: Deaths::new(arguments.quiet), hook }
    }

    /// Waits until all of them have done what they had to.
    pub fn finish(self) {
        self.deaths.finish();
        if let Some(hook) = self.hook {
            hook.finish();
        }
    }
}

impl Observer for Watchers {
    fn event(&mut self, event: &Event) {
        self.deaths.event(event);
        if let Some(hook) = &mut self.hook {
            hook.event(event);
        }
    }
}
