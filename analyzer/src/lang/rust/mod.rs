//! Rust's `core`, `alloc` and `std`, as laid out since about 1.60, and hashbrown's tables.
//!
//! rustc may change the order of fields at will, so everything is found by name; where a path of names has changed,
//! the older ones are tried too.

mod btree;
mod cell;
mod counted;
mod hash_table;
mod sequence;
mod text;
mod time;
mod wide;

pub(super) use wide::{boxed, wide_pointer};

use super::Formatters;

const ALLOC: &[&str] = &["alloc"];
const CORE: &[&str] = &["core"];
const STD: &[&str] = &["std"];

pub(super) static FORMATTERS: &Formatters = &[
    ("String", ALLOC, text::string),
    ("OsString", STD, text::os_string),
    ("PathBuf", STD, text::path_buf),
    ("CString", ALLOC, text::c_string),
    ("Vec", ALLOC, sequence::vec),
    ("VecDeque", ALLOC, sequence::vec_deque),
    ("BinaryHeap", ALLOC, sequence::binary_heap),
    ("LinkedList", ALLOC, sequence::linked_list),
    ("HashMap", STD, hash_table::map),
    ("HashSet", STD, hash_table::set),
    ("HashMap", &["hashbrown"], hash_table::bare_map),
    ("HashSet", &["hashbrown"], hash_table::bare_set),
    ("BTreeMap", ALLOC, btree::map),
    ("BTreeSet", ALLOC, btree::set),
    ("Rc", ALLOC, counted::rc),
    ("Arc", ALLOC, counted::arc),
    ("Weak", ALLOC, counted::weak),
    ("Cell", CORE, cell::cell),
    ("RefCell", CORE, cell::ref_cell),
    ("Ref", CORE, cell::borrowed),
    ("RefMut", CORE, cell::borrowed),
    ("Mutex", STD, cell::mutex),
    ("RwLock", STD, cell::rw_lock),
    ("NonZero", CORE, cell::non_zero),
    ("Duration", &["core", "time"], time::duration),
    ("Instant", STD, time::instant),
    ("SystemTime", STD, time::system_time),
    ("AtomicBool", CORE, cell::atomic),
    ("AtomicU8", CORE, cell::atomic),
    ("AtomicU16", CORE, cell::atomic),
    ("AtomicU32", CORE, cell::atomic),
    ("AtomicU64", CORE, cell::atomic),
    ("AtomicUsize", CORE, cell::atomic),
    ("AtomicI8", CORE, cell::atomic),
    ("AtomicI16", CORE, cell::atomic),
    ("AtomicI32", CORE, cell::atomic),
    ("AtomicI64", CORE, cell::atomic),
    ("AtomicIsize", CORE, cell::atomic),
    ("AtomicPtr", CORE, cell::atomic),
    ("Atomic", CORE, cell::atomic),
];
