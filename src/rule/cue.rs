//! What starts the search of an extractor: a word that announces a secret in prose or in a name.
//!
//! Cues are keywords of the prefilter; whether a word is really a name with a value after it is decided in
//! `detect::extract::name`. The words are those of `patterns/words/`. Shared with `build.rs`; depends on nothing.

/// What a word announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cue {
    /// A password for people.
    Password,
    /// A token, key or another machine's secret.
    Token,
    /// The authority part of a URL.
    Url,
    /// An AWS account number.
    Account,
    /// A pair of user name and password in prose.
    Login,
    /// A cell of an HTML table.
    Cell,
}
