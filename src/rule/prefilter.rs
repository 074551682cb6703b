//! One pass over a text that says where any of several hundred keywords ends.
//!
//! The Aho-Corasick automaton is flattened into one table of two-byte states. `build.rs` embeds what
//! tells its rows apart, a twentieth of it, from which the table is there in a millisecond: a staged
//! commit is scanned before a library could have built the automaton at run time.
//! Shared with `build.rs`; depends on crates only.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

/// Finds keywords; ASCII letters match in either case.
#[derive(Debug, Clone)]
pub struct Prefilter {
    /// Byte → place in `table` of the next state after the first state.
    pub columns: Cow<'static, [u32]>,
    /// What the table is made from.
    pub rows: Rows,
    /// Next states: 32 for each state, those for frequent bytes; then 32 for each state for less frequent ones, and so on.
    pub table: OnceLock<Vec<u16>>,
    /// States from here on end a keyword.
    pub first_match: u16,
    /// For each such state, where its keywords start in `outputs`; one more entry at the end.
    pub output_starts: Cow<'static, [u32]>,
    /// Keyword numbers.
    pub outputs: Cow<'static, [u16]>,
    /// Length of each keyword in bytes.
    pub lengths: Cow<'static, [u8]>,
    /// The longest of them.
    pub longest: usize,
}

/// The rows of the table, each told by another one that comes before it, that of the longest end of what was read which begins
/// a keyword too, and by where it differs: where a keyword goes on.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// How many classes of bytes there are.
    pub classes: usize,
    /// The states, shorter beginnings first; the first is that of nothing read.
    pub states: Cow<'static, [u16]>,
    /// For each of them, the state whose row it has otherwise.
    pub falls: Cow<'static, [u16]>,
    /// For each of them, in how many columns it differs.
    pub counts: Cow<'static, [u8]>,
    /// The classes of bytes of these columns.
    pub differing: Cow<'static, [u8]>,
    /// The next states there.
    pub next: Cow<'static, [u16]>,
}

impl Rows {
    /// What tells the rows of a table apart. States are listed with shorter beginnings first.
    fn of(table: &[u16], states: Vec<u16>, classes: usize) -> Self {
        let count = states.len();
        let next = |state: u16, class: usize| table[usize::from(state) * COLUMNS + column(class, count)];
        let mut falls = vec![0_u16; count];
        let mut seen = vec![false; count];
        seen[0] = true;
        let mut rows = Self { classes, ..Self::default() };
        for &state in &states {
            let fall = falls[usize::from(state)];
            let mut differing = 0;
            for class in 0..classes {
                let to = next(state, class);
                if !std::mem::replace(&mut seen[usize::from(to)], true) {
                    falls[usize::from(to)] = if state == 0 { 0 } else { next(fall, class) };
                }
                if to != if state == 0 { 0 } else { next(fall, class) } {
                    rows.differing.to_mut().push(class as u8);
                    rows.next.to_mut().push(to);
                    differing += 1;
                }
            }
            rows.counts.to_mut().push(differing);
        }
        rows.falls = states.iter().map(|&state| falls[usize::from(state)]).collect();
        rows.states = states.into();
        rows
    }

    fn table(&self) -> Vec<u16> {
        let count = self.states.len();
        let mut table = vec![0_u16; self.classes.next_multiple_of(COLUMNS) * count];
        let mut differing = self.differing.iter().zip(self.next.iter());
        for ((&state, &fall), &differs) in self.states.iter().zip(self.falls.iter()).zip(self.counts.iter()) {
            let (row, fall) = (usize::from(state) * COLUMNS, usize::from(fall) * COLUMNS);
            for part in (0..table.len()).step_by(COLUMNS * count) {
                table.copy_within(part + fall..part + fall + COLUMNS, part + row);
            }
            for (&class, &next) in differing.by_ref().take(usize::from(differs)) {
                table[row + column(usize::from(class), count)] = next;
            }
        }
        table
    }
}

/// The place of a class of bytes in the row of the first of so many states.
fn column(class: usize, states: usize) -> usize {
    class / COLUMNS * COLUMNS * states + class % COLUMNS
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
        let (order, next) = reachable(&nfa, start, &representatives);
        if order.len() > usize::from(u16::MAX) {
            return Err(PrefilterError::TooLarge(order.len()));
        }
        // States that end keywords come last.
        let (plain, matching): (Vec<usize>, Vec<usize>) = (0..order.len()).partition(|&place| !nfa.is_match(order[place]));
        let first_match = u16::try_from(plain.len()).expect("fewer states than 65536");
        let mut number = vec![0_u16; order.len()];
        (0..).zip(plain.iter().chain(&matching)).for_each(|(n, &place)| number[place] = n);
        let mut table = vec![0_u16; representatives.len().next_multiple_of(COLUMNS) * order.len()];
        for (&state, next) in number.iter().zip(next.chunks(representatives.len())) {
            for (class, &to) in next.iter().enumerate() {
                table[usize::from(state) * COLUMNS + column(class, order.len())] = number[usize::from(to)];
            }
        }
        let columns: Vec<u32> = classes.iter().map(|&class| column(usize::from(class), order.len()) as u32).collect();
        let mut output_starts = vec![0];
        let mut outputs = Vec::new();
        for state in matching.iter().map(|&place| order[place]) {
            outputs.extend((0..nfa.match_len(state)).map(|i| nfa.match_pattern(state, i).as_usize() as u16));
            output_starts.push(u32::try_from(outputs.len()).expect("fewer outputs than 2^32"));
        }
        Ok(Self {
            columns: columns.into(),
            rows: Rows::of(&table, number, representatives.len()),
            table: table.into(),
            first_match,
            output_starts: output_starts.into(),
            outputs: outputs.into(),
            longest: lengths.iter().copied().max().map_or(0, usize::from),
            lengths: lengths.into(),
        })
    }

    /// A part of a text with what may belong to keywords that overlap it.
    pub fn around(&self, text: &[u8], part: Range<usize>) -> Range<usize> {
        let margin = self.longest.saturating_sub(1);
        // The first column is that of bytes that no keyword has.
        let may_belong = |byte: &&u8| self.columns[usize::from(**byte)] != 0;
        let before = text[part.start.saturating_sub(margin)..part.start].iter().rev().take_while(may_belong).count();
        let behind = text[part.end..text.len().min(part.end + margin)].iter().take_while(may_belong).count();
        part.start - before..part.end + behind
    }

    /// Calls `found(keyword, start)` for every occurrence of every keyword, by increasing end.
    pub fn find(&self, text: &[u8], found: impl FnMut(u16, usize)) {
        self.find_in(text, std::iter::once(0..text.len()), found);
    }

    /// The same in parts of a text, in order and apart from each other; a keyword must lie in one of them.
    pub fn find_in(&self, text: &[u8], parts: impl IntoIterator<Item = Range<usize>>, mut found: impl FnMut(u16, usize)) {
        let walk = Walk::new(self, text);
        let mut ends: Vec<End> = Vec::new();
        let mut report = |ends: &mut Vec<End>| {
            // Each lane's are in order.
            ends.sort();
            for end in ends.drain(..) {
                let row = usize::from(end.state - self.first_match);
                let range = self.output_starts[row] as usize..self.output_starts[row + 1] as usize;
                for &keyword in &self.outputs[range] {
                    found(keyword, end.at + 1 - usize::from(self.lengths[usize::from(keyword)]));
                }
            }
        };
        let mut pieces: Vec<Piece> = Vec::new();
        let mut bytes = 0;
        for part in parts {
            let mut at = part.start;
            let piece = part.len().div_ceil(LANES).clamp(SHORTEST_PIECE, PIECE);
            while at < part.end {
                let end = part.end.min(at + piece);
                let warm = part.start.max(at.saturating_sub(self.longest));
                pieces.push(Piece { warm, start: at, end });
                bytes += end - at;
                at = end;
                if bytes >= LANES * PIECE {
                    walk.run(&mut pieces, &mut ends);
                    report(&mut ends);
                    bytes = 0;
                }
            }
        }
        walk.run(&mut pieces, &mut ends);
        report(&mut ends);
    }
}

/// Walks through the table that are under way at a time: while one waits for memory, the others go on.
const LANES: usize = 4;

/// Bytes of the longest piece that a lane walks.
const PIECE: usize = 16 << 10;

/// Bytes of the shortest piece that is worth a lane of its own.
const SHORTEST_PIECE: usize = 256;

/// A part of a text for one lane. It begins to walk at `warm` and to tell what it sees at `start`.
#[derive(Debug, Clone, Copy)]
struct Piece {
    warm: usize,
    start: usize,
    end: usize,
}

/// A state that ends keywords, behind the byte at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    at: usize,
    state: u16,
}

/// What all lanes use.
struct Walk<'a> {
    columns: &'a [u32; 256],
    table: &'a [u16],
    first_match: u16,
    text: &'a [u8],
}

/// One lane: where it is in its piece.
#[derive(Debug, Clone, Copy)]
struct Lane {
    state: u16,
    at: usize,
    piece: Piece,
}

impl Lane {
    const IDLE: Self = Self { state: 0, at: 0, piece: Piece { warm: 0, start: usize::MAX, end: 0 } };

    fn left(&self) -> usize {
        self.piece.end - self.at
    }
}

impl<'a> Walk<'a> {
    fn new(prefilter: &'a Prefilter, text: &'a [u8]) -> Self {
        let columns = prefilter.columns.as_ref().try_into().expect("one for each byte");
        Self { columns, table: prefilter.table.get_or_init(|| prefilter.rows.table()), first_match: prefilter.first_match, text }
    }

    /// Walks all pieces.
    fn run(&self, pieces: &mut Vec<Piece>, ends: &mut Vec<End>) {
        let mut next = pieces.drain(..);
        let mut lanes = [Lane::IDLE; LANES];
        loop {
            for lane in &mut lanes {
                if lane.left() == 0 {
                    *lane = next.next().map_or(Lane::IDLE, |piece| Lane { state: 0, at: piece.warm, piece });
                }
            }
            let Some(steps) = lanes.iter().map(Lane::left).filter(|left| *left > 0).min() else { return };
            self.advance(&mut lanes, steps, ends);
        }
    }

    /// Walks so many bytes in every lane; idle ones go along with the first that is not.
    fn advance(&self, lanes: &mut [Lane; LANES], steps: usize, ends: &mut Vec<End>) {
        let busy = lanes.iter().find(|lane| lane.left() > 0).map_or(0, |lane| lane.at);
        let text = |lane: &Lane| {
            let at = if lane.left() > 0 { lane.at } else { busy };
            &self.text[at..at + steps]
        };
        let texts: [&[u8]; LANES] = std::array::from_fn(|lane| text(&lanes[lane]));
        let mut states = lanes.map(|lane| lane.state);
        let mut done = 0;
        while done < steps {
            done += self.until_match(texts.map(|text| &text[done..]), &mut states);
            for (lane, &state) in lanes.iter().zip(&states) {
                let at = lane.at + done - 1;
                if state >= self.first_match && at >= lane.piece.start {
                    ends.push(End { at, state });
                }
            }
        }
        for (lane, state) in lanes.iter_mut().zip(states) {
            if lane.left() > 0 {
                *lane = Lane { state, at: lane.at + steps, ..*lane };
            }
        }
    }

    /// Walks texts of the same length in step, until one of the states ends a keyword; gives how many bytes that took.
    #[inline(never)]
    fn until_match(&self, [a, b, c, d]: [&[u8]; LANES], states: &mut [u16; LANES]) -> usize {
        let Self { columns, table, first_match, .. } = *self;
        let next = |state: u16, byte: u8| table[usize::from(state) * COLUMNS + columns[usize::from(byte)] as usize];
        let [mut s0, mut s1, mut s2, mut s3] = *states;
        let len = a.len();
        let (b, c, d) = (&b[..len], &c[..len], &d[..len]);
        let mut steps = 0;
        while steps < len {
            s0 = next(s0, a[steps]);
            s1 = next(s1, b[steps]);
            s2 = next(s2, c[steps]);
            s3 = next(s3, d[steps]);
            steps += 1;
            if s0.max(s1).max(s2.max(s3)) >= first_match {
                break;
            }
        }
        *states = [s0, s1, s2, s3];
        steps
    }
}

fn length(keyword: &[u8]) -> Result<u8, PrefilterError> {
    u8::try_from(keyword.len()).map_err(|_| PrefilterError::TooLong(String::from_utf8_lossy(keyword).into_owned()))
}

/// Columns of a state that lie side by side; they fill one line of the processor's cache.
const COLUMNS: usize = 32;

/// Bytes that are frequent in texts, most frequent first.
const FREQUENT: &[u8] = b" etaoinsrlcdupmhgf-_.:\"/b0=y1w";

/// Bytes that no keyword tells apart share a class; the second part holds a byte of each.
fn byte_classes(keywords: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
    let mut used = [false; 256];
    for &byte in keywords.iter().copied().flatten() {
        used[usize::from(byte.to_ascii_lowercase())] = true;
    }
    let unused = (0..=u8::MAX).find(|&byte| !used[usize::from(byte.to_ascii_lowercase())]).unwrap_or(0);
    let mut representatives = vec![unused];
    let mut classes = vec![0_u8; 256];
    for byte in FREQUENT.iter().copied().chain(0..=u8::MAX) {
        if used[usize::from(byte)] && classes[usize::from(byte)] == 0 {
            classes[usize::from(byte)] = representatives.len() as u8;
            representatives.push(byte);
        }
    }
    for byte in b'A'..=b'Z' {
        classes[usize::from(byte)] = classes[usize::from(byte.to_ascii_lowercase())];
    }
    (classes, representatives)
}

/// All states in breadth-first order, the start first, and the places in that order of the states that follow each for these bytes.
/// Of more states than a table can have, only so many are listed.
fn reachable(nfa: &NFA, start: StateID, bytes: &[u8]) -> (Vec<StateID>, Vec<u16>) {
    let mut order = vec![start];
    let mut places: Vec<Option<u16>> = vec![None; start.as_usize() + 1];
    places[start.as_usize()] = Some(0);
    let mut next = Vec::new();
    let mut at = 0;
    while let Some(&state) = order.get(at).filter(|_| order.len() <= usize::from(u16::MAX)) {
        at += 1;
        for &byte in bytes {
            let to = nfa.next_state(Anchored::No, state, byte);
            if places.len() <= to.as_usize() {
                places.resize(to.as_usize() + 1, None);
            }
            let place = *places[to.as_usize()].get_or_insert_with(|| {
                order.push(to);
                u16::try_from(order.len() - 1).unwrap_or(u16::MAX)
            });
            next.push(place);
        }
    }
    (order, next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every occurrence in every part, by increasing end and, for one end, in the automaton's order.
    fn naive(keywords: &[&[u8]], text: &[u8], parts: &[Range<usize>]) -> Vec<(usize, usize, u16)> {
        let mut found = Vec::new();
        for part in parts {
            let text = &text[part.clone()];
            for (number, keyword) in (0..).zip(keywords) {
                let at = (0..text.len())
                    .filter(|&at| text[at..].len() >= keyword.len() && text[at..at + keyword.len()].eq_ignore_ascii_case(keyword));
                found.extend(at.map(|at| (part.start + at + keyword.len(), part.start + at, number)));
            }
        }
        found.sort_unstable();
        found
    }

    fn found(prefilter: &Prefilter, text: &[u8], parts: &[Range<usize>]) -> Vec<(usize, usize, u16)> {
        let mut found: Vec<(usize, usize, u16)> = Vec::new();
        prefilter.find_in(text, parts.iter().cloned(), |keyword, start| {
            let end = start + usize::from(prefilter.lengths[usize::from(keyword)]);
            assert!(found.last().is_none_or(|&(before, ..)| before <= end), "by increasing end");
            found.push((end, start, keyword));
        });
        found.sort_unstable();
        found
    }

    proptest! {
        #[test]
        fn parts_are_searched_as_if_one_by_one(
            words in proptest::collection::btree_set("[a-cA-C_é]{1,9}", 1..12),
            text in "[a-cA-C_é \\n]{0,6000}",
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        ) {
            let words: std::collections::BTreeSet<Vec<u8>> = words.into_iter().map(|word| word.to_ascii_lowercase().into_bytes()).collect();
            let keywords: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            let prefilter = Prefilter::build(&keywords).expect("few keywords");
            let text = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.sort_unstable();
            let parts: Vec<Range<usize>> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            prop_assert_eq!(found(&prefilter, text, &parts), naive(&keywords, text, &parts));
        }
    }

    proptest! {
        #[test]
        fn rows_make_the_table_again(words in proptest::collection::btree_set("[a-cA-C_é0-9(]{1,9}", 1..60)) {
            let words: std::collections::BTreeSet<Vec<u8>> = words.into_iter().map(|word| word.to_ascii_lowercase().into_bytes()).collect();
            let prefilter = Prefilter::build(&words.iter().map(Vec::as_slice).collect::<Vec<_>>()).expect("few keywords");
            prop_assert_eq!(prefilter.table.get(), Some(&prefilter.rows.table()));
        }
    }

    #[test]
    fn what_may_belong_to_keywords_ends_at_other_bytes() {
        let prefilter = Prefilter::build(&[b"abc", b"cc"]).expect("few keywords");
        assert_eq!(prefilter.around(b"abcabcabcabc", 5..6), 3..8);
        assert_eq!(prefilter.around(b"ab-aBx", 4..4), 3..5);
        assert_eq!(prefilter.around(b"bca", 0..3), 0..3);
    }

    #[test]
    fn long_texts_are_searched_in_pieces() {
        let keywords: [&[u8]; 3] = [b"key", b"a key", b"y"];
        let prefilter = Prefilter::build(&keywords).expect("few keywords");
        // At every place relative to the borders of pieces.
        let text: Vec<u8> = b"this is a KEY and ".iter().copied().cycle().take(LANES * PIECE * 2 + 777).collect();
        let halves = [0..text.len() / 2, text.len() / 2..text.len()];
        assert_eq!(found(&prefilter, &text, &halves), naive(&keywords, &text, &halves));
    }
}
