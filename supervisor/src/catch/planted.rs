//! Catchpoints that stand in processes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::{Catchpoint, Site};
use crate::sys::{Breakpoint, Errno};

/// The upper half of all our cookies, which tells our stops from those of breakpoints that a process sets itself.
const MARK: u64 = 0x6470_6462;

/// What threads are stopped with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// perf_event_open(2): the kernel sets breakpoints in new threads, and takes them all away when we die.
    #[default]
    Events,
    /// The debug registers by ptrace(2), which the tracer sets in each thread. They stay when we are killed, so only what
    /// is on the way to a death is caught, but for what was asked for by name.
    Registers,
}

/// Breakpoints that were set together in a process.
#[derive(Debug)]
pub(crate) struct Planted {
    number: u64,
    mechanism: Mechanism,
    /// Those of [`Mechanism::Events`].
    breakpoints: Vec<(Catchpoint, Breakpoint)>,
    sites: Vec<Site>,
    /// Of [`Mechanism::Registers`]: those that are met where nothing is wrong are not to be set now.
    is_rare: AtomicBool,
    /// How far up the file is loaded.
    pub(crate) bias: u64,
    /// The file's addresses that the catchpoints' readers need: `r_debug`, for the dynamic linker.
    pub(crate) data: u64,
}

impl Planted {
    /// Arms or disarms those that are also met where nothing is wrong, such as the printing of a traceback.
    pub(crate) fn arm_frequent(&self, armed: bool) {
        self.is_rare.store(!armed, Ordering::Relaxed);
        for (catchpoint, breakpoint) in &self.breakpoints {
            if catchpoint.is_frequent() {
                // One that stays armed costs time, and one that stays disarmed a snapshot; neither can be helped.
                let _ = breakpoint.arm(armed);
            }
        }
    }

    /// The same, in process `child` that was forked off this one.
    pub(crate) fn copy(&self, planter: &mut Planter, child: i32) -> Option<Arc<Planted>> {
        planter.plant(&[child], &self.sites, self.bias, self.data).0
    }

    /// Whether a breakpoint of this kind is at an address.
    pub(crate) fn is_at(&self, catchpoint: Catchpoint, address: u64) -> bool {
        self.sites.iter().any(|site| site.catchpoint == catchpoint && site.at.wrapping_add(self.bias) == address)
    }

    /// What it was set for.
    pub(crate) fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Whether it holds a breakpoint of this kind.
    pub(crate) fn has(&self, catchpoint: Catchpoint) -> bool {
        match self.mechanism {
            Mechanism::Events => self.breakpoints.iter().any(|(found, _)| *found == catchpoint),
            Mechanism::Registers => self.sites.iter().any(|site| site.catchpoint == catchpoint),
        }
    }

    /// What the debug registers are to hold for it.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (Catchpoint, u64)> {
        let sites = match self.mechanism {
            Mechanism::Events => &[],
            Mechanism::Registers => self.sites.as_slice(),
        };
        let is_rare = self.is_rare.load(Ordering::Relaxed);
        let set = sites.iter().filter(move |site| !is_rare || !site.catchpoint.is_frequent());
        set.map(|site| (site.catchpoint, site.at.wrapping_add(self.bias)))
    }
}

/// Sets catchpoints, and knows them by their cookies.
#[derive(Debug, Default)]
pub(crate) struct Planter {
    /// What it sets them with.
    pub(crate) mechanism: Mechanism,
    last: u64,
    all: Vec<Weak<Planted>>,
}

impl Planter {
    /// Sets breakpoints at `sites` in the threads `tids`, as many as there is room for. What went wrong with the first
    /// that could not be set comes beside them. Debug registers are left to the caller, since only a stopped thread has
    /// them set.
    pub(crate) fn plant(
        &mut self,
        tids: &[i32],
        sites: &[Site],
        bias: u64,
        data: u64,
    ) -> (Option<Arc<Planted>>, Option<Errno>) {
        self.last += 1;
        let number = self.last & 0xff_ffff;
        let (breakpoints, trouble) = match self.mechanism {
            Mechanism::Events => set_events(number, tids, sites, bias),
            Mechanism::Registers => (Vec::new(), None),
        };
        if breakpoints.is_empty() && self.mechanism == Mechanism::Events {
            return (None, trouble);
        }
        let planted = Arc::new(Planted {
            number,
            mechanism: self.mechanism,
            breakpoints,
            sites: sites.to_vec(),
            is_rare: AtomicBool::new(false),
            bias,
            data,
        });
        self.all.retain(|known| known.strong_count() > 0);
        self.all.push(Arc::downgrade(&planted));
        (Some(planted), trouble)
    }

    /// The breakpoint that bears a cookie; `None` where it is not, or no longer, one of ours.
    pub(crate) fn find(&self, cookie: u64) -> Option<(Arc<Planted>, Catchpoint)> {
        let number = cookie >> 8 & 0xff_ffff;
        let planted = self.all.iter().filter_map(Weak::upgrade).find(|planted| planted.number == number)?;
        let of_cookie = |&&(catchpoint, _): &&(Catchpoint, Breakpoint)| catchpoint as u64 == cookie & 0xff;
        let catchpoint = planted.breakpoints.iter().find(of_cookie)?.0;
        Some((planted, catchpoint))
    }

    /// Whether a cookie was made here, be its breakpoint still set or not.
    pub(crate) fn is_ours(cookie: u64) -> bool {
        cookie >> 32 == MARK
    }
}

/// Sets those for which there is room, with cookies of that number; and what went wrong first.
fn set_events(number: u64, tids: &[i32], sites: &[Site], bias: u64) -> (Vec<(Catchpoint, Breakpoint)>, Option<Errno>) {
    let mut trouble = None;
    let mut breakpoints = Vec::new();
    for site in sites {
        let cookie = MARK << 32 | number << 8 | site.catchpoint as u64;
        for &tid in tids {
            match Breakpoint::set(tid, site.at.wrapping_add(bias), cookie) {
                Ok(breakpoint) => breakpoints.push((site.catchpoint, breakpoint)),
                // It is on its way out.
                Err(Errno::ESRCH) => {}
                Err(errno) => trouble = trouble.or(Some(errno)),
            }
        }
    }
    (breakpoints, trouble)
}
