//! The C++ standard library of GCC, as laid out since GCC 5 and, where it differs, before.
//!
//! What members mean is told by its headers (`bits/stl_vector.h` and so on); their names begin with `_M_`.

mod atomic;
pub(super) mod callable;
mod chrono;
mod error_code;
mod hash_table;
pub(super) mod iterator;
pub(super) mod list;
pub(super) mod pointer;
mod sequence;
mod string;
pub(super) mod tree;
pub(super) mod vocabulary;

pub(super) use callable::dynamic_type;

use super::Formatters;

const STD: &[&str] = &["std"];

/// Types by name. The shapes of libc++ are tried by the same functions where those of this library do not fit.
pub(super) static FORMATTERS: &Formatters = &[
    ("basic_string", STD, string::string),
    ("basic_string_view", STD, string::view),
    ("vector", STD, sequence::vector),
    ("deque", STD, sequence::deque),
    ("array", STD, sequence::array),
    ("span", STD, sequence::span),
    ("initializer_list", STD, sequence::initializer_list),
    ("stack", STD, sequence::adaptor),
    ("queue", STD, sequence::adaptor),
    ("priority_queue", STD, sequence::adaptor),
    ("bitset", STD, sequence::bitset),
    ("list", STD, list::list),
    ("forward_list", STD, list::forward_list),
    ("map", STD, tree::map),
    ("multimap", STD, tree::map),
    ("set", STD, tree::set),
    ("multiset", STD, tree::set),
    ("unordered_map", STD, hash_table::map),
    ("unordered_multimap", STD, hash_table::map),
    ("unordered_set", STD, hash_table::set),
    ("unordered_multiset", STD, hash_table::set),
    ("pair", STD, vocabulary::pair),
    ("tuple", STD, vocabulary::tuple),
    ("optional", STD, vocabulary::optional),
    ("variant", STD, vocabulary::variant),
    ("any", STD, vocabulary::any),
    ("complex", STD, vocabulary::complex),
    ("path", &["std", "filesystem"], string::path),
    ("unique_ptr", STD, pointer::unique),
    ("shared_ptr", STD, pointer::shared),
    ("weak_ptr", STD, pointer::weak),
    ("reference_wrapper", STD, pointer::reference_wrapper),
    ("exception_ptr", STD, pointer::exception),
    ("error_code", STD, error_code::error_code),
    ("error_condition", STD, error_code::error_code),
    ("function", STD, callable::function),
    ("atomic", STD, atomic::atomic),
    ("duration", &["std", "chrono"], chrono::duration),
    ("time_point", &["std", "chrono"], chrono::time_point),
    ("partial_ordering", STD, vocabulary::ordering),
    ("weak_ordering", STD, vocabulary::ordering),
    ("strong_ordering", STD, vocabulary::ordering),
    ("__normal_iterator", &["__gnu_cxx"], iterator::pointer),
    ("_Safe_iterator", &["__gnu_debug"], iterator::safe),
    ("_Deque_iterator", STD, iterator::pointer),
    ("_Rb_tree_iterator", STD, iterator::tree),
    ("_Rb_tree_const_iterator", STD, iterator::tree),
    ("_List_iterator", STD, iterator::list),
    ("_List_const_iterator", STD, iterator::list),
    ("_Fwd_list_iterator", STD, iterator::forward_list),
    ("_Fwd_list_const_iterator", STD, iterator::forward_list),
    ("_Bit_reference", STD, iterator::bit_reference),
    ("_Bit_iterator", STD, iterator::bit),
    ("_Bit_const_iterator", STD, iterator::bit),
];
