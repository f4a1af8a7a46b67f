//! The PAGEMAP_SCAN ioctl of `/proc/PID/pagemap` (Linux 6.7; include/uapi/linux/fs.h).

use std::fs::File;
use std::os::fd::AsRawFd;

use super::Result;
use super::failure::{Call, check, done};

/// `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: libc::Ioctl = 0xc060_6610;

/// `PAGE_IS_PRESENT`: in memory.
pub const PRESENT: u64 = 1 << 3;
/// `PAGE_IS_SWAPPED`: in swap, or another entry that is no page.
pub const SWAPPED: u64 = 1 << 4;
/// `PAGE_IS_PFNZERO`: the one page of zeros that all share.
pub const ZERO: u64 = 1 << 5;
/// `PAGE_IS_GUARD` (Linux 6.15): MADV_GUARD_INSTALL.
pub const GUARD: u64 = 1 << 8;

/// `struct page_region`: pages of the same categories.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageRegion {
    /// The first address.
    pub start: u64,
    /// The first address above.
    pub end: u64,
    /// Which of the asked categories hold.
    pub categories: u64,
}

/// `struct pm_scan_arg`.
#[repr(C)]
#[derive(Default)]
struct ScanArgument {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// Finds pages of `start..end` that are in any of the categories `any_of`, and tells which of `told` each has.
/// Fills `regions` from its start and returns how many it filled and up to which address it looked.
///
/// # Errors
/// ENOTTY before Linux 6.7, EINVAL for a category that the kernel does not know.
pub fn scan_pagemap(
    pagemap: &File,
    start: u64,
    end: u64,
    any_of: u64,
    told: u64,
    regions: &mut [PageRegion],
) -> Result<(usize, u64)> {
    check(Call::ScanPagemap)?;
    let mut argument = ScanArgument {
        size: size_of::<ScanArgument>() as u64,
        start,
        end,
        vec: regions.as_mut_ptr() as u64,
        vec_len: regions.len() as u64,
        category_anyof_mask: any_of,
        return_mask: told,
        ..ScanArgument::default()
    };
    // SAFETY: the kernel reads and writes the argument, whose size it is told, and writes at most `vec_len` regions
    // to `vec`, which is all of `regions`.
    let filled = done(unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN, &raw mut argument) })?;
    Ok((filled as usize, argument.walk_end))
}
