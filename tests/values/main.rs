//! Values through the binary: what a program's source says is what must be shown, whatever compiler and format of
//! debugging information stand between. docs/values.md says which test shows what.

#[path = "../common/mod.rs"]
mod common;

mod c;
mod commands;
mod cpp;
mod library;
mod limits;
mod location_lists;
mod locations;
mod long_work;
mod rust;
mod thread_locals;
