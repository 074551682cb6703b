//! Secrets in tables: below a header that names them, and in rows that end with a user and a secret.

use super::name::{Context, NameClass};
use crate::detect::Reason;
use crate::detect::search::Search;
use crate::detect::syntax::cells::{html_cells, row_cells, undecorated};
use crate::detect::syntax::columns::Purpose;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::named::Value;
use crate::detect::syntax::table::column;
use crate::detect::syntax::{html, line};
use crate::detect::worth::judge;
use crate::rule::lexicon::ACCOUNTS;
use crate::rule::{Confidence, Extractor, Judge};
use crate::text::Span;

/// If the name stands in a table's header, the cells below it, and the one beside it.
pub(super) fn values(search: &Search<'_>, context: &Context) -> Vec<Value> {
    if search.hints.notation == Notation::Source {
        return Vec::new();
    }
    let purpose = match context.class {
        NameClass::Password => Purpose::Passwords,
        NameClass::Token => Purpose::Tokens,
    };
    let cells = column(search, context.line, context.name.start, purpose).cells();
    let cells = cells.into_iter().chain(html::beside(search, context.name));
    cells.map(|cell| Value { span: last_of_pair(search.text, cell), uncertain: false }).collect()
}

/// A row of service, user name and password, as under a header that is elsewhere or missing.
pub(super) fn read_credentials(search: &mut Search<'_>, hit: Span) {
    if !search.hints.generic || search.hints.notation == Notation::Source || hit.start < search.row_end {
        return;
    }
    let row = search.line_around(hit.start);
    if !line::is_whole(search.text, row) {
        return;
    }
    search.row_end = row.end;
    let cells = match search.bytes(row).trim_ascii_start() {
        [b'|', ..] => row_cells(search.text, row),
        [b'<', ..] => html_cells(search.text, row),
        _ => return,
    };
    let cells: Vec<Span> = cells.into_iter().map(|cell| undecorated(search.text, cell)).collect();
    let [service, .., user, secret] = cells.as_slice() else { return };
    if !is_account(search.bytes(*user), search.bytes(*service)) {
        return;
    }
    let Some(verdict) = judge::judge(search.bytes(*secret), Judge::Password) else { return };
    if verdict.confidence == Confidence::High {
        let reasons = std::iter::once(Reason::Table).chain(verdict.reasons).collect();
        search.found(Extractor::Password, *secret, Confidence::Medium, reasons);
    }
}

/// A customary account name, or the service's own.
fn is_account(user: &[u8], service: &[u8]) -> bool {
    let user = String::from_utf8_lossy(user).to_lowercase();
    ACCOUNTS.has(&user) || user.len() > 2 && user == String::from_utf8_lossy(service).to_lowercase()
}

/// Of `user / secret` the secret.
fn last_of_pair(text: &[u8], cell: Span) -> Span {
    let bytes = &text[cell.range()];
    match memchr::memmem::find(bytes, b" / ") {
        Some(at) => undecorated(text, Span::new(cell.start + at + 3, cell.end)),
        None => cell,
    }
}
