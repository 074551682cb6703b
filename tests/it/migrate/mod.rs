//! `sopup migrate` as a user runs it, with the real `git` and `sops`.

mod after;
pub(crate) mod bench;
mod cases;
mod elsewhere;
mod kustomize;
mod layout;
mod leftovers;
mod refusals;
mod rendered;
mod review;
mod safe;
mod story;
mod whole;
