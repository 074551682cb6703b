//! From a match in a text to a place a person can go to, with an excerpt that shows no secret.

use std::ops::Range;

use super::sops_block::outside_metadata;
use super::{Excerpt, Occurrence};
use crate::detect::Match;
use crate::rule::{Confidence, Rule, RuleSet};
use crate::secret::Secret;
use crate::source::Origin;
use crate::text::{Decoded, LineIndex, Position, Span, work};

/// Marks a line whose findings are accepted; `sopup:allow rule-id` accepts one rule's.
const MARKER: &[u8] = b"sopup:allow";
/// How many lines a block is looked for above a place.
const LONGEST_BLOCK: usize = 1000;
/// What an excerpt shows before and after the secret, in characters.
const CONTEXT: usize = 80;

/// A match with its value and its place.
#[derive(Debug)]
pub struct Located {
    /// The rule.
    pub rule: &'static Rule,
    /// The value.
    pub secret: Secret,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why.
    pub reasons: Vec<crate::detect::Reason>,
    /// Where.
    pub occurrence: Occurrence,
    /// Its line says that it is accepted.
    pub allowed_inline: bool,
}

/// Where a text starts in its file, for texts that are read in chunks.
#[derive(Debug, Clone, Copy)]
pub struct Base {
    /// Byte offset in the file.
    pub offset: u64,
    /// Position of its first character.
    pub position: Position,
}

impl Base {
    /// The beginning of the file.
    pub const START: Self = Self { offset: 0, position: Position { line: 1, column: 1 } };

    fn position(self, position: Position) -> Position {
        let column = if position.line == 1 { position.column + self.position.column - 1 } else { position.column };
        Position { line: position.line + self.position.line - 1, column }
    }
}

/// Whether `sopup:allow` in the text counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InlineAllow {
    /// It does.
    Honoured,
    /// Everything is reported.
    Ignored,
}

/// Places every match of one text, but for those that are the names of keys in the metadata of a SOPS file.
pub fn locate(
    file: &[u8],
    decoded: &Decoded<'_>,
    matches: Vec<Match>,
    rules: &RuleSet,
    origin: &Origin,
    base: Base,
    inline: InlineAllow,
) -> Vec<Located> {
    if matches.is_empty() {
        return Vec::new();
    }
    let text = decoded.text.as_ref();
    let index = LineIndex::new(text);
    let matches = outside_metadata(text, matches);
    let honours_marker = inline == InlineAllow::Honoured && memchr::memmem::find(text, MARKER).is_some();
    let spans: Vec<Span> = matches.iter().map(|found| found.span).collect();
    let mut marker = Marker::NONE;
    let place = |found: Match| {
        let rule = rules.rule(found.rule);
        let start = index.position(text, found.span.start);
        let end = index.position(text, found.span.end);
        let in_file = decoded.in_file(file, found.span);
        Located {
            rule,
            secret: Secret::new(text[found.span.range()].to_vec()),
            confidence: found.confidence,
            reasons: found.reasons,
            allowed_inline: honours_marker && marker.of(&index, text, start.line).iter().any(|accepted| accepted.accepts(rule.id)),
            occurrence: Occurrence {
                origin: origin.clone(),
                start: base.position(start),
                end: base.position(end),
                bytes: base.offset + in_file.start as u64..base.offset + in_file.end as u64,
                excerpt: excerpt(text, &index, start.line, found.span, &spans),
                sighting: None,
            },
        }
    };
    matches.into_iter().map(place).collect()
}

/// What the markers of a line accept; of one line at a time, so that a line with many secrets is read once.
struct Marker {
    /// From 1; 0 before the first.
    line: usize,
    /// On the line itself, and on the one that opens the YAML block around it, where a comment cannot end the line.
    accepted: [Accepted; 2],
}

#[derive(Debug)]
enum Accepted {
    Nothing,
    Everything,
    /// Rules, by their ids.
    Rules(Vec<String>),
}

impl Marker {
    /// Before the first line.
    const NONE: Self = Self { line: 0, accepted: [Accepted::Nothing, Accepted::Nothing] };

    fn of(&mut self, index: &LineIndex, text: &[u8], line: usize) -> &[Accepted; 2] {
        if self.line != line {
            let opener = block_opener(text, index, line).map_or(Accepted::Nothing, Accepted::on);
            *self = Self { line, accepted: [Accepted::on(index.line(text, line)), opener] };
        }
        &self.accepted
    }
}

/// The line `key: |  # comment` above a line of a block: the nearest one that is indented less.
fn block_opener<'t>(text: &'t [u8], index: &LineIndex, line: usize) -> Option<&'t [u8]> {
    let indent = |line: &[u8]| line.iter().take_while(|byte| **byte == b' ').count();
    let own = indent(index.line(text, line));
    let above = (1..line).rev().take(LONGEST_BLOCK).map(|at| index.line(text, at));
    let opener = above.into_iter().find(|line| !line.trim_ascii().is_empty() && indent(line) < own)?;
    let head = opener.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii_end();
    let signs = head.iter().rposition(|byte| !b"+-0123456789".contains(byte))?;
    let before = head[..signs].trim_ascii_end();
    (b"|>".contains(&head[signs]) && before.last().is_none_or(|byte| b":-".contains(byte))).then_some(opener)
}

impl Accepted {
    /// `sopup:allow` alone allows all; followed by ids it allows those rules.
    fn on(line: &[u8]) -> Self {
        work::add(line.len());
        let Some(at) = memchr::memmem::find(line, MARKER) else { return Self::Nothing };
        let rest = String::from_utf8_lossy(&line[at + MARKER.len()..]);
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '-') {
            return Self::Nothing;
        }
        let ids: Vec<String> = rest
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|word| !word.is_empty())
            .take_while(|word| {
                word.contains('-')
                    && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                    && word.starts_with(|c: char| c.is_ascii_alphanumeric())
            })
            .map(str::to_owned)
            .collect();
        if ids.is_empty() { Self::Everything } else { Self::Rules(ids) }
    }

    fn accepts(&self, rule: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Rules(ids) => ids.iter().any(|id| id == rule),
        }
    }
}

fn excerpt(text: &[u8], index: &LineIndex, line: usize, marked: Span, secrets: &[Span]) -> Excerpt {
    let bytes = index.line(text, line);
    let whole = Span::new(index.start(line), index.start(line) + bytes.len());
    let window =
        Span::new(whole.start.max(marked.start.saturating_sub(4 * CONTEXT)), whole.end.min(marked.end + 4 * CONTEXT).max(marked.start));
    work::add(window.len());
    let mut out = String::new();
    let mut mark = 0..0;
    let mut at = window.start;
    let first = secrets.partition_point(|secret| secret.end <= window.start);
    for secret in secrets[first..].iter().take_while(|secret| secret.start < window.end) {
        push(&mut out, &text[at..secret.start.max(at)]);
        let start = out.len();
        out.push_str(&Secret::new(text[secret.range()].to_vec()).redacted());
        if *secret == marked {
            mark = start..out.len();
        }
        at = secret.end;
    }
    if at < window.end {
        push(&mut out, &text[at..window.end]);
    }
    shorten(&out, mark)
}

fn push(out: &mut String, bytes: &[u8]) {
    out.push_str(&String::from_utf8_lossy(bytes));
}

/// Cuts what is far from the mark.
fn shorten(text: &str, mark: Range<usize>) -> Excerpt {
    let lead = text[..mark.start].char_indices().rev().take(CONTEXT).last().map_or(mark.start, |(at, _)| at);
    let tail = text[mark.end..].char_indices().nth(CONTEXT).map_or(text.len(), |(at, _)| mark.end + at);
    let before = if lead > 0 { "…" } else { "" };
    let after = if tail < text.len() { "…" } else { "" };
    let start = before.len() + mark.start - lead;
    let cut = format!("{before}{}{after}", &text[lead..tail]);
    Excerpt { mark: start..start + mark.len(), text: cut }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Hints, detect};
    use crate::rule::builtin;
    use crate::source::SourceKind;
    use crate::text::decode;

    fn located(text: &str) -> Vec<Located> {
        let rules = builtin();
        let decoded = decode(text.as_bytes());
        let matches = detect(text.as_bytes(), Hints::NONE, &rules);
        let origin = Origin { path: "a".into(), source: SourceKind::Worktree };
        locate(text.as_bytes(), &decoded, matches, &rules, &origin, Base::START, InlineAllow::Honoured)
    }

    #[test]
    fn excerpts_mask_every_secret_of_the_line() {
        let found = located("x\nDB_PASSWORD=Walrus88Timber OTHER_PASSWORD=Onyx77Glacier\n");
        assert_eq!(found.len(), 2);
        for one in &found {
            assert!(!one.occurrence.excerpt.text.contains("88") && !one.occurrence.excerpt.text.contains("77"));
            assert!(one.occurrence.excerpt.text[one.occurrence.excerpt.mark.clone()].ends_with("********"));
        }
        assert_eq!(found[0].occurrence.start, Position { line: 2, column: 13 });
    }

    #[test]
    fn long_lines_are_cut() {
        let text = format!("{} password: Walrus88Timber {}", "a ".repeat(900), "b ".repeat(900));
        let found = located(&text);
        assert!(found[0].occurrence.excerpt.text.chars().count() < 200);
    }

    #[test]
    fn the_line_that_opens_a_block_allows_what_is_in_it() {
        let allowed = |text: &str, line: usize| {
            let index = LineIndex::new(text.as_bytes());
            let mut marker = Marker::NONE;
            marker.of(&index, text.as_bytes(), line).iter().any(|accepted| accepted.accepts("a-b"))
        };
        assert!(allowed("tls:\n  key: |  # sopup:allow\n    one\n\n    two\n  after: 1\n", 5));
        assert!(allowed("- >-  # sopup:allow a-b\n  one\n", 2));
        assert!(!allowed("tls:\n  key: |  # sopup:allow\n    one\n  after: 1\n", 4));
        assert!(!allowed("tls:  # sopup:allow\n  key: |\n    one\n", 3));
        assert!(!allowed("tls:  # sopup:allow\n  key: one\n", 2));
        assert!(!allowed("key: |  # sopup:allow c-d\n  one\n", 2));
    }

    #[test]
    fn markers_allow_all_or_named_rules() {
        assert!(Accepted::on(b"x = 1 # sopup:allow").accepts("a-b"));
        assert!(Accepted::on(b"x = 1 # sopup:allow a-b, c-d because").accepts("c-d"));
        assert!(!Accepted::on(b"x = 1 # sopup:allow a-b").accepts("c-d"));
        assert!(Accepted::on(b"<!-- sopup:allow -->").accepts("c-d"));
        assert!(!Accepted::on(b"# sopup:allowed").accepts("c-d"));
    }
}
