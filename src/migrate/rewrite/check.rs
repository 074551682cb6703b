//! What holds for the steps of every rewriter: a value moves whole or not at all, what takes its place is read as one
//! value, and only what is surely a secret is moved unasked.

use crate::migrate::file::{Site, SourceFile};
use crate::migrate::plan::{Action, Applicability, Step};
use crate::migrate::scalar::Written;
use crate::migrate::whole;
use crate::rule::Confidence;
use crate::text::Span;

/// Why a step that would be safe is not, if what it moves may be a false alarm.
const MEDIUM: &str = "it may not be a secret (medium confidence)";

/// The same, where the value itself says what it may be for.
const SAMPLE: &str = "its value speaks of a test or an example";

/// Whether a value has a word in it that people put into what they make up.
fn is_like_sample(site: &Site) -> bool {
    let value = String::from_utf8_lossy(site.secret.expose()).to_lowercase();
    site.secret.expose().len() <= 24 && ["test", "demo", "sample", "example", "dummy"].iter().any(|word| value.contains(word))
}

/// Corrects a step of a file.
pub(super) fn check(step: &mut Step, file: &SourceFile) {
    if step.applicability == Applicability::Manual {
        return;
    }
    if is_cut(step, file) {
        (step.applicability, step.reason) = (Applicability::Manual, whole::CUT.to_owned());
        step.actions.clear();
        step.entries.clear();
        return;
    }
    step.actions.iter_mut().for_each(|action| quote_in_flow(action, file));
    let is_doubtful = |site: &Site| site.confidence < Confidence::High && step.places.iter().any(|place| place.span == site.span);
    if step.applicability == Applicability::Safe && file.sites.iter().any(is_doubtful) {
        super::cast(step, &[], MEDIUM);
    }
    let made_up = |site: &Site| is_like_sample(site) && step.places.iter().any(|place| place.span == site.span);
    if step.applicability == Applicability::Safe && file.sites.iter().any(made_up) {
        super::cast(step, &[], SAMPLE);
    }
}

/// Whether a splice leaves a part of a value.
fn is_cut(step: &Step, file: &SourceFile) -> bool {
    let Some(text) = file.text() else { return false };
    let is_of_place = |span: &Span| step.places.iter().any(|place| place.span.overlaps(*span));
    let spans = step.actions.iter().filter_map(|action| match action {
        Action::Splice { file: path, span, .. } if *path == file.path => Some(*span),
        _ => None,
    });
    spans.filter(is_of_place).any(|span| whole::is_cut(text, file.scalars(), span))
}

/// Puts quotes around what takes the place of a YAML value without quotes in `{…}` or `[…]`, where brackets and commas
/// would end it.
fn quote_in_flow(action: &mut Action, file: &SourceFile) {
    let Action::Splice { file: path, span, text } = action else { return };
    let scalar = file.scalars().around(*span).filter(|scalar| *path == file.path && scalar.content == *span);
    let is_plain = scalar.is_some_and(|scalar| scalar.written == Written::FlowPlain);
    if is_plain && text.contains(['{', '}', '[', ']', ',']) && !text.starts_with(['"', '\'']) {
        *text = format!("'{}'", text.replace('\'', "''"));
    }
}
