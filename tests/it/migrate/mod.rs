//! `sopup migrate` as a user runs it, with the real `git` and `sops`.

mod bench;
mod cases;
mod refusals;
mod story;
