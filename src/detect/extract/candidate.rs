//! Provider formats: each rule's pattern runs only around its keywords, and windows that touch
//! run as one, so that a text full of keywords is still read once per rule.

use std::collections::BTreeMap;

use crate::detect::search::{NEAR, Search};
use crate::detect::syntax::hints::Notation;
use crate::detect::worth::{judge, placeholder, validator, weak, words};
use crate::detect::{Evidence, Match, Objection, Reason};
use crate::rule::lexicon::STAND_IN_USERS;
use crate::rule::{Block, Confidence, Extractor, Judge, Kind, Matcher, Pattern, RuleIndex, Validator};
use crate::text::Span;

/// How far a PEM block may reach, in bytes.
const BLOCK_REACH: usize = 64 * 1024;

/// Hits of a rule's keywords whose windows touch, searched as one.
pub(in crate::detect) struct Chain {
    pub(in crate::detect) rule: RuleIndex,
    /// From the first hit to the end of the last. Every hit of the rule in between is one of the chain.
    pub(in crate::detect) extent: Span,
    /// What is searched.
    pub(in crate::detect) window: Span,
    /// Whether it has to be searched at all.
    pub(in crate::detect) wanted: bool,
}

/// The chain that may still grow, for each rule whose keyword was seen.
#[derive(Default)]
pub(in crate::detect) struct Chains(BTreeMap<RuleIndex, Chain>);

impl Chains {
    /// A keyword of a rule was seen. Returns the chain that this hit ends.
    pub(in crate::detect) fn add(&mut self, search: &Search<'_>, rule: RuleIndex, hit: Span, wanted: bool) -> Option<Chain> {
        let Matcher::Pattern(pattern) = &search.rules.rule(rule).matcher else { return None };
        if !search.rules.is_on(rule) {
            return None;
        }
        let reach = reach(pattern);
        let window = Span::new(hit.start.saturating_sub(reach), (hit.end + reach).min(search.text.len()));
        // What was seen this near is looked at again whenever it changes.
        let may_match = pattern.stretch.is_none_or(|stretch| match stretch.at {
            Some(at) if at + stretch.len <= NEAR => stretch.is_at(search.text, hit.start + at),
            _ => reach > NEAR || stretch.is_in(&search.text[window.range()]),
        });
        if !may_match {
            return None;
        }
        match self.0.get_mut(&rule) {
            Some(open) if window.start <= open.window.end => {
                open.window = Span::new(open.window.start.min(window.start), window.end);
                open.extent = Span::new(open.extent.start.min(hit.start), hit.end);
                open.wanted |= wanted;
                None
            }
            _ => self.0.insert(rule, Chain { rule, extent: hit, window, wanted }),
        }
    }

    /// What is left.
    pub(in crate::detect) fn into_rest(self) -> impl Iterator<Item = Chain> {
        self.0.into_values()
    }
}

/// One byte more than a match can reach, so that `\b` sees what follows it.
fn reach(pattern: &Pattern) -> usize {
    pattern.reach + 1
}

/// Searches a chain's window.
pub(in crate::detect) fn run(search: &mut Search<'_>, chain: &Chain) {
    let (index, window) = (chain.rule, chain.window);
    let rule = search.rules.rule(index);
    let Matcher::Pattern(pattern) = &rule.matcher else { return };
    // A hit this near would have made the chain longer.
    let margin = reach(pattern) + rule.keywords.iter().map(|keyword| keyword.len()).max().unwrap_or(0);
    search.look(Span::new(window.start.saturating_sub(margin), window.end + margin));
    if pattern.stretch.is_some_and(|stretch| !stretch.is_in(search.bytes(window))) {
        return;
    }
    let regex = pattern.regex();
    // `\nghp_…`, `%3Dghp_…`: to the pattern the escape is a part of the word.
    for hit in behind_escapes(search.text, chain.extent, rule.keywords) {
        let end = window.end.min(hit.end + reach(pattern));
        let captures = regex.captures(&search.text[hit.start..end]);
        let secret = captures.as_ref().and_then(|captures| captures.name("secret").or(captures.get(0)));
        if let Some(secret) = secret.filter(|secret| secret.start() == 0) {
            consider(search, index, Span::new(hit.start, hit.start + secret.end()));
        }
    }
    let haystack = &search.text[..window.end];
    let mut at = window.start;
    while let Some(captures) = regex.captures_at(haystack, at) {
        let whole = captures.get(0).expect("group 0 is the match");
        at = if whole.end() > whole.start() { whole.end() } else { whole.end() + 1 };
        let secret = captures.name("secret").unwrap_or(whole);
        consider(search, index, Span::new(secret.start(), secret.end()));
        if at > haystack.len() {
            break;
        }
    }
}

/// The keywords in a part of a text that stand behind an escape.
fn behind_escapes<'a>(text: &'a [u8], part: Span, keywords: &'a [&'static str]) -> impl Iterator<Item = Span> + 'a {
    let low = part.start.saturating_sub(LONGEST_ESCAPE);
    let escapes = memchr::memchr2_iter(b'\\', b'%', &text[low..part.end]).map(move |at| low + at);
    let starts = escapes.filter_map(move |at| escape(&text[at..part.end]).map(|length| at + length)).filter(move |&at| at >= part.start);
    starts.filter_map(move |start| {
        let fits = |keyword: &&&'static str| {
            text[start..part.end].get(..keyword.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(keyword.as_bytes()))
        };
        keywords.iter().find(fits).map(|keyword| Span::new(start, start + keyword.len()))
    })
}

/// Bytes of `\u003d`.
const LONGEST_ESCAPE: usize = 6;

/// Length of the escape that a text begins with: `\n`, `\t`, `\u003d` or `%3D`.
fn escape(text: &[u8]) -> Option<usize> {
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match text {
        [b'\\', b'n' | b't' | b'r', ..] => Some(2),
        [b'\\', b'u', a, b, c, d, ..] if hex(&[*a, *b, *c, *d]) => Some(6),
        [b'%', a, b, ..] if hex(&[*a, *b]) => Some(3),
        _ => None,
    }
}

/// Records what a pattern captured, if it is a credential.
fn consider(search: &mut Search<'_>, index: RuleIndex, span: Span) {
    match assess(search, index, span) {
        Ok(found) => search.matches.push(found),
        Err(objection) => search.reject(Some(index), span, objection),
    }
}

static NO_KEY: Evidence = Evidence::new("no-key", "no whole block with a key");
static SIGNED_URL: Evidence = Evidence::new("signed-url", "who signed a URL");
static CUSTOMARY: Evidence = Evidence::new("customary-login", "a login that documentation shows");

/// Whether what a pattern captured is a credential.
fn assess(search: &Search<'_>, index: RuleIndex, span: Span) -> Result<Match, Objection> {
    let rule = search.rules.rule(index);
    let block = if let Matcher::Pattern(Pattern { block, .. }) = &rule.matcher { *block } else { None };
    let span = match block {
        Some(Block::Pem) => pem(search, span).ok_or(Objection::Is(&NO_KEY))?,
        Some(Block::Base64) => wrapped(search, span),
        None => span,
    };
    let block = block.is_some();
    let value = search.bytes(span);
    if rule.kind == Kind::Identifier && signs_url(search, span) {
        return Err(Objection::Is(&SIGNED_URL));
    }
    if rule.min_entropy.is_some_and(|least| validator::entropy(value) < least) {
        return Err(Objection::Entropy);
    }
    if rule.rejects(value) {
        return Err(Objection::Exception);
    }
    if let Some(fake) = placeholder::fake(value).filter(|_| !block && !takes_words(rule.judge)) {
        return Err(Objection::Is(fake));
    }
    if rule.validators.iter().any(|check| matches!(check, Validator::Base64 | Validator::Base64Pair))
        && let Some(pair) = validator::base64(value)
    {
        match login(&pair) {
            Login::Shown => return Err(Objection::Is(&CUSTOMARY)),
            Login::Weak => {
                let rule = match search.rules.extractor(Extractor::WeakPassword) {
                    None if search.rules.is_switched_off(Extractor::WeakPassword) => return Err(Objection::Is(&CUSTOMARY)),
                    weak => weak.unwrap_or(index),
                };
                return Ok(Match { rule, span, confidence: Confidence::Medium, reasons: vec![Reason::Format, Reason::Weak] });
            }
            Login::Other => {}
        }
    }
    if !rule.validators.iter().all(|&check| validator::passes(check, value)) {
        return Err(Objection::Invalid);
    }
    let mut reasons = vec![Reason::Format];
    let mut confidence = rule.confidence;
    if !rule.validators.is_empty() {
        reasons.push(Reason::Validated);
    }
    if rule.judge != Judge::Format {
        let verdict = match judge::weigh(value, rule.judge) {
            Ok(verdict) if !verdict.reasons.contains(&Reason::Weak) => verdict,
            outcome => {
                let code = matches!(search.hints.notation, Notation::Source | Notation::Quoted);
                // `NewConnection(ctx, endpoint, "lockbox-payload", key)`
                let names = rule.kind == Kind::Password
                    && search.hints.notation == Notation::Source
                    && value.contains(&b'-')
                    && weak::is_joined_words(value);
                let typed = || {
                    let words = || weak::is_joined_words(value) || weak::is_camel_words(value);
                    let joined = || words() && !weak::is_word_for_password(value);
                    // `IDENTIFIED BY 'shop_client_password'`, in what is run
                    let run =
                        || search.hints.notation != Notation::Prose && words() && words::words(&String::from_utf8_lossy(value)).len() > 2;
                    // `IDENTIFIED BY 'shop_password'`, `"secret".toCharArray()`
                    let literal = || {
                        let shown = matches!(search.hints.notation, Notation::Prose | Notation::Unknown);
                        rule.judge == Judge::Literal
                            && if shown { words() && !weak::tells_what_belongs(b"", value) } else { weak::is_any_word(value) }
                    };
                    !names && weak::is_chosen(value) || run() || literal() || !code && (weak::is_sample(value) || joined())
                };
                match search.rules.extractor(Extractor::WeakPassword).filter(|_| takes_words(rule.judge) && typed()) {
                    Some(rule) => {
                        return Ok(Match { rule, span, confidence: Confidence::Medium, reasons: vec![Reason::Format, Reason::Weak] });
                    }
                    None => outcome?,
                }
            }
        };
        confidence = confidence.min(verdict.confidence);
        reasons.extend(verdict.reasons);
    }
    if search.hints.binary && rule.validators.is_empty() && confidence < Confidence::High {
        return Err(Objection::Binary);
    }
    Ok(Match { rule: index, span, confidence, reasons })
}

/// Whether what people type as a password may stand there.
fn takes_words(judge: Judge) -> bool {
    matches!(judge, Judge::Password | Judge::Literal)
}

/// `?AWSAccessKeyId=AKIA…&Expires=1459…&Signature=…`: whoever made a link for others has signed it with a key of this ID.
fn signs_url(search: &Search<'_>, span: Span) -> bool {
    const PARAMETERS: [&[u8]; 4] = [b"&Expires=", b"&amp;Expires=", b"&Signature=", b"&amp;Signature="];
    search.look(Span::new(span.start.saturating_sub(16), span.end + 16));
    // `https://s3.amazonaws.com/AKIA….pictures/a.jpg`: the name of a bucket.
    let bucket = search.text[..span.start].ends_with(b"amazonaws.com/");
    bucket || PARAMETERS.iter().any(|parameter| search.text[span.end..].starts_with(parameter))
}

/// What the pair of user and password in a header is.
enum Login {
    /// `user:pass`, which only shows what stands where.
    Shown,
    /// `admin:admin`, which everybody tries first.
    Weak,
    Other,
}

fn login(pair: &[u8]) -> Login {
    let Some(colon) = memchr::memchr(b':', pair) else { return Login::Other };
    let (user, password) = (&pair[..colon], &pair[colon + 1..]);
    let plain = user.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@'))
        && password.iter().all(u8::is_ascii_graphic);
    if !plain || password.starts_with(b"{") || !placeholder::is_placeholder(password) {
        return Login::Other;
    }
    match password.is_empty() || STAND_IN_USERS.is(user) || placeholder::is_self_declared(password) {
        true => Login::Shown,
        false => Login::Weak,
    }
}

/// From the beginning of base64 through all lines of it.
fn wrapped(search: &Search<'_>, begin: Span) -> Span {
    let text = search.text;
    let limit = (begin.end + BLOCK_REACH).min(text.len());
    let code = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut end = begin.end + text[begin.end..limit].iter().take_while(code).count();
    loop {
        let rest = &text[end..limit];
        let gap = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let line = rest[gap..].iter().take_while(code).count();
        let padding = rest[gap + line..].iter().take_while(|byte| **byte == b'=').count();
        let ends = rest.get(gap + line + padding).is_none_or(u8::is_ascii_whitespace);
        search.look(Span::new(begin.start, end + gap + line + padding + 1));
        if line == 0 || !ends || !rest[..gap].contains(&b'\n') || rest[..gap].iter().filter(|byte| **byte == b'\n').count() > 1 {
            return Span::new(begin.start, end);
        }
        end += gap + line + padding;
    }
}

/// From a `-----BEGIN X-----` to its `-----END X-----`, with at least a key's worth of base64
/// between them.
fn pem(search: &Search<'_>, begin: Span) -> Option<Span> {
    let text = search.text;
    const SHORTEST_BODY: usize = 64;
    let end_of_reach = (begin.end + BLOCK_REACH).min(text.len());
    let body = &text[begin.end..end_of_reach];
    // A block ends before the next one begins.
    let next = memchr::memmem::find(body, b"-----BEGIN").unwrap_or(body.len());
    let end = memchr::memmem::find(&body[..next], b"-----END");
    search.look(Span::new(begin.start, end.map_or(begin.end + next + 10, |end| begin.end + end + 8 + 80)));
    let end = end?;
    let tail = &body[end + 8..];
    let dashes = memchr::memmem::find(&tail[..tail.len().min(80)], b"-----")?;
    let encoded = body[..end].iter().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')).count();
    let elided = memchr::memmem::find(&body[..end], b"...").is_some() || placeholder::is_repetitive(&body[..end]);
    (encoded >= SHORTEST_BODY && !elided).then(|| Span::new(begin.start, begin.end + end + 8 + dashes + 5))
}
