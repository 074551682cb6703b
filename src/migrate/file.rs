//! [`SourceFile`]: a text with secrets in it, and [`Site`]: one place of one secret.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::plan::ACCOUNT_RULE;
use super::scalar::Scalars;
use super::whole;
use crate::finding::{Finding, Fingerprint};
use crate::rule::{Confidence, Kind, Rule};
use crate::secret::Secret;
use crate::source::SourceKind;
use crate::text::{Encoding, LineIndex, Span, decode};

/// The files with secrets in them, by path.
pub type SourceFiles = BTreeMap<String, SourceFile>;

/// A text of the working tree and the places where it holds secrets.
#[derive(Debug)]
pub struct SourceFile {
    /// Relative to the top of the repository, with `/` between its parts.
    pub path: String,
    /// What stands in it.
    pub bytes: Zeroizing<Vec<u8>>,
    /// In order of place; they do not overlap.
    pub sites: Vec<Site>,
    lines: LineIndex,
    scalars: Scalars,
}

/// One place of one secret.
#[derive(Debug, Clone)]
pub struct Site {
    /// The secret's bytes in the file.
    pub span: Span,
    /// Its line, from 1.
    pub line: usize,
    /// The secret as it stands in the text.
    pub secret: Secret,
    /// Stands for the value in plans.
    pub fingerprint: Fingerprint,
    /// What found it.
    pub rule: &'static Rule,
    /// How sure it is that it is a secret.
    pub confidence: Confidence,
}

impl SourceFile {
    /// A text and the secrets that findings place in it, each as wide as the value that it begins.
    pub fn new(path: String, bytes: Vec<u8>, mut sites: Vec<Site>) -> Self {
        let text = std::str::from_utf8(&bytes).ok().filter(|_| decode(&bytes).encoding == Encoding::Bytes);
        let scalars = text.map(|text| Scalars::of(&path, text)).unwrap_or_default();
        if let Some(text) = text {
            sites.iter_mut().for_each(|site| site.widen(text, &scalars));
        }
        sites.sort_by_key(|site| (site.span.start, std::cmp::Reverse(site.span.end)));
        // Of two that overlap, the first and longer one stays; the same place found twice keeps what was put in first.
        sites.dedup_by(|next, kept| next.span.overlaps(kept.span));
        let lines = LineIndex::new(&bytes);
        Self { path, bytes: Zeroizing::new(bytes), sites, lines, scalars }
    }

    /// The text, if it is stored as UTF-8.
    pub fn text(&self) -> Option<&str> {
        (self.encoding() == Encoding::Bytes).then(|| std::str::from_utf8(&self.bytes).ok()).flatten()
    }

    /// The values that it holds, as its notation writes them.
    pub(super) fn scalars(&self) -> &Scalars {
        &self.scalars
    }

    /// Whether it is no text: an edit would move what programs find by its place.
    pub fn is_binary(&self) -> bool {
        let decoded = decode(&self.bytes);
        let control = |byte: &u8| matches!(byte, 1..=8 | 14..=26 | 28..=31);
        let text = decoded.text.as_ref();
        memchr::memchr(0, text).is_some() || std::str::from_utf8(text).is_err() && text.iter().any(control)
    }

    /// How the file stores characters.
    pub fn encoding(&self) -> Encoding {
        decode(&self.bytes).encoding
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether its name says that it is there to be copied: `clients.yml.sample`.
    #[must_use]
    pub fn is_sample(&self) -> bool {
        const ENDS: [&str; 4] = ["sample", "example", "dist", "template"];
        self.name().rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end))
    }

    /// Whether its name is one of what Terraform fills in.
    #[must_use]
    pub fn is_filled_by_terraform(&self) -> bool {
        self.name().ends_with(".tpl") || self.name().ends_with(".tftpl")
    }

    /// Whether something else fills it in before a program reads it, by its name.
    pub fn is_template(&self) -> bool {
        const ENDS: [&str; 10] = ["tpl", "tftpl", "tmpl", "gotmpl", "j2", "jinja", "jinja2", "erb", "epp", "mustache"];
        self.name().rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end))
    }

    /// The folder: empty, or ending in `/`.
    pub fn folder(&self) -> &str {
        folder_of(&self.path)
    }

    /// The line that holds an offset, without its end.
    pub fn line_at(&self, offset: usize) -> Span {
        let line = self.lines.position(&self.bytes, offset).line;
        let start = self.lines.start(line);
        Span::new(start, start + self.lines.line(&self.bytes, line).len())
    }

    /// How the file ends its lines.
    pub fn line_end(&self) -> &'static str {
        match memchr::memchr(b'\n', &self.bytes) {
            Some(at) if at > 0 && self.bytes[at - 1] == b'\r' => "\r\n",
            _ => "\n",
        }
    }
}

impl Site {
    /// Whether it is an AWS account ID: told apart from secrets because it is parameterised.
    pub fn is_account(&self) -> bool {
        self.rule.id == ACCOUNT_RULE
    }

    /// The secret itself: a key of several lines without the indentation that it has in the text.
    pub fn value(&self) -> Secret {
        if self.rule.kind != Kind::PrivateKey {
            return self.secret.clone();
        }
        let lines: Vec<&[u8]> = self.secret.expose().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_start).collect();
        Secret::new(lines.join(&b'\n'))
    }

    /// Makes it the whole of the value that it begins.
    fn widen(&mut self, text: &str, scalars: &Scalars) {
        let span = whole::widened(text, scalars, self.span);
        if span != self.span {
            (self.span, self.secret) = (span, Secret::new(text[span.range()].as_bytes().to_vec()));
        }
    }

    /// Whether nothing can be decrypted to it: a hash is not the secret.
    pub fn is_hash(&self) -> bool {
        self.rule.kind == Kind::Hash
    }
}

/// The folder of a path: empty, or ending in `/`.
pub(super) fn folder_of(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..=at])
}

/// Whether a span lies in `ENC[AES256_GCM,…]`: what a rule reads into ciphertext is chance.
pub(super) fn is_sealed(bytes: &[u8], span: Span) -> bool {
    let before = &bytes[..span.start.min(bytes.len())];
    let line = &before[memchr::memrchr(b'\n', before).map_or(0, |at| at + 1)..];
    memchr::memmem::rfind(line, b"ENC[AES256_GCM,").is_some_and(|at| memchr::memchr(b']', &line[at..]).is_none())
}

/// The places of findings in the working tree, by file.
pub(super) fn sites(findings: &[Finding]) -> std::collections::BTreeMap<String, Vec<Site>> {
    let mut by_file = std::collections::BTreeMap::<String, Vec<Site>>::new();
    for finding in findings {
        for place in finding.occurrences.iter().filter(|place| place.origin.source == SourceKind::Worktree) {
            let (Ok(start), Ok(end)) = (usize::try_from(place.bytes.start), usize::try_from(place.bytes.end)) else { continue };
            by_file.entry(place.origin.path.clone()).or_default().push(Site {
                span: Span::new(start, end),
                line: place.start.line,
                secret: finding.secret.clone(),
                fingerprint: finding.fingerprint.clone(),
                rule: finding.rule,
                confidence: finding.confidence,
            });
        }
    }
    by_file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_files_are_told_from_texts() {
        let is_binary = |bytes: &[u8]| SourceFile::new("a".to_owned(), bytes.to_vec(), Vec::new()).is_binary();
        for binary in [&b"\x7fELF\0\0x"[..], b"a\0b", b"\x89PNG\r\n\x1a\n\xff", b"\xe9\x01\x02"] {
            assert!(is_binary(binary), "{binary:?}");
        }
        for text in [&b"a\tb\r\n"[..], "ł\u{1b}[0m\x0c".as_bytes(), b"caf\xe9\n", b"\xff\xfea\0b\0", b"\x01 in a text", b""] {
            assert!(!is_binary(text), "{text:?}");
        }
    }

    #[test]
    fn ciphertext_is_told_from_what_follows_it() {
        let text = b"a: b\nK=ENC[AES256_GCM,data:pw=x,iv:y]; pw=z\npw=u";
        let at = |needle: &[u8]| memchr::memmem::find(text, needle).map(|at| Span::new(at, at + needle.len())).expect("is there");
        assert!(is_sealed(text, at(b"x,iv")));
        assert!(!is_sealed(text, at(b"z")));
        assert!(!is_sealed(text, at(b"u")));
    }
}
