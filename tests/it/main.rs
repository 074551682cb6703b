//! Integration tests: the program itself, driven as a user drives it, with the real `git` and
//! `pre-commit`. One module for each room.

mod allow;
mod archive;
mod attribution;
mod commits;
mod commits_made;
mod complete;
mod explain;
mod faults;
mod file;
mod growth;
mod hiding;
mod history;
mod hook;
mod hook_install;
mod input;
mod memory;
mod migrate;
mod mutated_sops;
mod pack;
mod packs;
mod purge;
mod range;
mod refs;
mod report;
mod reports;
mod rules;
mod scan;
mod sops;
mod spans;
mod staged;
mod support;
mod tidy;
mod trace;
mod verify;
mod write_faults;
