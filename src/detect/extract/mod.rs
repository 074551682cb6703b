//! Who finds candidates, each sort of place in its own file: providers' formats (`candidate`), what a
//! name holds (`assign`, `manifest`, `table`, `sql`, `prose`, `pipe`), places that tell by themselves
//! (`url`, `login`, `account`) and encoded text (`encoded`).
//!
//! Two are asked where a value stands that nobody generated: `weak` for passwords, `signing` for what programs sign with.
//!
//! How a text is written is read with `syntax`, what a value is worth is asked of `worth`. Readers of
//! names do not call each other: who is asked after whom is told here.

pub(in crate::detect) mod account;
mod assign;
pub(in crate::detect) mod candidate;
pub(in crate::detect) mod encoded;
mod homonym;
mod login;
mod manifest;
mod name;
mod pipe;
mod place;
mod prose;
mod report;
mod signing;
mod sql;
mod table;
mod url;
mod weak;

use assign::compared;
use name::{Context, NameClass};
use report::report;

use crate::detect::Reason;
use crate::detect::search::Search;
use crate::detect::syntax::hints::{Alone, Notation};
use crate::detect::syntax::named::Value;
use crate::detect::syntax::{field, line};
use crate::detect::worth::randomness;
use crate::rule::{Confidence, Cue};
use crate::text::Span;

/// Runs the extractor that a cue asks for.
pub(super) fn follow(search: &mut Search<'_>, cue: Cue, hit: Span) {
    match cue {
        Cue::Password | Cue::Token if search.hints.generic => read_name(search, cue, hit),
        Cue::Url => {
            url::read(search, hit);
            if !search.hints.binary {
                login::read_behind_address(search, hit);
                table::read_credentials(search, hit);
            }
        }
        _ if search.hints.binary => {}
        Cue::Cell => table::read_credentials(search, hit),
        Cue::Account if search.hints.generic => account::read(search, hit),
        Cue::Login if search.hints.generic && search.bytes(hit).ends_with(b"chpasswd") => {
            pipe::read(search, hit);
            login::read_accounts_below(search, hit);
        }
        Cue::Login if search.hints.generic => login::read(search, hit),
        _ => {}
    }
}

/// Base64 over several lines, as `openssl rand -base64 756` writes a key.
fn is_wrapped_key(text: &[u8]) -> bool {
    const LONGEST: usize = 4096;
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let width = lines.next().map_or(0, <[u8]>::len);
    let is_part = |line: &[u8]| line.len() <= width && line.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte));
    text.len() <= LONGEST
        && width >= 40
        && text.contains(&b'\n')
        && is_part(&text[..width])
        && lines.all(is_part)
        && randomness::is_random(&text[..width])
}

/// The longest text that is one secret, in bytes.
const LONGEST_ALONE: usize = 512;

/// A text that is one secret, as the name of its file says.
pub(super) fn read_alone(search: &mut Search<'_>, alone: Alone) {
    let line = line::trim(search.text, Span::new(0, search.text.len()));
    let bytes = search.bytes(line);
    search.look(Span::new(0, search.text.len() + 1));
    if alone == Alone::Token && is_wrapped_key(bytes) {
        return search.found(NameClass::Token.extractor(), line, Confidence::High, vec![Reason::Name, Reason::Random]);
    }
    if bytes.len() > LONGEST_ALONE || bytes.contains(&b'\n') || bytes.contains(&b'=') && !bytes.ends_with(b"=") || search.hints.binary {
        return;
    }
    let class = match alone {
        Alone::Password => NameClass::Password,
        Alone::Token => NameClass::Token,
    };
    report(search, class, &Value { span: line, uncertain: false }, Reason::Name);
}

/// Looks for what the name around a cue holds. One reader is asked after the other:
///
/// 1. what the name is compared with; if it is, nothing else is asked,
/// 2. what is assigned to it; if one of these values is likely a secret, nothing else is asked,
/// 3. the data of a Secret that it begins, or a field beside its own,
/// 4. the cells of its column, or the one beside it,
/// 5. the rows that SQL inserts there,
/// 6. if nothing is assigned and nothing was found: the sentence around it.
fn read_name(search: &mut Search<'_>, cue: Cue, hit: Span) {
    if search.hints.notation != Notation::Source && !search.hints.binary {
        pipe::read_kept(search, hit);
    }
    let Some(name) = name::find(search, hit) else { return };
    if search.bytes(name) == b"passwd" && !search.hints.binary {
        pipe::read(search, name);
    }
    let Some(context) = name::understand(search, name, cue) else { return };
    let before = search.matches.len();
    if let Some(value) = compared::literal(search, &context) {
        return report(search, context.class, &value, Reason::Name);
    }
    let assigned = assign::read(search, &context);
    let sure = search.matches[before..].iter().any(|found| found.confidence >= Confidence::Medium);
    if sure || search.hints.binary {
        return;
    }
    if manifest::begins_secret(search, &context) {
        manifest::read(search, context.line);
    } else {
        let label = context.label();
        let value = field::value_of(search, label).or_else(|| field::declared(search, label));
        // `Value: defaultPass,` names a variable in a program.
        let literal = |span: Span| place::is_quoted(search, span) || place::is_element(search, span);
        let value = value.filter(|value| search.hints.notation != Notation::Source || literal(value.span));
        report_all(search, &context, value, Reason::NameValuePair);
    }
    let cells = table::values(search, &context);
    report_all(search, &context, cells, Reason::Table);
    let inserted = sql::values(search, &context);
    report_all(search, &context, inserted, Reason::Table);
    if assigned || search.matches.len() > before || prose::is_sentence(search, &context) && login::read_pair(search, &context) {
        return;
    }
    let said = prose::values(search, &context);
    report_all(search, &context, said, Reason::Prose);
}

fn report_all(search: &mut Search<'_>, context: &Context, values: impl IntoIterator<Item = Value>, why: Reason) {
    for value in values {
        report(search, context.class, &value, why);
    }
}
