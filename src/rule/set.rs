//! Rules that can run, and the set of them that one scan uses.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use regex::bytes::{Regex, RegexBuilder};

use super::prefilter::{Prefilter, PrefilterError};
use super::stretch::Stretch;
use super::syntax::{Block, Confidence, Extractor, Judge, Kind, Severity, Validator};
use super::{Cue, builtin, known};
use crate::sought::Sought;

/// A proven rule. Built-in rules are constants; a user's rules are kept for the whole process.
#[derive(Debug)]
#[expect(missing_docs, reason = "docs/src/writing-rules.md documents the fields")]
pub struct Rule {
    pub id: &'static str,
    pub provider: &'static str,
    pub name: &'static str,
    pub severity: Severity,
    pub kind: Kind,
    pub confidence: Confidence,
    pub keywords: &'static [&'static str],
    pub matcher: Matcher,
    pub judge: Judge,
    pub validators: &'static [Validator],
    pub min_entropy: Option<f64>,
    pub reject: &'static [&'static str],
    pub env: Option<&'static str>,
    pub rotate_url: Option<&'static str>,
    pub rotate_steps: &'static [&'static str],
    pub references: &'static [&'static str],
    pub examples: &'static [&'static str],
    pub negatives: &'static [&'static str],
    /// `reject`, compiled when first needed.
    pub rejects: OnceLock<Vec<Regex>>,
}

/// How a rule finds its candidates.
#[derive(Debug)]
pub enum Matcher {
    /// A regular expression around a keyword.
    Pattern(Pattern),
    /// Code in `detect`.
    Extractor(Extractor),
    /// The values that the set of rules was told to seek.
    Known,
    /// Whoever examines whole files.
    File,
}

/// A regular expression, compiled when its keyword is first seen.
#[derive(Debug)]
pub struct Pattern {
    /// Verbose syntax, macros expanded.
    pub source: &'static str,
    /// What is searched for: the same without the bounds of long repetitions.
    pub program: &'static str,
    /// The longest match in bytes.
    pub reach: usize,
    /// What every match contains.
    pub stretch: Option<Stretch>,
    /// How the end is found where the pattern matches the beginning alone.
    pub block: Option<Block>,
    /// The compiled form.
    pub regex: OnceLock<Regex>,
}

impl Pattern {
    /// The compiled form; the source was proven when the rule was loaded.
    pub fn regex(&self) -> &Regex {
        self.regex.get_or_init(|| compile_regex(self.program))
    }
}

impl Rule {
    /// Whether it is about the state of whole files.
    pub fn is_of_file(&self) -> bool {
        matches!(self.matcher, Matcher::File)
    }

    /// Everything that decides what the rule finds.
    pub fn identity(&self) -> String {
        let matcher = match &self.matcher {
            Matcher::Pattern(pattern) => format!("{:?} {} {:?}", pattern.source, pattern.reach, pattern.block),
            Matcher::Extractor(extractor) => format!("{extractor:?}"),
            Matcher::Known => "known".to_owned(),
            Matcher::File => "file".to_owned(),
        };
        let judged = (self.judge, self.validators, self.min_entropy, self.reject);
        format!("{} {:?} {:?} {matcher} {judged:?}", self.id, self.confidence, self.keywords)
    }

    /// Whether one of the rule's `reject` patterns matches the value.
    pub fn rejects(&self, value: &[u8]) -> bool {
        let rejects = self.rejects.get_or_init(|| self.reject.iter().map(|source| compile_regex(source)).collect());
        rejects.iter().any(|regex| regex.is_match(value))
    }
}

fn compile_regex(source: &str) -> Regex {
    RegexBuilder::new(source)
        .ignore_whitespace(true)
        .unicode(false)
        .size_limit(32 << 20)
        .build()
        .expect("the pattern was parsed when its rule was loaded")
}

/// A rule's place in its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleIndex(pub u16);

/// What a keyword sets off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A rule's pattern.
    Rule(RuleIndex),
    /// Code for this sort of word.
    Cue(Cue),
}

/// The rules of one scan and the one pass that finds all their keywords.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<&'static Rule>,
    disabled: Vec<bool>,
    prefilter: Cow<'static, Prefilter>,
    /// For each keyword where its triggers start; one more entry at the end.
    trigger_starts: Cow<'static, [u32]>,
    triggers: Cow<'static, [Trigger]>,
    extractors: Extractors,
    known: Option<Known>,
}

/// Values that are sought beside what rules find.
#[derive(Debug)]
struct Known {
    sought: Arc<Sought>,
    rule: RuleIndex,
}

impl RuleSet {
    /// The built-in rules.
    pub fn builtin() -> Self {
        let rules: Vec<&'static Rule> = builtin::RULES.iter().collect();
        Self {
            disabled: vec![false; rules.len()],
            extractors: extractors(&rules),
            known: None,
            rules,
            prefilter: Cow::Borrowed(&builtin::PREFILTER),
            trigger_starts: Cow::Borrowed(builtin::TRIGGER_STARTS),
            triggers: Cow::Borrowed(builtin::TRIGGERS),
        }
    }

    /// These rules and no others; cues are searched for only where a rule's extractor needs them.
    pub fn of(rules: Vec<&'static Rule>) -> Result<Self, PrefilterError> {
        let mut keywords: Vec<(Vec<u8>, Vec<Trigger>)> = Vec::new();
        let mut add = |keyword: &str, trigger| {
            let folded = keyword.to_ascii_lowercase().into_bytes();
            match keywords.iter_mut().find(|(known, _)| *known == folded) {
                Some((_, triggers)) => triggers.push(trigger),
                None => keywords.push((folded, vec![trigger])),
            }
        };
        for (index, rule) in (0..).map(RuleIndex).zip(&rules) {
            for keyword in rule.keywords {
                add(keyword, Trigger::Rule(index));
            }
        }
        // Cues are for extractors; rules of patterns alone need none.
        if rules.iter().any(|rule| matches!(rule.matcher, Matcher::Extractor(_))) {
            for &(word, cue) in builtin::CUES {
                add(word, Trigger::Cue(cue));
            }
        }
        let texts: Vec<&[u8]> = keywords.iter().map(|(text, _)| text.as_slice()).collect();
        let prefilter = Prefilter::build(&texts)?;
        let mut trigger_starts = vec![0];
        let mut triggers = Vec::new();
        for (_, of_keyword) in &keywords {
            triggers.extend(of_keyword);
            trigger_starts.push(triggers.len() as u32);
        }
        Ok(Self {
            disabled: vec![false; rules.len()],
            extractors: extractors(&rules),
            known: None,
            rules,
            prefilter: Cow::Owned(prefilter),
            trigger_starts: trigger_starts.into(),
            triggers: triggers.into(),
        })
    }

    /// This set and more rules; one with the id of a built-in rule takes its place.
    pub fn with(self, more: &[&'static Rule]) -> Result<Self, PrefilterError> {
        if more.is_empty() {
            return Ok(self);
        }
        let kept = self.rules.iter().filter(|rule| more.iter().all(|new| new.id != rule.id)).copied();
        Self::of(kept.chain(more.iter().copied()).collect())
    }

    /// The same set, which seeks values as well, however they are written.
    #[must_use]
    pub fn seeking(mut self, sought: Arc<Sought>) -> Self {
        let rule = RuleIndex(u16::try_from(self.rules.len()).expect("there are fewer rules than keywords"));
        self.rules.push(&known::KNOWN);
        self.disabled.push(false);
        self.known = Some(Known { sought, rule });
        self
    }

    /// The values that are sought, and the rule that reports them.
    pub fn sought(&self) -> Option<(&Sought, RuleIndex)> {
        self.known.as_ref().map(|known| (&*known.sought, known.rule))
    }

    /// Switches a rule off; `false` if there is none of this id.
    pub fn disable(&mut self, id: &str) -> bool {
        match self.rules.iter().position(|rule| rule.id == id) {
            Some(at) => {
                self.disabled[at] = true;
                true
            }
            // Rules about files are not in the set; who asks for files to be examined leaves them out.
            None => self.by_id(id).is_some(),
        }
    }

    /// All rules that are on, in order.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        self.rules.iter().zip(&self.disabled).filter(|(_, off)| !**off).map(|(rule, _)| *rule)
    }

    /// The rule of this id, on or off.
    pub fn by_id(&self, id: &str) -> Option<&'static Rule> {
        let of_files = [&known::PLAIN_SOPS_FILE, &known::BROKEN_SOPS_FILE];
        self.rules.iter().copied().chain(of_files).find(|rule| rule.id == id)
    }

    /// Ids of rules that somebody may have meant by one that does not exist.
    pub fn similar(&self, id: &str) -> Vec<&'static str> {
        let known: Vec<&'static str> = self.rules().map(|rule| rule.id).collect();
        let mut similar = similar::get_close_matches(id, &known, 3, 0.75);
        similar.extend(known.iter().copied().filter(|known| known.contains(id) || id.contains(*known)));
        let mut seen = std::collections::HashSet::new();
        similar.retain(|id| seen.insert(*id));
        similar.truncate(5);
        similar
    }

    /// The rule at a place; places come from this set's triggers.
    pub fn rule(&self, index: RuleIndex) -> &'static Rule {
        self.rules[usize::from(index.0)]
    }

    /// Whether the rule at a place is on.
    pub fn is_on(&self, index: RuleIndex) -> bool {
        !self.disabled[usize::from(index.0)]
    }

    /// The rule that reports what an extractor finds, if the set has one that is on.
    pub fn extractor(&self, extractor: Extractor) -> Option<RuleIndex> {
        self.extractors[extractor as usize].filter(|&index| self.is_on(index))
    }

    /// Whether the rule of an extractor is there and off.
    pub fn is_switched_off(&self, extractor: Extractor) -> bool {
        self.extractors[extractor as usize].is_some_and(|index| !self.is_on(index))
    }

    /// The pass over a text.
    pub fn prefilter(&self) -> &Prefilter {
        &self.prefilter
    }

    /// What a keyword of the prefilter sets off.
    pub fn triggers(&self, keyword: u16) -> &[Trigger] {
        let keyword = usize::from(keyword);
        &self.triggers[self.trigger_starts[keyword] as usize..self.trigger_starts[keyword + 1] as usize]
    }
}

/// The rule of each extractor.
type Extractors = [Option<RuleIndex>; Extractor::AwsAccount as usize + 1];

fn extractors(rules: &[&'static Rule]) -> Extractors {
    let mut found = Extractors::default();
    for (index, rule) in (0..).map(RuleIndex).zip(rules) {
        if let Matcher::Extractor(extractor) = rule.matcher {
            found[extractor as usize] = Some(index);
        }
    }
    found
}
