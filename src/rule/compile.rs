//! From a rule as written to a rule that can run: the pattern expanded, its secret group found,
//! its reach bounded, its keywords proven.
//!
//! Shared with `build.rs`; depends on `syntax`, `stretch` and crates only.

use regex_syntax::ParserBuilder;
use regex_syntax::ast::{self, Ast, RepetitionKind, RepetitionRange};
use regex_syntax::hir::{Hir, HirKind, literal};

use super::stretch::Stretch;
use super::syntax::{Block, RuleSyntax};

/// What lies between a name and its value in the usual notations; `%assign%` in a pattern.
const ASSIGN: &str = r#"(?: [0-9A-Za-z_.\-]{0,32}
    (?: ["'`\])]{0,3} (?: [\ \t]{0,20} (?: => | :=? | ={1,3} | \| | > ) [\ \t]{0,20} | [\ \t]{1,8} ) | ["'`] [\ \t]{0,4} , [\ \t]{0,8} )
    (?: [A-Za-z_.]{1,20} \( )? ["'`]{0,3} )"#;

/// The longest text a pattern may match, in bytes.
pub const MAX_REACH: usize = 4096;

/// What `compile` works out about a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// The pattern with macros expanded, in verbose mode without Unicode.
    pub pattern: String,
    /// What is searched for: the same without the bounds of long repetitions.
    pub program: String,
    /// The longest match in bytes.
    pub reach: usize,
    /// What every match contains; its place is known only where matches begin with a keyword.
    pub stretch: Option<Stretch>,
    /// Literal texts of which every match contains one: those of the rule, or else taken from its pattern.
    pub keywords: Vec<String>,
}

/// Why a rule cannot be used. `field` names the line to look at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RuleError {
    /// The field of the rule that is wrong.
    pub field: &'static str,
    /// What is wrong and what to write instead.
    pub message: String,
}

fn error(field: &'static str, message: impl Into<String>) -> RuleError {
    RuleError { field, message: message.into() }
}

/// Checks a rule as written; `None` where an extractor takes the place of the pattern.
pub fn compile(rule: &RuleSyntax) -> Result<Option<Compiled>, RuleError> {
    check_id(&rule.id)?;
    let pattern = match (&rule.pattern, rule.extractor) {
        (Some(pattern), None) => pattern,
        (None, Some(_)) => return check_extractor(rule),
        (None, None) => return Err(error("id", "add a `pattern`: without it the rule matches nothing")),
        (Some(_), Some(_)) => return Err(error("extractor", "`extractor` and `pattern` exclude each other; remove one")),
    };
    let pattern = pattern.replace("%assign%", ASSIGN);
    let hir = parse(&pattern).map_err(|message| error("pattern", message))?;
    let reach = reach(&hir, rule.block)?;
    let keywords = if rule.keywords.is_empty() { keywords_of(&hir).unwrap_or_default() } else { rule.keywords.clone() };
    check_keywords(&keywords)?;
    if !implies_keyword(&hir, &keywords) {
        return Err(error("keywords", "a match need not contain any of the keywords; take literal parts that every match has"));
    }
    for reject in &rule.reject {
        parse(reject).map_err(|message| error("reject", message))?;
    }
    let mut stretch = Stretch::of(&hir);
    if let Some(stretch) = stretch.as_mut().filter(|_| !begins_with_keyword(&hir, &keywords)) {
        stretch.at = None;
    }
    let program = unbounded(&pattern);
    Ok(Some(Compiled { pattern, reach, stretch, keywords, program }))
}

fn check_id(id: &str) -> Result<(), RuleError> {
    let valid = id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if id.is_empty() || !valid || id.starts_with('-') || id.ends_with('-') {
        return Err(error("id", "an id is made of lower-case letters, digits and single dashes, like `acme-api-token`"));
    }
    Ok(())
}

fn check_extractor(rule: &RuleSyntax) -> Result<Option<Compiled>, RuleError> {
    if rule.keywords.is_empty() {
        return Ok(None);
    }
    Err(error("keywords", "a rule with an `extractor` brings its own keywords; remove these"))
}

fn check_keywords(keywords: &[String]) -> Result<(), RuleError> {
    if keywords.is_empty() {
        return Err(error(
            "id",
            "no text of three characters is part of every match: add `keywords`, literal texts of which every match has one",
        ));
    }
    match keywords.iter().find(|keyword| keyword.len() < 3) {
        Some(short) => Err(error("keywords", format!("the keyword `{short}` is shorter than 3 bytes; take a longer one"))),
        None => Ok(()),
    }
}

/// Parses in the mode all rules use: verbose, ASCII classes, bytes.
fn parse(pattern: &str) -> Result<Hir, String> {
    ParserBuilder::new()
        .ignore_whitespace(true)
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern)
        .map_err(|e| format!("not a regular expression: {}", last_line(&e.to_string())))
}

fn last_line(message: &str) -> String {
    message.lines().last().unwrap_or(message).trim_start_matches("error: ").to_owned()
}

fn reach(hir: &Hir, block: Option<Block>) -> Result<usize, RuleError> {
    match hir.properties().maximum_len() {
        Some(0) => Err(error("pattern", "the pattern matches the empty text; name what must be there")),
        Some(reach) if reach <= MAX_REACH => Ok(reach),
        Some(reach) => {
            Err(error("pattern", format!("the longest match has {reach} bytes, {MAX_REACH} is the limit; tighten a repetition")))
        }
        None if block.is_some() => Err(error("pattern", "with `block` the pattern matches the first line alone; bound its repetitions")),
        None => Err(error("pattern", "a match can be endless; write bounded repetitions such as {20,80} instead of `+` and `*`")),
    }
}

/// A pattern without the upper bounds of long repetitions. Each bound is so many copies of a part, which take long to compile;
/// and what is searched is bounded anyway.
fn unbounded(pattern: &str) -> String {
    const LONG: u32 = 150;
    let parsed = ast::parse::ParserBuilder::new().ignore_whitespace(true).build().parse(pattern).expect("it was parsed before");
    let mut program = pattern.to_owned();
    let mut open = vec![&parsed];
    let mut bounds = Vec::new();
    while let Some(part) = open.pop() {
        match part {
            Ast::Repetition(repetition) => {
                if let RepetitionKind::Range(RepetitionRange::Bounded(least, most)) = repetition.op.kind
                    && most >= LONG
                    && most > least
                {
                    bounds.push((repetition.op.span.start.offset, least));
                }
                open.push(&repetition.ast);
            }
            Ast::Group(group) => open.push(&group.ast),
            Ast::Concat(concat) => open.extend(&concat.asts),
            Ast::Alternation(alternation) => open.extend(&alternation.asts),
            _ => {}
        }
    }
    bounds.sort_unstable();
    for (start, least) in bounds.into_iter().rev() {
        let end = start + pattern[start..].find('}').expect("a bound ends") + 1;
        program.replace_range(start..end, &format!("{{{least},}}"));
    }
    program
}

/// Texts of at least three bytes of which every match contains one, the longest there are.
fn keywords_of(hir: &Hir) -> Option<Vec<String>> {
    let longer = |best: Option<Vec<String>>, next: Option<Vec<String>>| {
        let shortest = |words: &Vec<String>| words.iter().map(String::len).min();
        std::cmp::max_by_key(best, next, |words| words.as_ref().and_then(shortest))
    };
    match hir.kind() {
        HirKind::Capture(capture) => keywords_of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 && texts_of(hir).is_none() => keywords_of(&repetition.sub),
        HirKind::Alternation(branches) => branches.iter().map(keywords_of).collect::<Option<Vec<_>>>().map(|words| words.concat()),
        HirKind::Concat(parts) => {
            let (mut best, mut run) = (None, Texts::nothing());
            for part in parts {
                match texts_of(part).and_then(|texts| run.followed_by(&texts)) {
                    Some(joined) => run = joined,
                    None => {
                        best = longer(longer(best, run.words()), keywords_of(part));
                        run = Texts::nothing();
                    }
                }
            }
            longer(best, run.words())
        }
        _ => texts_of(hir).and_then(|texts| texts.words()),
    }
}

/// Whether every match contains one of the keywords, ASCII letters in either case.
fn implies_keyword(hir: &Hir, keywords: &[String]) -> bool {
    let keywords: Vec<Vec<u8>> = keywords.iter().map(|k| k.to_ascii_lowercase().into_bytes()).collect();
    implied_after(&Texts::nothing(), hir, &keywords)
}

/// The same of a part of a pattern that follows certain texts.
fn implied_after(before: &Texts, hir: &Hir, keywords: &[Vec<u8>]) -> bool {
    match hir.kind() {
        HirKind::Alternation(branches) => branches.iter().all(|branch| implied_after(before, branch, keywords)),
        HirKind::Capture(capture) => implied_after(before, &capture.sub, keywords),
        HirKind::Repetition(repetition) if repetition.min > 0 && texts_of(hir).is_none() => {
            implied_after(before, &repetition.sub, keywords)
        }
        HirKind::Concat(parts) => {
            let mut run = before.clone();
            for part in parts {
                if let Some(longer) = texts_of(part).and_then(|texts| run.followed_by(&texts)) {
                    run = longer;
                    continue;
                }
                if run.imply(keywords) || implied_after(&run, part, keywords) {
                    return true;
                }
                run = Texts::nothing();
            }
            run.imply(keywords)
        }
        _ => texts_of(hir).and_then(|texts| before.followed_by(&texts)).is_some_and(|texts| texts.imply(keywords)),
    }
}

/// Whether every match begins with one of the keywords.
fn begins_with_keyword(hir: &Hir, keywords: &[String]) -> bool {
    let prefixes = literal::Extractor::new().extract(hir);
    let keyword = |prefix: &literal::Literal| {
        keywords
            .iter()
            .any(|keyword| prefix.as_bytes().get(..keyword.len()).is_some_and(|head| head.eq_ignore_ascii_case(keyword.as_bytes())))
    };
    prefixes.literals().is_some_and(|prefixes| !prefixes.is_empty() && prefixes.iter().all(keyword))
}

/// The few texts, in lower case, that a stretch of a pattern can be. A byte of 0 stands for "one
/// of many characters" and so is never part of a keyword.
#[derive(Clone)]
struct Texts(Vec<Vec<u8>>);

impl Texts {
    const MOST: usize = 64;

    fn nothing() -> Self {
        Self(vec![Vec::new()])
    }

    /// `None` if that would be too many.
    fn followed_by(&self, next: &Self) -> Option<Self> {
        let few = self.0.len() * next.0.len() <= Self::MOST;
        few.then(|| Self(self.0.iter().flat_map(|head| next.0.iter().map(move |tail| [head.as_slice(), tail].concat())).collect()))
    }

    /// The longest run of certain characters in each; `None` if one has too short a run.
    fn words(&self) -> Option<Vec<String>> {
        let word = |text: &Vec<u8>| {
            let run = text.split(|byte| *byte == 0).max_by_key(|run| run.len()).filter(|run| run.len() >= 3)?;
            String::from_utf8(run.to_vec()).ok()
        };
        self.0.iter().map(word).collect()
    }

    fn imply(&self, keywords: &[Vec<u8>]) -> bool {
        self.0.iter().all(|text| keywords.iter().any(|keyword| contains(text, keyword)))
    }
}

/// The texts a part of a pattern can be, where they are few.
fn texts_of(hir: &Hir) -> Option<Texts> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(Texts::nothing()),
        HirKind::Literal(literal) => Some(Texts(vec![literal.0.to_ascii_lowercase()])),
        HirKind::Capture(capture) => texts_of(&capture.sub),
        HirKind::Alternation(branches) => {
            let texts: Option<Vec<_>> = branches.iter().map(|branch| texts_of(branch).map(|texts| texts.0)).collect();
            texts.map(|texts| Texts(texts.concat()))
        }
        HirKind::Concat(parts) => parts.iter().try_fold(Texts::nothing(), |texts, part| texts.followed_by(&texts_of(part)?)),
        HirKind::Class(_) => {
            Some(Texts(letters(hir).map_or_else(|| vec![vec![0]], |letters| letters.into_iter().map(|letter| vec![letter]).collect())))
        }
        HirKind::Repetition(repetition) if repetition.min == 0 && repetition.max == Some(1) => {
            let mut texts = texts_of(&repetition.sub)?;
            texts.0.push(Vec::new());
            Some(texts)
        }
        HirKind::Repetition(_) => None,
    }
}

/// The few characters, in lower case, that a class stands for; `[Aa]` is the letter `a`.
fn letters(hir: &Hir) -> Option<Vec<u8>> {
    const FEW: usize = 8;
    let HirKind::Class(regex_syntax::hir::Class::Bytes(class)) = hir.kind() else { return None };
    let mut letters: Vec<u8> = class.iter().flat_map(|range| range.start()..=range.end()).map(|byte| byte.to_ascii_lowercase()).collect();
    letters.sort_unstable();
    letters.dedup();
    (letters.len() <= FEW).then_some(letters)
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn implied(pattern: &str, keywords: &[&str]) -> bool {
        let keywords: Vec<String> = keywords.iter().map(|&keyword| keyword.to_owned()).collect();
        implies_keyword(&parse(pattern).expect("a valid pattern"), &keywords)
    }

    #[test]
    fn long_repetitions_lose_their_upper_bounds() {
        for (pattern, wanted) in [
            (r"eyJ[a-z]{14,1100}\.[^{}]{0,2400}? x{3}", r"eyJ[a-z]{14,}\.[^{}]{0,}? x{3}"),
            (r"a{20,149} (?: b{160} | (?<secret> c{1,150} )? ){2,300}", r"a{20,149} (?: b{160} | (?<secret> c{1,} )? ){2,}"),
        ] {
            assert_eq!(unbounded(pattern), wanted);
            assert!(parse(&unbounded(pattern)).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn keywords_that_every_match_contains() {
        assert!(implied(r"\b gh[pousr]_ [0-9A-Za-z]{36}", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]));
        assert!(implied(r"(?: (?i: hubspot [a-z]{0,20} key ) | hapikey ) x", &["hubspot", "hapikey"]));
        assert!(implied(r"(?i: secret [_\-]? key )", &["secretkey", "secret_key", "secret-key"]));
        assert!(implied(r"(?: abc_ ){2,3}", &["abc_"]));
        assert!(implied(r"(?<secret> x{3} (?: token | taken ) )", &["token", "taken"]));
    }

    #[test]
    fn patterns_that_begin_with_a_keyword() {
        let begins = |pattern: &str, keywords: &[&str]| {
            let keywords: Vec<String> = keywords.iter().map(|&keyword| keyword.to_owned()).collect();
            begins_with_keyword(&parse(pattern).expect("a valid pattern"), &keywords)
        };
        assert!(begins(r"\b (?<secret> pat [0-9A-Za-z]{14} )", &["pat"]));
        assert!(begins(r"(?i: ab ) c [0-9]{9} | xyz [0-9]{8}", &["abc", "xyz"]));
        assert!(!begins(r"(?: ^ | [^a-z] ) pat [0-9]{14}", &["pat"]));
        assert!(!begins(r"[0-9]{14} -pat", &["-pat"]));
        assert!(!begins(r"abc [0-9]{9} | xyz [0-9]{8}", &["abc"]));
    }

    #[test]
    fn keywords_are_taken_from_the_pattern() {
        let taken = |pattern: &str| keywords_of(&parse(pattern).expect("a valid pattern"));
        let words = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(taken(r"(?<secret> acme_ [0-9a-z]{20} )"), words(&["acme_"]));
        assert_eq!(taken(r"\b (?<secret> ac [0-9a-z]{20} -acme-live )"), words(&["-acme-live"]));
        assert_eq!(taken(r"(?: tok_live | key_live ) [0-9]{20}"), words(&["tok_live", "key_live"]));
        assert_eq!(taken(r"(?i: acme ) [_\-]? [0-9]{20}"), words(&["acme-", "acme_", "acme"]));
        assert_eq!(taken(r"[0-9a-f]{32}"), None);
        for pattern in [r"(?<secret> acme_ [0-9a-z]{20} )", r"gh[pousr]_ [0-9A-Za-z]{36}", r"(?i: secret [_\-]? key ) x{3}"] {
            let hir = parse(pattern).expect("a valid pattern");
            assert!(implies_keyword(&hir, &keywords_of(&hir).expect("some")), "{pattern}");
        }
    }

    #[test]
    fn keywords_that_a_match_can_lack() {
        assert!(!implied(r"\b gh[pousr]_ [0-9A-Za-z]{36}", &["ghp_"]));
        assert!(!implied(r"(?: abc_ )? [0-9]{4}", &["abc_"]));
        assert!(!implied(r"[a-z]{3}_", &["abc_"]));
        assert!(!implied(r"(?i: secret [_\-]? key )", &["secret_key"]));
    }
}
