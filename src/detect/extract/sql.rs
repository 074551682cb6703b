//! Rows that SQL inserts: `INSERT INTO users (name, password) VALUES ('bob', 'X')`.

use super::name::Context;
use crate::detect::search::Search;
use crate::detect::syntax::named::Value;
use crate::text::Span;

/// How far the list of columns begins before one of them, in bytes; nearer than what is searched anew around a change.
const COLUMNS: usize = 150;
/// How far the statement begins before its list of columns, in bytes.
const HEAD: usize = 160;
/// How a statement begins, in either case.
const STATEMENT: &[u8] = b"insert into";

/// If the name is one of the columns of an `INSERT`, what the rows have there.
pub(super) fn values(search: &Search<'_>, context: &Context) -> Vec<Value> {
    let text = search.text;
    let Some(place) = column(search, context.name) else { return Vec::new() };
    let rest = &text[context.name.end..];
    // A parenthesis that opens may be the next statement's.
    let close = memchr::memchr3(b')', b';', b'(', rest).unwrap_or(rest.len());
    search.look(Span::new(context.name.start, context.name.end + close + 1));
    if rest.get(close) != Some(&b')') {
        return Vec::new();
    }
    let after = &rest[close + 1..];
    let head = after.trim_ascii_start();
    let mut at = text.len() - head.len();
    search.look(Span::new(context.name.end + close, at + 7));
    if head.len() < 7 || !head[..6].eq_ignore_ascii_case(b"values") {
        return Vec::new();
    }
    at += 6;
    // `(clave, valor)`: what is called a key here is the name of a setting.
    let lower = |span: Span| String::from_utf8_lossy(search.bytes(span)).to_lowercase();
    if lower(context.name) == "clave" && lower(Span::new(context.name.end, context.name.end + close)).contains("valor") {
        return Vec::new();
    }
    let mut values = Vec::new();
    loop {
        let row = Row::read(text, at);
        search.look(Span::new(at, row.as_ref().map_or_else(|&end| end, |row| row.end)));
        let Ok(row) = row else { break };
        values.extend(row.literals.into_iter().find(|(number, _)| *number == place).map(|(_, span)| Value { span, uncertain: false }));
        at = row.end;
    }
    values
}

/// The number of a column in `INSERT INTO table (a, b, c`.
fn column(search: &Search<'_>, name: Span) -> Option<usize> {
    let low = name.start.saturating_sub(COLUMNS);
    let open = low + memchr::memrchr(b'(', &search.text[low..name.start])?;
    let columns = &search.text[open + 1..name.start];
    let listed = |byte: &u8| byte.is_ascii_alphanumeric() || b"_,`\"[]".contains(byte) || byte.is_ascii_whitespace() || !byte.is_ascii();
    if !columns.iter().all(listed) {
        return None;
    }
    let low = open.saturating_sub(HEAD);
    search.look(Span::new(low, name.end));
    let head = &search.text[low..open];
    let start = memchr::memchr2_iter(b'i', b'I', head).rfind(|&at| begins_statement(&head[at..]))?;
    (!head[start..].contains(&b';')).then(|| memchr::memchr_iter(b',', columns).count())
}

/// One row: `( 1, 'x', NULL )`.
struct Row {
    /// Quoted values and their columns.
    literals: Vec<(usize, Span)>,
    end: usize,
}

impl Row {
    /// Reads the row that begins at a place, behind blanks and a comma. If there is none, tells how far that depends on the text.
    /// None reaches beyond the next statement, which is read by itself.
    fn read(text: &[u8], at: usize) -> Result<Self, usize> {
        let lead = text[at..].iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b',').count();
        let mut at = at + lead;
        if text.get(at) != Some(&b'(') {
            return Err(text.len().min(at + 1));
        }
        at += 1;
        let (mut column, mut depth) = (0, 0_usize);
        let mut literals = Vec::new();
        while let Some(&byte) = text.get(at) {
            match byte {
                b'\'' => {
                    let end = closing(text, at + 1).ok_or(text.len())?;
                    if depth == 0 && end > at + 1 {
                        literals.push((column, Span::new(at + 1, end)));
                    }
                    at = end;
                }
                b'(' => depth += 1,
                b')' if depth == 0 => return Ok(Self { literals, end: at + 1 }),
                b')' => depth -= 1,
                b',' if depth == 0 => column += 1,
                b'i' | b'I' if begins_statement(&text[at..]) => return Err(at + STATEMENT.len()),
                _ => {}
            }
            at += 1;
        }
        Err(text.len())
    }
}

fn begins_statement(text: &[u8]) -> bool {
    text.get(..STATEMENT.len()).is_some_and(|head| head.eq_ignore_ascii_case(STATEMENT))
}

/// The quote that ends a literal: neither doubled nor escaped.
fn closing(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'\'', b'\\', &text[at..])?;
        match (text[at], text.get(at + 1)) {
            (b'\'', Some(b'\'')) | (b'\\', Some(_)) => at += 2,
            (b'\'', _) => return Some(at),
            _ => return None,
        }
    }
}
