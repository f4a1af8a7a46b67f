//! Frames that no longer exist: functions that ended in a jump to another one.
//!
//! A caller's return address belongs to a call of `f`, but the frame above it is one of `h`: `f` must have jumped to
//! something that in the end jumped to `h`. Where call site information leaves only one way, its functions are shown
//! as frames. The algorithm, with its idea of what is unambiguous, is gdb's (dwarf2/loc.c, `call_site_find_chain_1`
//! and `chain_candidate`; dwarf2/frame-tailcall.c, `pretended_chain_levels`), so that both show the same frames.

use std::collections::HashSet;

use dpdb_snapshot::Avma;

/// Tail calls that are tried before the search is given up; a table of mutually recursive functions has
/// exponentially many paths.
const MOST_STEPS: usize = 10_000;

/// Tail calls in a row.
const LONGEST_CHAIN: usize = 200;

/// A call, told by the address behind it, and the functions that it may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) return_address: Avma,
    pub(crate) targets: Vec<Avma>,
}

/// What the search asks of a program.
pub(crate) trait Program {
    /// The call that returns to `address`, where it was written down with a target that is known beforehand.
    fn call_returning_to(&self, address: Avma) -> Option<Site>;
    /// The tail calls of the function that begins at `function`, where it is one that is fully known; a call among
    /// them whose target is not known beforehand is `Err`.
    fn tail_calls_of(&self, function: Avma) -> Option<Vec<Result<Site, Unknown>>>;
}

/// A call whose target only the registers at that time could tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unknown;

/// The addresses behind the jumps that led from the call returning to `caller` to the function that begins at
/// `callee`, innermost first. Empty where the call went there directly, or where there is more than one way; where
/// several ways have their first or last jumps in common, those.
pub(crate) fn between(program: &dyn Program, caller: Avma, callee: Avma) -> Vec<Avma> {
    let Some(call) = program.call_returning_to(caller) else { return Vec::new() };
    let mut search = Search { program, callee, path: Vec::new(), on_path: HashSet::new(), found: None, steps: 0 };
    match search.from(&call) {
        Ok(()) => search.found.map(Chain::shown).unwrap_or_default(),
        Err(Stop) => Vec::new(),
    }
}

/// The ways found so far: the first one, and how many jumps at its beginning and its end all share.
struct Chain {
    jumps: Vec<Avma>,
    callers: usize,
    callees: usize,
}

impl Chain {
    fn shown(self) -> Vec<Avma> {
        let length = self.jumps.len();
        let (callers, callees) =
            if self.callers == length && self.callees == length { (length, 0) } else { (self.callers, self.callees) };
        let last = self.jumps[length - callees..].iter().rev();
        let first = self.jumps[..callers].iter().rev();
        last.chain(first).copied().collect()
    }
}

/// The search is over without a result.
struct Stop;

struct Search<'a> {
    program: &'a dyn Program,
    callee: Avma,
    path: Vec<Avma>,
    on_path: HashSet<Avma>,
    found: Option<Chain>,
    steps: usize,
}

impl Search<'_> {
    fn from(&mut self, site: &Site) -> Result<(), Stop> {
        if site.targets.contains(&self.callee) {
            return self.arrive();
        }
        for target in &site.targets {
            let jumps = self.program.tail_calls_of(*target).ok_or(Stop)?;
            // gdb builds this list from the end.
            for jump in jumps.into_iter().rev() {
                self.steps += 1;
                if self.steps > MOST_STEPS || self.path.len() >= LONGEST_CHAIN {
                    return Err(Stop);
                }
                let Ok(jump) = jump else { return Err(Stop) };
                if self.on_path.insert(jump.return_address) {
                    self.path.push(jump.return_address);
                    self.from(&jump)?;
                    self.path.pop();
                    self.on_path.remove(&jump.return_address);
                }
            }
        }
        Ok(())
    }

    /// A way was found: keep it, or what it shares with the ways before.
    fn arrive(&mut self) -> Result<(), Stop> {
        let path = &self.path;
        let Some(chain) = &mut self.found else {
            self.found = Some(Chain { jumps: path.clone(), callers: path.len(), callees: path.len() });
            return Ok(());
        };
        let same = |pair: &(&Avma, &Avma)| pair.0 == pair.1;
        let callers = chain.jumps.iter().zip(path).take_while(same).count();
        let callees = chain.jumps.iter().rev().zip(path.iter().rev()).take_while(same).count();
        chain.callers = chain.callers.min(callers);
        chain.callees = chain.callees.min(callees);
        if chain.callers == 0 && chain.callees == 0 { Err(Stop) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use dpdb_snapshot::Avma;

    use super::{Program, Site, Unknown, between};

    /// Functions at 100, 200 …; a tail call in the function at 100 returns (if it did) to 101, 102 …
    #[derive(Default)]
    struct Functions(HashMap<u64, Vec<Result<Site, Unknown>>>);

    fn site(return_address: u64, targets: &[u64]) -> Site {
        Site { return_address: Avma(return_address), targets: targets.iter().copied().map(Avma).collect() }
    }

    impl Functions {
        fn jumps(mut self, from: u64, targets: &[&[u64]]) -> Functions {
            let sites = targets.iter().zip(from + 1..).map(|(targets, at)| Ok(site(at, targets))).collect();
            self.0.insert(from, sites);
            self
        }
    }

    impl Program for Functions {
        fn call_returning_to(&self, address: Avma) -> Option<Site> {
            (address.0 == 1).then(|| site(1, &[100]))
        }

        fn tail_calls_of(&self, function: Avma) -> Option<Vec<Result<Site, Unknown>>> {
            self.0.get(&function.0).cloned()
        }
    }

    fn chain(functions: &Functions, callee: u64) -> Vec<u64> {
        between(functions, Avma(1), Avma(callee)).iter().map(|address| address.0).collect()
    }

    #[test]
    fn the_only_way_is_shown_innermost_first() {
        let functions = Functions::default().jumps(100, &[&[200]]).jumps(200, &[&[300]]).jumps(300, &[]);
        assert_eq!(chain(&functions, 300), [201, 101]);
        assert_eq!(chain(&functions, 200), [101]);
        assert_eq!(chain(&functions, 100), [0; 0], "a direct call");
        assert_eq!(chain(&functions, 900), [0; 0], "no way at all");
    }

    #[test]
    fn of_two_ways_only_what_they_share_is_shown() {
        let fork = Functions::default()
            .jumps(100, &[&[200], &[300]])
            .jumps(200, &[&[400]])
            .jumps(300, &[&[400]])
            .jumps(400, &[&[500]])
            .jumps(500, &[]);
        assert_eq!(chain(&fork, 400), [0; 0]);
        assert_eq!(chain(&fork, 500), [401]);
    }

    #[test]
    fn a_call_to_who_knows_where_ends_the_search() {
        let mut functions = Functions::default().jumps(100, &[&[200]]).jumps(200, &[]);
        functions.0.get_mut(&100).unwrap().push(Err(Unknown));
        assert_eq!(chain(&functions, 200), [0; 0]);
    }

    #[test]
    fn recursion_ends() {
        let mut functions = Functions::default();
        let all: Vec<u64> = (1..30).map(|function| function * 100).collect();
        for function in &all {
            let targets: Vec<&[u64]> = all.chunks(1).collect();
            functions = functions.jumps(*function, &targets);
        }
        assert_eq!(chain(&functions, 9900), [0; 0]);
    }
}
