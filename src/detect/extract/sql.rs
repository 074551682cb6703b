//! Rows that SQL inserts: `INSERT INTO users (name, password) VALUES ('bob', 'X')`, and those of dumps, whose columns the table
//! before them tells.

use super::name::Context;
use crate::detect::search::Search;
use crate::detect::syntax::named::Value;
use crate::text::Span;

/// How far the list of columns begins before one of them, in bytes; nearer than what is searched anew around a change.
const COLUMNS: usize = 150;
/// How far the statement begins before its list of columns, in bytes.
const HEAD: usize = 160;
/// How far a table's definition reaches to either side of a column, in bytes.
const TABLE: usize = 4096;
/// How far a dump's rows are read behind a column, in bytes; the last statement is read to its end.
const ROWS: usize = 64 << 10;
/// How a statement begins, in either case.
const STATEMENT: &[u8] = b"insert into";

/// If the name is one of the columns of an `INSERT`, what the rows have there.
pub(super) fn values(search: &Search<'_>, context: &Context) -> Vec<Value> {
    let text = search.text;
    let Some(place) = column(search, context.name) else { return dumped(search, context).unwrap_or_default() };
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
    rows(search, at, place).0
}

/// What the rows from a place on have in a column, and where they end.
fn rows(search: &Search<'_>, mut at: usize, place: usize) -> (Vec<Value>, usize) {
    let mut values = Vec::new();
    loop {
        let row = Row::read(search.text, at);
        search.look(Span::new(at, row.as_ref().map_or_else(|&end| end, |row| row.end)));
        let Ok(row) = row else { return (values, at) };
        values.extend(row.literals.into_iter().find(|(number, _)| *number == place).map(|(_, span)| Value { span, uncertain: false }));
        at = row.end;
    }
}

/// What a dump inserts in a column of the table that it has just made:
/// `` CREATE TABLE `user` (`id` int, `password` varchar(64)); INSERT INTO `user` VALUES (1, 'X'); ``.
fn dumped(search: &Search<'_>, context: &Context) -> Option<Vec<Value>> {
    let text = search.text;
    // `, password varchar`: a column is parted from the one before it, and has a type.
    let line = &text[context.line.start..context.name.start];
    let open = line.iter().rev().find(|byte| !byte.is_ascii_whitespace() && !b"`\"[".contains(byte));
    let behind = &text[context.name.end..context.line.end];
    if !is_text_type(behind) || open.is_some_and(|byte| !matches!(byte, b',' | b'(')) {
        return None;
    }
    let low = context.name.start.saturating_sub(TABLE);
    search.look(Span::new(low, context.name.end + 2));
    let made = low + find_last(&text[low..context.name.start], b"create table")?;
    let open = made + memchr::memchr(b'(', &text[made..context.name.start])?;
    let place = place_among(&text[open + 1..context.name.start])?;
    let table = last_part(&text[made..open])?;
    let mut at = context.name.end;
    let mut gap = TABLE;
    let mut values = Vec::new();
    loop {
        let high = text.len().min(at + gap);
        search.look(Span::new(at, high));
        let part = &text[at..high];
        let Some(start) = find_first(part, STATEMENT) else { break };
        let head = &part[start + STATEMENT.len()..];
        let Some(word) = find_first(&head[..head.len().min(HEAD)], b"values") else { break };
        if last_part(&head[..word]).is_none_or(|name| !name.eq_ignore_ascii_case(table)) {
            break;
        }
        let (more, end) = rows(search, at + start + STATEMENT.len() + word + b"values".len(), place);
        values.extend(more);
        if end - context.name.end > ROWS {
            break;
        }
        (at, gap) = (end, HEAD);
    }
    Some(values)
}

/// Whether the type of a column that holds text follows: `` ` varchar(64) ``.
fn is_text_type(behind: &[u8]) -> bool {
    let quote = usize::from(behind.first().is_some_and(|byte| b"`\"]".contains(byte)));
    let Some(rest) = behind.get(quote..).filter(|rest| rest.first().is_some_and(u8::is_ascii_whitespace)) else { return false };
    let rest = rest.trim_ascii_start();
    let word = rest[..rest.len().min(16)].split(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
    [&b"char"[..], b"text", b"binary", b"bytea", b"lob"].iter().any(|part| memchr::memmem::find(&word, part).is_some())
}

/// The number of the column that begins where this ends, if it can be one: what stands before it in the parentheses of a table.
fn place_among(columns: &[u8]) -> Option<usize> {
    let (mut place, mut depth) = (0, 0_usize);
    let mut begins = true;
    let mut at = 0;
    while let Some(&byte) = columns.get(at) {
        match byte {
            b'\'' => at = closing(columns, at + 1, b'\'')?,
            b'-' if columns[at..].starts_with(b"--") => at += memchr::memchr(b'\n', &columns[at..])?,
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => place += 1,
            _ => {}
        }
        begins = byte == b',' && depth == 0 || begins && (byte.is_ascii_whitespace() || b"`\"[".contains(&byte));
        at += 1;
    }
    (begins && depth == 0).then_some(place)
}

/// The last part of a table's name, `user` of `` INTO `shop`.`user` ``; `None` if columns are listed behind it.
fn last_part(text: &[u8]) -> Option<&[u8]> {
    let word = text.trim_ascii().rsplit(|byte| byte.is_ascii_whitespace() || *byte == b'.').next()?;
    let bare = word.iter().position(|byte| !b"`\"[".contains(byte)).map(|start| &word[start..])?;
    let end = bare.iter().rposition(|byte| !b"`\"]".contains(byte))?;
    Some(&bare[..=end]).filter(|name| !name.contains(&b')'))
}

/// Where words begin in a text, in either case: all places in order.
fn places<'t>(text: &'t [u8], lower: &'t [u8]) -> impl DoubleEndedIterator<Item = usize> + 't {
    memchr::memchr2_iter(lower[0], lower[0].to_ascii_uppercase(), text).filter(move |&at| begins(&text[at..], lower))
}

fn find_first(text: &[u8], lower: &[u8]) -> Option<usize> {
    places(text, lower).next()
}

fn find_last(text: &[u8], lower: &[u8]) -> Option<usize> {
    places(text, lower).next_back()
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
    let start = find_last(head, STATEMENT)?;
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
                quote @ (b'\'' | b'"') => {
                    let end = closing(text, at + 1, quote).ok_or(text.len())?;
                    // `MD5('X')`, `HashBytes('MD5', 'X')`: what a call is given last.
                    if depth > 0 {
                        literals.pop_if(|(known, _): &mut (usize, Span)| *known == column);
                    }
                    if end > at + 1 {
                        literals.push((column, Span::new(at + 1, end)));
                    }
                    at = end;
                }
                b'(' => depth += 1,
                b')' if depth == 0 => return Ok(Self { literals, end: at + 1 }),
                b')' => depth -= 1,
                b',' if depth == 0 => column += 1,
                b'i' | b'I' if begins(&text[at..], STATEMENT) => return Err(at + STATEMENT.len()),
                _ => {}
            }
            at += 1;
        }
        Err(text.len())
    }
}

/// Whether a text begins with words, in either case.
fn begins(text: &[u8], lower: &[u8]) -> bool {
    text.get(..lower.len()).is_some_and(|head| head.eq_ignore_ascii_case(lower))
}

/// The quote that ends a literal: neither doubled nor escaped.
fn closing(text: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        at += memchr::memchr2(quote, b'\\', &text[at..])?;
        match (text[at], text.get(at + 1)) {
            (b'\\', Some(_)) => at += 2,
            (b'\\', None) => return None,
            (_, Some(next)) if *next == quote => at += 2,
            _ => return Some(at),
        }
    }
}
