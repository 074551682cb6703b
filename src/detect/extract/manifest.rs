//! The data of Kubernetes Secrets.
//!
//! A `kind: Secret` line reads what stands from itself up to the next such line of its manifest, and the first one also
//! what stands before it. So a list of many Secrets is read once, and a change of one does not concern the others.

use super::name::{self, Context, NameClass};
use crate::detect::Reason;
use crate::detect::search::Search;
use crate::detect::syntax::field::{is_behind, value_after};
use crate::detect::syntax::line;
use crate::detect::worth::{encoding, judge, placeholder, weak, words};
use crate::rule::lexicon::PUBLIC_FIELDS;
use crate::rule::{Confidence, Cue, Extractor, Judge};
use crate::text::Span;

/// No manifest is indented further than this, in columns.
const DEEPEST: usize = 64;

/// Whether a name is the word `Secret` behind `kind:`.
pub(super) fn begins_secret(search: &Search<'_>, context: &Context) -> bool {
    search.bytes(context.name) == b"Secret" && is_behind(search, context.label(), b"kind:")
}

/// Reads `data` and `stringData` of the manifest around a `kind: Secret` line.
pub(super) fn read(search: &mut Search<'_>, kind: Span) {
    let indent = line::indent(search.bytes(kind));
    if indent > DEEPEST || !line::is_whole(search.text, kind) || !is_kind(search.bytes(kind)) {
        return;
    }
    let begins_part = |bytes: &[u8]| line::indent(bytes) == indent && is_kind(bytes);
    let mut current = start(search, kind, begins_part);
    let mut encoded = None;
    loop {
        let bytes = search.bytes(current);
        let own = line::indent(bytes);
        let trimmed = bytes.trim_ascii();
        if own == indent && !trimmed.is_empty() {
            encoded = match trimmed {
                b"data:" => Some(true),
                b"stringData:" => Some(false),
                _ => None,
            };
        } else if let Some(encoded) = encoded.filter(|_| own > indent && !trimmed.starts_with(b"#")) {
            entry(search, current, encoded);
        }
        let Some(next) = search.whole_line_after(current) else { break };
        if is_border(search.bytes(next)) || next.start > kind.start && begins_part(search.bytes(next)) {
            break;
        }
        current = next;
    }
}

/// The first line that a `kind:` line reads: itself if there is another one before it in the same manifest.
fn start(search: &Search<'_>, kind: Span, begins_part: impl Fn(&[u8]) -> bool) -> Span {
    let mut first = kind;
    while let Some(before) = search.whole_line_before(first) {
        if is_border(search.bytes(before)) {
            break;
        }
        if begins_part(search.bytes(before)) {
            return kind;
        }
        first = before;
    }
    first
}

/// Whether a line stands between two manifests.
fn is_border(line: &[u8]) -> bool {
    line.starts_with(b"---")
}

/// `kind: Secret` and nothing else, but perhaps a comment.
fn is_kind(line: &[u8]) -> bool {
    let reads = |word: &[u8], name: &[u8]| word.iter().filter(|byte| !matches!(byte, b'"' | b'\'')).eq(name);
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"- ").unwrap_or(line);
    let Some(colon) = memchr::memchr(b':', &line[..line.len().min(16)]) else { return false };
    let value = line[colon + 1..].trim_ascii_start();
    let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
    let rest = value[end..].trim_ascii_start();
    reads(line[..colon].trim_ascii(), b"kind") && reads(&value[..end], b"Secret") && (rest.is_empty() || rest[0] == b'#')
}

/// One `key: value` of a Secret.
fn entry(search: &mut Search<'_>, span: Span, is_encoded: bool) {
    let bytes = search.bytes(span);
    let Some(colon) = memchr::memchr(b':', bytes) else { return };
    let key = String::from_utf8_lossy(bytes[..colon].trim_ascii()).trim_matches(['"', '\'']).to_owned();
    let Some(value) = value_after(search.text, span.start + colon, span.end) else { return };
    let plain = if is_encoded { encoding::base64_text(search.bytes(value.span)) } else { Some(search.bytes(value.span).to_vec()) };
    let Some(plain) = plain else { return };
    let class = name::classify(&key, Cue::Token);
    let single = plain.trim_ascii();
    let strong = judge::judge(single, Judge::Password).is_some_and(|verdict| !verdict.reasons.contains(&Reason::Weak));
    // `root: root_password` and `client1: cGFzc3dvcmQ=`: whose it is, and a word for a password.
    let told = || class.is_none() && !is_public(&key) && weak::is_word_for_password(single) && weak::is_of_words(single);
    if class == Some(NameClass::Password) && !strong && weak::is_literal(single) || told() {
        let encoding = if is_encoded { &[Reason::Base64][..] } else { &[] };
        let reasons = [Reason::KubernetesSecret, Reason::Weak].iter().chain(encoding).copied().collect();
        return search.found(Extractor::WeakPassword, value.span, Confidence::Medium, reasons);
    }
    if is_public(&key) || placeholder::is_placeholder(&plain) {
        return;
    }
    let Some((confidence, mut reasons)) = worth(&plain, class.map(NameClass::judge)) else { return };
    reasons.insert(0, Reason::KubernetesSecret);
    if is_encoded {
        reasons.push(Reason::Base64);
    }
    let extractor = class.map_or(Extractor::Token, NameClass::extractor);
    search.found(extractor, value.span, confidence, reasons);
}

/// Keys of a Secret that hold nothing secret.
fn is_public(key: &str) -> bool {
    words::words(key).last().is_some_and(|word| PUBLIC_FIELDS.has(word))
}

fn worth(plain: &[u8], by_name: Option<Judge>) -> Option<(Confidence, Vec<Reason>)> {
    let private = [&b"PRIVATE KEY-----"[..], b"\"auths\"", b"\"private_key\""];
    if plain.len() >= 100 && private.iter().any(|mark| memchr::memmem::find(plain, mark).is_some()) {
        return Some((Confidence::High, Vec::new()));
    }
    let single = plain.trim_ascii();
    let verdict = judge::judge(single, Judge::Password)?;
    match by_name {
        Some(_) => Some((verdict.confidence, verdict.reasons)),
        None if verdict.reasons.contains(&Reason::Random) => Some((judge::lower(verdict.confidence), verdict.reasons)),
        None => None,
    }
}
