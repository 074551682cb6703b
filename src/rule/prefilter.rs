//! One pass over a text that says where any of several hundred keywords ends.
//!
//! The Aho-Corasick automaton is flattened into one table of two-byte states so that `build.rs`
//! can embed it: a staged commit is scanned before a library could have built it at run time.
//! Shared with `build.rs`; depends on crates only.

use std::borrow::Cow;
use std::collections::HashMap;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

/// Finds keywords; ASCII letters match in either case.
#[derive(Debug, Clone)]
pub struct Prefilter {
    /// Byte → column of the table.
    pub classes: Cow<'static, [u8]>,
    /// Columns per state, as a power of two.
    pub shift: u32,
    /// Next state by state and column.
    pub table: Cow<'static, [u16]>,
    /// States from here on end a keyword.
    pub first_match: u16,
    /// For each such state, where its keywords start in `outputs`; one more entry at the end.
    pub output_starts: Cow<'static, [u32]>,
    /// Keyword numbers.
    pub outputs: Cow<'static, [u16]>,
    /// Length of each keyword in bytes.
    pub lengths: Cow<'static, [u8]>,
}

/// Why a set of keywords cannot be searched for.
#[derive(Debug, thiserror::Error)]
pub enum PrefilterError {
    /// The keywords need more than 65,536 states.
    #[error("the keywords of all rules together are too long ({0} states, 65536 is the limit)")]
    TooLarge(usize),
    /// A keyword is longer than 255 bytes.
    #[error("the keyword `{0}` is longer than 255 bytes")]
    TooLong(String),
    /// The library refused the keywords.
    #[error("the keywords cannot be searched for")]
    Build(#[from] aho_corasick::BuildError),
}

impl Prefilter {
    /// Builds the table; keyword `n` of the slice is reported as `n`.
    pub fn build(keywords: &[&[u8]]) -> Result<Self, PrefilterError> {
        let lengths = keywords.iter().map(|keyword| length(keyword)).collect::<Result<Vec<u8>, _>>()?;
        let nfa = NFA::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(keywords)?;
        let (classes, representatives) = byte_classes(keywords);
        let start = nfa.start_state(Anchored::No).expect("the automaton was built for unanchored search");
        let order = reachable(&nfa, start, &representatives);
        if order.len() > usize::from(u16::MAX) {
            return Err(PrefilterError::TooLarge(order.len()));
        }
        let (plain, matching): (Vec<StateID>, Vec<StateID>) = order.into_iter().partition(|&state| !nfa.is_match(state));
        let first_match = u16::try_from(plain.len()).expect("fewer states than 65536");
        let states: Vec<StateID> = plain.into_iter().chain(matching).collect();
        let number: HashMap<StateID, u16> = (0..).zip(&states).map(|(n, &state)| (state, n)).collect();
        let shift = representatives.len().next_power_of_two().trailing_zeros();
        let mut table = vec![0_u16; states.len() << shift];
        for (row, &state) in states.iter().enumerate() {
            for (column, &byte) in representatives.iter().enumerate() {
                table[(row << shift) + column] = number[&nfa.next_state(Anchored::No, state, byte)];
            }
        }
        let mut output_starts = vec![0];
        let mut outputs = Vec::new();
        for &state in &states[usize::from(first_match)..] {
            outputs.extend((0..nfa.match_len(state)).map(|i| nfa.match_pattern(state, i).as_usize() as u16));
            output_starts.push(u32::try_from(outputs.len()).expect("fewer outputs than 2^32"));
        }
        Ok(Self {
            classes: classes.into(),
            shift,
            table: table.into(),
            first_match,
            output_starts: output_starts.into(),
            outputs: outputs.into(),
            lengths: lengths.into(),
        })
    }

    /// Calls `found(keyword, start)` for every occurrence of every keyword, by increasing end.
    pub fn find(&self, text: &[u8], mut found: impl FnMut(u16, usize)) {
        let classes: &[u8; 256] = self.classes.as_ref().try_into().expect("one class for each byte");
        let table = self.table.as_ref();
        let mut state = 0_u16;
        for (at, &byte) in text.iter().enumerate() {
            state = table[(usize::from(state) << self.shift) + usize::from(classes[usize::from(byte)])];
            if state >= self.first_match {
                let row = usize::from(state - self.first_match);
                let range = self.output_starts[row] as usize..self.output_starts[row + 1] as usize;
                for &keyword in &self.outputs[range] {
                    found(keyword, at + 1 - usize::from(self.lengths[usize::from(keyword)]));
                }
            }
        }
    }
}

fn length(keyword: &[u8]) -> Result<u8, PrefilterError> {
    u8::try_from(keyword.len()).map_err(|_| PrefilterError::TooLong(String::from_utf8_lossy(keyword).into_owned()))
}

/// Bytes that no keyword tells apart share a class; the second part holds a byte of each.
fn byte_classes(keywords: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
    let mut used = [false; 256];
    for &byte in keywords.iter().copied().flatten() {
        used[usize::from(byte.to_ascii_lowercase())] = true;
    }
    let unused = (0..=u8::MAX).find(|&byte| !used[usize::from(byte.to_ascii_lowercase())]).unwrap_or(0);
    let mut representatives = vec![unused];
    let mut classes = vec![0_u8; 256];
    for byte in 0..=u8::MAX {
        let folded = byte.to_ascii_lowercase();
        if !used[usize::from(folded)] {
            continue;
        }
        if byte == folded {
            classes[usize::from(byte)] = representatives.len() as u8;
            representatives.push(byte);
        }
    }
    for byte in b'A'..=b'Z' {
        classes[usize::from(byte)] = classes[usize::from(byte.to_ascii_lowercase())];
    }
    (classes, representatives)
}

/// All states in breadth-first order, the start first.
fn reachable(nfa: &NFA, start: StateID, bytes: &[u8]) -> Vec<StateID> {
    let mut order = vec![start];
    let mut seen: std::collections::HashSet<StateID> = [start].into();
    let mut next = 0;
    while let Some(&state) = order.get(next) {
        next += 1;
        for &byte in bytes {
            let to = nfa.next_state(Anchored::No, state, byte);
            if seen.insert(to) {
                order.push(to);
            }
        }
    }
    order
}
