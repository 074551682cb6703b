//! Further places of secrets that were found: where the same value stands without anything that announces it, as it is
//! or in base64. What is left there would still be leaked.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Mutex;

use zeroize::Zeroizing;

use super::file::Site;
use super::needle::Needles;
use super::repo::Texts;
use crate::detect::is_known;
use crate::finding::{Allowlist, Excerpt, Finding, FingerprintKey, Located, Occurrence};
use crate::rule::{Confidence, Kind};
use crate::secret::Secret;
use crate::sought::spelled_whole;
use crate::source::{Origin, SourceKind, Target, Walk, walk};
use crate::text::{LineIndex, Position, Span};

/// Shorter values are found by chance.
const SHORTEST: usize = 12;
/// A password seldom stands in more places than this.
const MANY: usize = 24;
/// Larger files are left to the scan.
const LARGEST: u64 = 8 << 20;
/// Accepts findings of a line, as in scans.
const MARKER: &[u8] = b"sopup:allow";

/// What decides about places.
pub(super) struct Search<'a> {
    /// The files.
    pub walks: &'a [Walk],
    /// What is not to be reported.
    pub allow: &'a Allowlist,
    /// Names values.
    pub key: &'a FingerprintKey,
    /// Keeps the manifests and scripts on the way, if the files are all of the repository.
    pub texts: Option<&'a Texts>,
}

/// Places of the findings' values in the files, those of the findings among them.
pub(super) fn places(findings: &[Finding], search: &Search<'_>) -> Vec<(String, Site)> {
    let known: Vec<&Finding> = findings.iter().filter(|finding| is_sought(finding)).collect();
    let spelled = known.iter().flat_map(|finding| spelled_whole(&finding.secret).into_iter().map(|spelling| (*finding, spelling)));
    let (findings, spelled): (Vec<&Finding>, Vec<_>) = spelled.filter(|(_, spelling)| spelling.len() >= SHORTEST).unzip();
    if spelled.is_empty() {
        return Vec::new();
    }
    let needles = Needles::new(spelled);
    let found = Mutex::new(Vec::new());
    let visit = |target| {
        let Target::File { path, file } = target else { return };
        let length = file.metadata().map_or(0, |about| about.len()).min(LARGEST);
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1));
        if file.take(LARGEST).read_to_end(&mut bytes).is_err() {
            return;
        }
        if let Some(texts) = search.texts {
            texts.see(&path, &bytes);
        }
        if memchr::memchr(0, &bytes).is_some() {
            return;
        }
        let hits: Vec<(String, Site)> = needles
            .hits(&bytes)
            .filter_map(|(span, at)| site(&bytes, &path, span, findings[at], search))
            .map(|site| (path.clone(), site))
            .collect();
        found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(hits);
    };
    search.walks.iter().for_each(|files| _ = walk(files, &visit));
    let mut found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    doubt_words(&mut found);
    found
}

/// What stands in very many places is the name of something, too.
fn doubt_words(found: &mut [(String, Site)]) {
    let mut counts = HashMap::<Secret, usize>::new();
    for (_, site) in found.iter() {
        *counts.entry(site.secret.clone()).or_default() += 1;
    }
    for (_, site) in found.iter_mut().filter(|(_, site)| counts.get(&site.secret).is_some_and(|count| *count > MANY)) {
        site.confidence = site.confidence.min(Confidence::Medium);
    }
}

/// Account IDs are told by what is around them.
fn is_sought(finding: &Finding) -> bool {
    let sort = !matches!(finding.rule.kind, Kind::Identifier | Kind::Hash);
    sort && finding.confidence == Confidence::High && is_telling(&finding.secret)
}

/// Whether a value can hardly stand anywhere by chance.
pub(super) fn is_telling(secret: &Secret) -> bool {
    is_mixed(secret.expose(), SHORTEST)
}

/// `shop-secret-3`: words and a number, as things are called that have many of their kind.
fn is_like_a_name(secret: &Secret) -> bool {
    let value = secret.expose();
    let digits = value.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let word = |byte: &u8| byte.is_ascii_lowercase() || b"-_.".contains(byte);
    digits <= 3 && value[..value.len() - digits].iter().all(word)
}

/// Letters and digits, at least so many.
fn is_mixed(value: &[u8], least: usize) -> bool {
    value.len() >= least && value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// Whether a place is in the name of a field of JSON, by which texts of programs are found.
fn is_in_key(bytes: &[u8], span: Span) -> bool {
    let rest = &bytes[span.end..];
    let Some(close) = rest.iter().position(|byte| matches!(byte, b'"' | b'\n')).filter(|&at| rest[at] == b'"') else { return false };
    !rest[..close].ends_with(b"\\") && rest[close + 1..].trim_ascii_start().starts_with(b":")
}

/// Whether two entries hardly have a value by chance, of whatever length.
pub fn is_distinct(secret: &Secret) -> bool {
    const LEAST: usize = 8;
    is_mixed(secret.expose(), LEAST) && !is_known(secret.expose())
}

fn site(bytes: &[u8], path: &str, span: Span, finding: &Finding, search: &Search<'_>) -> Option<Site> {
    let index = LineIndex::new(bytes);
    let start: Position = index.position(bytes, span.start);
    if path.ends_with(".json") && is_in_key(bytes, span) {
        return None;
    }
    if memchr::memmem::find(index.line(bytes, start.line), MARKER).is_some() {
        return None;
    }
    let secret = Secret::new(bytes[span.range()].to_vec());
    let located = Located {
        rule: finding.rule,
        secret: secret.clone(),
        confidence: finding.confidence,
        reasons: Vec::new(),
        occurrence: Occurrence {
            origin: Origin { path: path.to_owned(), source: SourceKind::Worktree },
            start,
            end: index.position(bytes, span.end),
            bytes: span.start as u64..span.end as u64,
            excerpt: Excerpt { text: String::new(), mark: 0..0 },
            sighting: None,
        },
        allowed_inline: false,
    };
    let fingerprint = search.key.fingerprint(&secret);
    let allowed = search.allow.allows(&located, || fingerprint.clone());
    // Nothing but the text tells of this place.
    let confidence = if is_like_a_name(&secret) { finding.confidence.min(Confidence::Medium) } else { finding.confidence };
    (!allowed).then(|| Site { span, line: start.line, secret, fingerprint, rule: finding.rule, confidence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_like_a_name_is_told_from_what_was_generated() {
        let like = |text: &str| is_like_a_name(&Secret::new(text.as_bytes().to_vec()));
        assert!(like("shop-secret-3") && like("shop.app_password12"));
        assert!(!like("Falcon-Otter-58") && !like("q8zt2v-mx7lk") && !like("orchid7meadow") && !like("shop-2029-1188"));
    }
}
