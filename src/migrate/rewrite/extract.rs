//! A Secret in one file with other manifests gets a file of its own, because sops encrypts whole files.

use super::kubernetes::{Manifest, is_in_data, listed};
use super::{made, operator};
use crate::migrate::KubernetesStyle;
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::Site;
use crate::migrate::plan::{Action, Applicability, Piece};
use crate::migrate::policy::SECRET_SELECTOR;
use crate::text::Span;

/// Plans the places in one document; `None` if it cannot have a file of its own.
pub(super) fn rewrite(manifest: &Manifest<'_>, document: usize, sites: &[&Site], draft: &mut Draft<'_>) -> Option<()> {
    let first = sites.first()?;
    if manifest.text.contains("{{") || !sites.iter().all(|site| is_in_data(manifest, site)) {
        return None;
    }
    let file = manifest.file;
    let span = document_around(manifest.text, first.span.start);
    let path = free_path(file.folder(), &manifest.name(document)?, draft);
    let pieces = match draft.kubernetes() {
        KubernetesStyle::SopsSecretsOperator => operator::template(manifest, document)?,
        _ => vec![Piece::Bytes(trimmed(manifest.text, span))],
    };
    let (added, verdict) = listed(file, &path, draft);
    let applied = made::apply(&path, draft);
    let mut actions = vec![
        Action::Extract { file: path.clone(), from: file.path.clone(), pieces },
        Action::Encrypt { file: path, selector: SECRET_SELECTOR },
        Action::Splice { file: file.path.clone(), span: with_separator(manifest.text, span), text: String::new() },
    ];
    actions.extend(added);
    let verdict = match verdict.applicability {
        Applicability::Safe => Verdict::safe(format!("the Secret gets a file of its own; {applied}")),
        _ => verdict,
    };
    draft.step("kubernetes", file, sites, verdict, actions, Vec::new());
    Some(())
}

/// The document that holds an offset, without the separators around it.
fn document_around(text: &str, offset: usize) -> Span {
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let is_separator = line.trim_end() == "---" || line.starts_with("--- ");
        if is_separator && at > offset {
            return Span::new(start, at);
        }
        at += line.len();
        if is_separator {
            start = at;
        }
    }
    Span::new(start, text.len())
}

/// The lines of a document that hold something.
fn trimmed(text: &str, span: Span) -> Span {
    let inside = &text[span.range()];
    let from = inside.len() - inside.trim_start_matches(['\r', '\n', '\u{feff}']).len();
    Span::new(span.start + from, span.end)
}

/// A document with the separator above it. The first one leaves the separator below it in place, which YAML allows.
fn with_separator(text: &str, span: Span) -> Span {
    let above = text[..span.start].trim_end_matches(['\r', '\n']);
    let start = if span.start == 0 { 0 } else { above.rfind('\n').map_or(0, |at| at + 1) };
    Span::new(start, span.end)
}

fn free_path(folder: &str, name: &str, draft: &Draft<'_>) -> String {
    let path = |number: usize| if number == 1 { format!("{folder}{name}.enc.yaml") } else { format!("{folder}{name}-{number}.enc.yaml") };
    (1..).map(path).find(|path| !draft.is_taken(path)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_end_at_separators() {
        let text = "a: 1\n---\n\nb: 2\n---\nc: 3\n";
        let cut = |needle: &str| {
            let span = document_around(text, text.find(needle).expect("is there"));
            (&text[trimmed(text, span).range()], &text[with_separator(text, span).range()])
        };
        assert_eq!(cut("a: 1"), ("a: 1\n", "a: 1\n"));
        assert_eq!(cut("b: 2"), ("b: 2\n", "---\n\nb: 2\n"));
        assert_eq!(cut("c: 3"), ("c: 3\n", "---\nc: 3\n"));
    }
}
