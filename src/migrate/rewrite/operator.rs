//! Secrets for the sops-secrets-operator: a `SopsSecret` whose template holds what the Secret held.

use super::kubernetes::{Manifest, lines_of};
use crate::migrate::change::SOPS_SECRET_VERSION;
use crate::migrate::outline::{Item, Spelling};
use crate::migrate::plan::Piece;
use crate::text::Span;

/// The column of what stands in a template.
const COLUMN: usize = 6;

/// A Secret as a `SopsSecret`, put together of its own lines; `None` if it is written in a way that cannot be.
pub(super) fn template(manifest: &Manifest<'_>, document: usize) -> Option<Vec<Piece>> {
    let (outline, text) = (manifest.outline, manifest.text);
    let name = manifest.name(document)?;
    let known = ["apiVersion", "kind", "metadata", "type", "data", "stringData"];
    let top: Vec<&Item> = outline.children(document, &[]).collect();
    let metadata = outline.key(document, &["metadata"])?;
    let maps = ["metadata", "data", "stringData"];
    let plain =
        |item: &&Item| item.name().is_some_and(|name| known.contains(&name) && (item.spelling == Spelling::None || !maps.contains(&name)));
    if text.contains("{{") || !top.iter().all(plain) {
        return None;
    }
    let end = manifest.file.line_end();
    let head = format!("apiVersion: {SOPS_SECRET_VERSION}{end}kind: SopsSecret{end}");
    let mut pieces = vec![Piece::Text(head), Piece::Bytes(lines_of(text, metadata))];
    pieces.push(Piece::Text(format!("spec:{end}  secretTemplates:{end}    - name: {name}{end}")));
    let described = outline.children(document, &metadata.path).filter(|item| matches!(item.name(), Some("labels" | "annotations")));
    let held = top.iter().copied().filter(|item| matches!(item.name(), Some("type" | "data" | "stringData")));
    for item in described.chain(held) {
        pieces.extend(moved_in(text, item));
        if !text[..item.end].ends_with('\n') {
            pieces.push(Piece::Text(end.to_owned()));
        }
    }
    Some(pieces)
}

/// The lines of an item, deeper by what a template is deep.
fn moved_in<'t>(text: &'t str, item: &Item) -> impl Iterator<Item = Piece> + use<'t> {
    let lines = lines_of(text, item);
    let pad = " ".repeat(COLUMN.saturating_sub(item.column));
    let mut at = lines.start;
    text[lines.range()].split_inclusive('\n').flat_map(move |line| {
        let span = Span::new(at, at + line.len());
        at = span.end;
        let pad = (!line.trim().is_empty()).then(|| Piece::Text(pad.clone()));
        pad.into_iter().chain([Piece::Bytes(span)])
    })
}
