//! What was found in a text and what it depended on, so that a text made from parts of another
//! one is searched only where it is new.
//!
//! Each step, a cue or a chain of keyword hits, notes how much of the text it read. A step that
//! found something or read far is kept. In a text that copies parts of the first one, a step whose
//! whole reading was copied has the same outcome there; the steps near a seam are done anew, and
//! so is every kept one whose reading was cut. Where the keywords are is kept as well: they are
//! looked for in new parts alone.

use std::cell::RefCell;

use super::extract::candidate::{self, Chain, Chains};
use super::extract::{self, account, encoded};
use super::seams::{holding, holds, seams, touches, widened, worthwhile};
use super::search::{NEAR, Search};
use super::syntax::keyword::{Keyword, Keywords};
use super::{Hints, Match, Notation, Objection, settle};
use crate::rule::{Confidence, Cue, RuleIndex, RuleSet, Trigger};
use crate::text::{Copied, Span};

/// What is remembered of a text that was searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    hints: Hints,
    len: usize,
    keywords: Keywords,
    /// By the start of the hit.
    steps: Vec<Step>,
}

/// One step of a search that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    kind: Kind,
    /// The cue's or the run's place, or from the first hit of a chain to the end of its last.
    hit: Span,
    looked: Span,
    matches: Vec<Match>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cue(Cue),
    Chain(RuleIndex),
    /// A run of base64 or hexadecimal; it is its own hit.
    Encoded,
    /// The whole text, which is one secret.
    Whole,
}

impl Trace {
    /// Searches a whole text.
    pub fn read(text: &[u8], hints: Hints, rules: &RuleSet) -> Self {
        let mut reader = Reader::new(text, hints, rules);
        let keywords = reader.whole(|follow| Keywords::each(text, rules.prefilter(), follow));
        reader.end(keywords).1
    }

    /// The same, with what was looked at and is no match.
    pub(super) fn read_with_rejected(text: &[u8], hints: Hints, rules: &RuleSet) -> (Self, Vec<(RuleIndex, Span, Objection)>) {
        let mut reader = Reader::new(text, hints, rules);
        reader.search.rejected = Some(RefCell::default());
        let keywords = reader.whole(|follow| Keywords::each(text, rules.prefilter(), follow));
        let (search, trace) = reader.end(keywords);
        (trace, search.rejected.map(RefCell::into_inner).unwrap_or_default())
    }

    /// Every match, before those that overlap are left out.
    pub(super) fn all_matches(&self) -> impl Iterator<Item = &Match> {
        self.steps.iter().flat_map(|step| &step.matches)
    }

    /// Searches a text that was made from one already searched; `copied` lists what was copied,
    /// in the order of the new text and with
    /// neighbours joined ([`crate::text::joined`]). The outcome is that of [`Self::read`].
    pub fn reread(text: &[u8], hints: Hints, rules: &RuleSet, base: &Self, copied: &[Copied]) -> Self {
        if hints.alone.is_some() {
            // It is a line.
            return Self::read(text, hints, rules);
        }
        let copied = &worthwhile(copied);
        let seams = seams(base.len, text.len(), copied);
        let Some(keywords) = base.keywords.inherited(text, rules.prefilter(), copied, &seams) else {
            return Self::read(text, hints, rules);
        };
        let mut reader = Reader::new(text, hints, rules);
        if base.hints != hints {
            reader.whole(|follow| keywords.all().for_each(follow));
            return reader.end(keywords).1;
        }
        let mut windows = widened(&seams, 2 * NEAR, text.len());
        let mut near = widened(&seams, NEAR, text.len());
        if windows.iter().map(|window| window.len()).sum::<usize>() > text.len() / 4 * 3 {
            // Not worth to tell near from far.
            windows = vec![Span::new(0, text.len())];
            near.clone_from(&windows);
        }
        let edges = widened(&seams, encoded::MARGIN, text.len());
        let chains = reader.inherit(base, copied, &near, &edges);
        for area in chains.areas(&windows) {
            for keyword in keywords.within(area) {
                let hit = keyword.span();
                let in_window = holding(&windows, hit);
                let is_near = in_window && touches(&near, hit);
                reader.keyword(keyword, |rule| chains.task(rule, hit, in_window.then_some(is_near)), is_near);
            }
        }
        let mut passed = 0;
        for part in widened(&edges, encoded::MARGIN, text.len()) {
            encoded::runs(text, part, hints, |run| {
                if run.start >= passed && touches(&edges, run) {
                    reader.encoded(run);
                }
                passed = run.end;
            });
        }
        reader.end(keywords).1
    }

    /// The secrets of the text this trace was made from, in order of position, none overlapping
    /// another.
    pub fn matches(&self, text: &[u8], rules: &RuleSet) -> Vec<Match> {
        let mut matches: Vec<Match> = self.all_matches().cloned().collect();
        if matches.is_empty() {
            return matches;
        }
        account::spread(text, rules, &mut matches);
        let matches = settle::settle(text, matches, rules);
        if self.hints.test { matches.into_iter().map(|found| found.in_test(rules)).collect() } else { matches }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.matches.is_empty())
    }
}

/// A search that keeps its steps.
struct Reader<'a> {
    search: Search<'a>,
    chains: Chains,
    steps: Vec<Step>,
}

/// The chains of a base, by rule and place in the new text.
#[derive(Default)]
struct Inherited {
    /// Parts of those that were cut: what is left of them has to be searched again.
    cut: Vec<(RuleIndex, Span)>,
    /// Those that were taken over.
    taken: Vec<(RuleIndex, Span)>,
}

/// What to do with a rule's keyword.
enum Task {
    /// It belongs to a chain that was taken over.
    Leave,
    /// It may belong to a chain that others make worth searching.
    Note,
    Search,
}

impl Inherited {
    /// The parts of the text in which keywords have to be followed, in order and apart.
    fn areas(&self, windows: &[Span]) -> Vec<Span> {
        let mut areas: Vec<Span> = windows.iter().copied().chain(self.cut.iter().map(|(_, part)| *part)).collect();
        areas.sort_unstable();
        let mut joined: Vec<Span> = Vec::with_capacity(areas.len());
        for area in areas {
            match joined.last_mut() {
                Some(last) if area.start <= last.end => last.end = last.end.max(area.end),
                _ => joined.push(area),
            }
        }
        joined
    }

    /// `near` tells whether a hit in a window is near a seam.
    fn task(&self, rule: RuleIndex, hit: Span, near: Option<bool>) -> Task {
        match near {
            _ if holds_hit(&self.taken, rule, hit) => Task::Leave,
            _ if holds_hit(&self.cut, rule, hit) => Task::Search,
            Some(true) => Task::Search,
            Some(false) => Task::Note,
            None => Task::Leave,
        }
    }
}

/// Whether one of the sorted parts of a rule's chains covers a hit; those of one rule lie apart.
fn holds_hit(chains: &[(RuleIndex, Span)], rule: RuleIndex, hit: Span) -> bool {
    let behind = chains.partition_point(|(other, part)| (*other, part.start) <= (rule, hit.start));
    behind.checked_sub(1).is_some_and(|at| chains[at].0 == rule && hit.end <= chains[at].1.end)
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8], hints: Hints, rules: &'a RuleSet) -> Self {
        Self { search: Search::new(text, hints, rules), chains: Chains::default(), steps: Vec::new() }
    }

    /// Searches all of the text; `each` hands over its keywords.
    fn whole<T>(&mut self, each: impl FnOnce(&mut dyn FnMut(Keyword)) -> T) -> T {
        let keywords = each(&mut |keyword| self.keyword(keyword, |_| Task::Search, true));
        let text = self.search.text;
        encoded::runs(text, Span::new(0, text.len()), self.search.hints, |run| self.encoded(run));
        if let Some(alone) = self.search.hints.alone {
            self.search.begin(Span::new(0, text.len()));
            extract::read_alone(&mut self.search, alone);
            if !self.search.matches.is_empty() {
                self.keep(Kind::Whole, Span::new(0, text.len()));
            }
        }
        keywords
    }

    /// Follows a keyword; `task` says what rules make of it, `cues` whether cues are followed.
    fn keyword(&mut self, keyword: Keyword, task: impl Fn(RuleIndex) -> Task, cues: bool) {
        let hit = keyword.span();
        for trigger in self.search.rules.triggers(keyword.number) {
            match *trigger {
                Trigger::Rule(rule) => match task(rule) {
                    Task::Leave => {}
                    Task::Note => self.hit(rule, hit, false),
                    Task::Search => self.hit(rule, hit, true),
                },
                Trigger::Cue(cue) if cues => self.cue(cue, hit),
                Trigger::Cue(_) => {}
            }
        }
    }

    fn hit(&mut self, rule: RuleIndex, hit: Span, wanted: bool) {
        if let Some(chain) = self.chains.add(&self.search, rule, hit, wanted) {
            self.chain(&chain);
        }
    }

    fn cue(&mut self, cue: Cue, hit: Span) {
        self.search.begin(hit);
        extract::follow(&mut self.search, cue, hit);
        let looked = self.search.looked();
        if !self.search.matches.is_empty() || looked.start + NEAR < hit.start || looked.end > hit.end + NEAR {
            self.keep(Kind::Cue(cue), hit);
        }
    }

    fn chain(&mut self, chain: &Chain) {
        if !chain.wanted {
            return;
        }
        self.search.begin(chain.window);
        candidate::run(&mut self.search, chain);
        // A block was followed beyond the window.
        let far = self.search.looked().end > chain.window.end + NEAR;
        if !self.search.matches.is_empty() || chain.window.len() > NEAR || far {
            self.keep(Kind::Chain(chain.rule), chain.extent);
        }
    }

    fn encoded(&mut self, run: Span) {
        self.search.begin(run);
        self.search.look(Span::new(run.start.saturating_sub(3), run.end + 3));
        if let Some(found) = search_encoded(&self.search, run) {
            self.search.matches.push(found);
            self.keep(Kind::Encoded, run);
        }
    }

    fn keep(&mut self, kind: Kind, hit: Span) {
        let matches = std::mem::take(&mut self.search.matches);
        self.steps.push(Step { kind, hit, looked: self.search.looked(), matches });
    }

    fn end(mut self, keywords: Keywords) -> (Search<'a>, Trace) {
        for chain in std::mem::take(&mut self.chains).into_rest() {
            self.chain(&chain);
        }
        self.steps.sort_by_key(|step| step.hit);
        let (hints, len) = (self.search.hints, self.search.text.len());
        let trace = Trace { hints, len, keywords: keywords.kept(len), steps: self.steps };
        (self.search, trace)
    }

    /// Takes over the steps of a base that were copied whole, and does those again that were cut.
    fn inherit(&mut self, base: &Trace, copied: &[Copied], near: &[Span], edges: &[Span]) -> Inherited {
        let mut inherited = Inherited::default();
        // A chain that begins before a run may have hits in it.
        let longest = base.steps.iter().map(|step| step.hit.len()).max().unwrap_or(0);
        for run in copied {
            let end = run.from + run.len;
            let first = base.steps.partition_point(|step| step.hit.start + longest < run.from);
            for step in base.steps[first..].iter().take_while(|step| step.hit.start < end) {
                let whole = holds(run, step.looked, base.len, self.search.text.len());
                match step.kind {
                    Kind::Chain(rule) if whole => {
                        let step = step.moved(run);
                        inherited.taken.push((rule, step.hit));
                        self.steps.push(step);
                    }
                    Kind::Chain(rule) if step.hit.end > run.from => {
                        let part = Span::new(step.hit.start.max(run.from), step.hit.end.min(end));
                        inherited.cut.push((rule, run.moved(part)));
                    }
                    Kind::Chain(_) => {}
                    Kind::Cue(_) if !run.covers(step.hit) || touches(near, run.moved(step.hit)) => {}
                    // Cut ones are near a seam.
                    Kind::Encoded if !whole || touches(edges, run.moved(step.hit)) => {}
                    Kind::Cue(_) | Kind::Encoded if whole => self.steps.push(step.moved(run)),
                    Kind::Encoded | Kind::Whole => {}
                    Kind::Cue(cue) => {
                        self.search.name_end = 0;
                        self.search.row_end = 0;
                        self.cue(cue, run.moved(step.hit));
                    }
                }
            }
        }
        self.search.name_end = 0;
        self.search.row_end = 0;
        inherited.cut.sort_unstable();
        inherited.taken.sort_unstable();
        inherited
    }
}

impl Step {
    fn moved(&self, run: &Copied) -> Self {
        let matches =
            self.matches.iter().map(|found| Match { span: run.moved(found.span), reasons: found.reasons.clone(), ..*found }).collect();
        Self { kind: self.kind, hit: run.moved(self.hit), looked: run.moved(self.looked), matches }
    }
}

/// The most telling secret in what a run encodes, as a match of the whole run.
fn search_encoded(search: &Search<'_>, run: Span) -> Option<Match> {
    let (inner, how) = encoded::decoded(search.bytes(run))?;
    let hints = Hints { notation: Notation::Unknown, binary: false, test: false, alone: None, ..search.hints };
    let matches = Trace::read(&inner, hints, search.rules).matches(&inner, search.rules);
    let best = matches.into_iter().max_by_key(|found| (found.confidence, found.span.len()))?;
    if best.confidence < Confidence::Medium {
        return None;
    }
    let mut reasons = best.reasons;
    reasons.push(how);
    Some(Match { span: run, reasons, ..best })
}
