//! What somebody else wrote, against sopup: mutated inputs, and a repository that names programs and files elsewhere.
//! By default a sample is tried, which is the same every time; with `SOPUP_TEST_FULL` in the environment everything is.

mod mutations;
mod outside;
mod repository;

/// Whether everything is to be tried.
fn is_full() -> bool {
    std::env::var_os("SOPUP_TEST_FULL").is_some()
}
