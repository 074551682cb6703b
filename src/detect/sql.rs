//! Rows that SQL inserts: `INSERT INTO users (name, password) VALUES ('bob', 'X')`.

use super::assign::{self, Context, Value};
use super::{Reason, Search};
use crate::text::Span;

/// How far the list of columns and all rows reach, in bytes.
const REACH: usize = 64 * 1024;
/// How far the list of columns begins before one of them, in bytes; nearer than what is searched anew around a change.
const COLUMNS: usize = 150;
/// How far the statement begins before its list of columns, in bytes.
const HEAD: usize = 160;
/// Rows that are read.
const ROWS: usize = 500;

/// If the name is one of the columns of an `INSERT`, reports what the rows have there.
pub(super) fn inserted(search: &mut Search<'_>, context: &Context) {
    let text = search.text;
    let Some(place) = column(search, context.name) else { return };
    let high = (context.name.end + REACH).min(text.len());
    let rest = &text[context.name.end..high];
    let close = memchr::memchr2(b')', b';', rest);
    search.look(Span::new(context.name.start, close.map_or(high, |close| context.name.end + close + 1)));
    let Some(close) = close.filter(|&close| rest[close] == b')') else { return };
    let mut at = context.name.end + close + 1;
    let head = text[at..high].trim_ascii_start();
    search.look(Span::new(context.name.start, high.min(high - head.len() + 7)));
    if head.len() < 7 || !head[..6].eq_ignore_ascii_case(b"values") {
        return;
    }
    at = high - head.len() + 6;
    let mut values = Vec::new();
    for _ in 0..ROWS {
        let row = Row::read(text, at, high);
        search.look(Span::new(context.name.start, row.as_ref().map_or_else(|&end| end, |row| row.end)));
        let Ok(row) = row else { break };
        values.extend(row.literals.into_iter().find(|(number, _)| *number == place).map(|(_, span)| span));
        at = row.end;
    }
    for span in values {
        assign::report(search, context.class, &Value { span, uncertain: false }, Reason::Table);
    }
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
    let start = head.windows(11).rposition(|part| part.eq_ignore_ascii_case(b"insert into"))?;
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
    fn read(text: &[u8], at: usize, high: usize) -> Result<Self, usize> {
        let lead = text[at..high].iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b',').count();
        let mut at = at + lead;
        if at >= high || text[at] != b'(' {
            return Err((at + 1).min(high));
        }
        at += 1;
        let (mut column, mut depth) = (0, 0_usize);
        let mut literals = Vec::new();
        while at < high {
            match text[at] {
                b'\'' => {
                    let end = closing(text, at + 1, high).ok_or(high)?;
                    if depth == 0 && end > at + 1 {
                        literals.push((column, Span::new(at + 1, end)));
                    }
                    at = end;
                }
                b'(' => depth += 1,
                b')' if depth == 0 => return Ok(Self { literals, end: at + 1 }),
                b')' => depth -= 1,
                b',' if depth == 0 => column += 1,
                _ => {}
            }
            at += 1;
        }
        Err(high)
    }
}

/// The quote that ends a literal: neither doubled nor escaped.
fn closing(text: &[u8], mut at: usize, high: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'\'', b'\\', &text[at..high])?;
        match (text[at], text.get(at + 1).filter(|_| at + 1 < high)) {
            (b'\'', Some(b'\'')) | (b'\\', Some(_)) => at += 2,
            (b'\'', _) => return Some(at),
            _ => return None,
        }
    }
}
