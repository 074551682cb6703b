//! Whether a place is the whole of a value or ends in the middle of it: half of a secret must not stay behind while the
//! other half is moved.

use super::scalar::{ENTITIES, Scalar, Scalars, Written, closing};
use crate::text::Span;

/// Values longer than this are not widened to.
const LONGEST: usize = 64 << 10;

/// Why a step is left to people.
pub(super) const CUT: &str = "the value goes on before or behind what was found, and half of it would stay: move the whole value by hand";

/// A place as wide as the value that it begins, if the value goes on behind it.
pub(super) fn widened(text: &str, scalars: &Scalars, span: Span) -> Span {
    let is_inside = text.is_char_boundary(span.start) && text.is_char_boundary(span.end);
    let Some(scalar) = Some(span).filter(|_| is_inside).and_then(|span| scalars.around(span).or_else(|| literal(text, span))) else {
        return span;
    };
    let content = scalar.content;
    let short = content.len() <= LONGEST && !text[content.range()].contains('\n');
    let (before, rest) = (&text[content.start..span.start], &text[span.end..content.end]);
    let ends = || goes_on(before, rest, Some(scalar.written)) || is_trailing(rest) && is_bare(scalar.written);
    if before.is_empty() && short && ends() { content } else { span }
}

/// Whether a value goes on before or behind a span of a text.
pub(super) fn is_cut(text: &str, scalars: &Scalars, span: Span) -> bool {
    let scalar = scalars.around(span);
    let line = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at);
    let (start, end) = scalar.map_or((line, line_end), |scalar| (scalar.content.start.max(line), scalar.content.end.min(line_end)));
    let (before, rest) = (&text[start..span.start], text[span.end..end].trim_end_matches('\r'));
    let whole_lines = text[..span.end].ends_with('\n');
    let folded = scalar.is_some_and(|scalar| is_bare(scalar.written) && before.is_empty() && is_trailing(rest));
    begins_before(before) || !whole_lines && (folded || goes_on(before, rest, scalar.map(|scalar| scalar.written)))
}

/// A value that nothing but the end of its notation ends.
fn is_bare(written: Written) -> bool {
    matches!(written, Written::Plain)
}

/// Punctuation that ends a sentence or a list, and in a value of its own is part of it.
fn is_trailing(rest: &str) -> bool {
    !rest.is_empty() && rest.chars().all(|c| ",;.:)]}".contains(c))
}

/// The string whose content a span begins, in a notation that is not known further.
fn literal(text: &str, span: Span) -> Option<Scalar> {
    let open = span.start.checked_sub(1).filter(|&at| matches!(text.as_bytes()[at], b'"' | b'\''))?;
    let end = closing(text.as_bytes(), open).filter(|end| *end >= span.end)?;
    let escaped = text[..open].ends_with('\\');
    (!escaped).then_some(Scalar { content: Span::new(span.start, end), written: Written::Escaped })
}

/// Whether a word is open before a place: letters and digits that are no escape and no option of one letter.
fn begins_before(before: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = before.as_bytes();
    let word = bytes.iter().rev().take_while(|byte| is_word(byte)).count();
    let (head, word) = bytes.split_at(bytes.len() - word);
    match word {
        [] => false,
        [_] if head.ends_with(b"-") && head.iter().rev().nth(1).is_none_or(|byte| !is_word(byte) && *byte != b'-') => false,
        [.., b'n' | b'r' | b't'] if word.len() == 1 && head.ends_with(b"\\") => false,
        [b'u', rest @ ..] if head.ends_with(b"\\") => rest.len() != 4 || !rest.iter().all(u8::is_ascii_hexdigit),
        [high, low] if head.ends_with(b"%") => !(high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
        _ => true,
    }
}

/// Whether a value goes on with `rest`, the text behind it in its string or on its line.
fn goes_on(before: &str, rest: &str, written: Option<Written>) -> bool {
    let Some(first) = rest.chars().next() else { return false };
    let is_unquoted = matches!(written, Some(Written::Plain | Written::FlowPlain | Written::Line));
    match first {
        c if c.is_ascii_alphanumeric() => true,
        c if c.is_alphanumeric() => written.is_some(),
        '"' | '\'' | '`' => is_unquoted && before.is_empty() || !closes(before, rest, first),
        '\\' => escape_goes_on(before, rest, written),
        '&' => reference_goes_on(before, rest, written),
        '_' | '-' | '+' | '=' | '~' | '^' | '$' | '!' | '*' | '%' | '#' => {
            let behind = rest.trim_start_matches(|c| "_-+=~^$!*%#".contains(c));
            // `"word#"`
            let quoted = || behind.starts_with(['"', '\'']) && before.ends_with(['"', '\'']);
            written.is_some() || behind.starts_with(|c: char| c.is_ascii_alphanumeric()) || quoted()
        }
        _ => false,
    }
}

/// Whether a quote ends what it stands behind: as many open it as close it, and no word follows.
fn closes(before: &str, rest: &str, quote: char) -> bool {
    let behind = rest.trim_start_matches(quote);
    let opened = before.len() - before.trim_end_matches(quote).len();
    let count = rest.len() - behind.len();
    !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_') && (opened == 0 || opened >= count)
}

/// Whether a backslash belongs to the value: not where it writes a line end, or closes what is quoted inside of a string.
fn escape_goes_on(before: &str, rest: &str, written: Option<Written>) -> bool {
    let behind = rest.trim_start_matches('\\');
    let slashes = &rest[..rest.len() - behind.len()];
    match behind.chars().next() {
        None => written.is_some(),
        Some('n' | 'r' | 't') => !matches!(written, None | Some(Written::Escaped)),
        Some(quote @ ('"' | '\'')) => before.matches(&format!("{slashes}{quote}")).count() % 2 == 0,
        Some(c) => !c.is_whitespace() || written.is_some(),
    }
}

/// Whether `&` or an entity belongs to the value: not where it joins parameters or writes what closes the value.
fn reference_goes_on(before: &str, rest: &str, written: Option<Written>) -> bool {
    let assigns = |text: &str| {
        let name = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte)).count();
        name > 0 && text[name..].starts_with('=')
    };
    let Some((entity, _)) = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity)) else {
        let number = rest.strip_prefix("&#").and_then(|rest| rest.split_once(';'));
        let line_end = number.is_some_and(|(code, _)| matches!(code, "10" | "13" | "xA" | "xD" | "x0A" | "x0D"));
        let word = rest[1..].starts_with(|c: char| c.is_alphanumeric() || c == '#');
        return !line_end && word && written.is_some() && !assigns(&rest[1..]);
    };
    let behind = &rest[entity.len()..];
    match *entity {
        "&amp;" => !assigns(behind),
        "&quot;" | "&apos;" => before.matches(entity).count() % 2 == 0,
        _ => behind.starts_with(|c: char| c.is_alphanumeric()) && *entity == "&gt;",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value that a place becomes, and whether that is still cut. `«…»` marks the place.
    fn moved(path: &str, marked: &str) -> (String, bool) {
        let start = marked.find('«').expect("a place");
        let end = marked.find('»').expect("its end") - '«'.len_utf8();
        let text = marked.replace(['«', '»'], "");
        let scalars = Scalars::of(path, &text);
        let span = widened(&text, &scalars, Span::new(start, end));
        (text[span.range()].to_owned(), is_cut(&text, &scalars, span))
    }

    #[test]
    fn places_grow_to_whole_values() {
        for (path, marked, whole) in [
            (".env", "A=«yjkz4-»\"qTm9vLd2 # c\n", "yjkz4-\"qTm9vLd2"),
            (".env", "A=«yjkz4-qTm9vLd2»\"\n", "yjkz4-qTm9vLd2\""),
            ("a.yaml", "a: '«Im5rO8»''fRYWsPo2'\n", "Im5rO8''fRYWsPo2"),
            ("a.yaml", "a: «Im5rO8»`fRYWsPo2\n", "Im5rO8`fRYWsPo2"),
            ("a.yaml", "a: «Im5rO8fRYWsPo2»,\n", "Im5rO8fRYWsPo2,"),
            ("a.yaml", "a: {b: «Im5rO8»\"fR, c: d}\n", "Im5rO8\"fR"),
            ("a.json", "{\"a\": \"«Kx»\\\"9Tn55kg\\\\2\"}", "Kx\\\"9Tn55kg\\\\2"),
            ("a.toml", "a = \"«Kx»\\\"9Tn55kf\"\n", "Kx\\\"9Tn55kf"),
            ("a.xml", "<a b=\"«Kx»&amp;9T&quot;n5\"/>", "Kx&amp;9T&quot;n5"),
            ("a.ini", "a = «Tk7zw-»\"hRYWsPo4\n", "Tk7zw-\"hRYWsPo4"),
            ("a.go", "a := \"«abcdef»-ghi!\"\n", "abcdef-ghi!"),
        ] {
            assert_eq!(moved(path, marked), (whole.to_owned(), false), "{marked}");
        }
    }

    #[test]
    fn what_is_cut_and_cannot_grow_is_told() {
        for (path, marked) in [
            ("a.sh", "X=«yjkz4-»\"qTm9vLd2\n"),
            ("a.txt", "key «abcdef»ghi\n"),
            ("a.txt", "key abc«defghi»\n"),
            ("a.yaml", "a: x=«Kx9»''9Tn\n"),
            ("a.xml", "<a b=\"c;Password=«Sec»&amp;Tn55kq;X=1\"/>"),
            ("a.json", "{\"a\": \"p=«Kx»\\\"9Tn55kg\"}"),
            ("a.py", "a = b«\"abc\"»\n"),
            ("a.md", "`«LS0tLS1CRUdJTi»BSU0E`\n"),
        ] {
            assert!(moved(path, marked).1, "{marked}");
        }
    }

    #[test]
    fn parts_of_longer_texts_stay_as_they_are() {
        for (path, marked) in [
            ("a.sh", "mysql -p«abc» -u x\n"),
            ("a.sh", "curl -u 'x:«abc»' \\\n"),
            ("a.yaml", "a: postgres://u:«abc»@host/db\n"),
            ("a.yaml", "a: '«abc»'\n"),
            ("a.yaml", "a: {b: «abc», c: d}\n"),
            ("a.yaml", "{{ if x }}\na: \"«abc»\" # c\n"),
            ("a.xml", "<a b=\"https://h/?password=«abc»&amp;user=x\"/>"),
            ("a.xml", "<a>&lt;p&gt;«abc»&lt;/p&gt;</a>"),
            ("a.json", "{\"a\": \"{\\\"b\\\": \\\"«abc»\\\"}\"}"),
            ("a.json", "{\"a\": \"x\\nA=«abc»\\ny\"}"),
            ("a.toml", "a = '«abc»'\n"),
            ("a.py", "a = \"\"\"«abc»\"\"\"\n"),
            ("a.js", "a = 'p=«abc»';\n"),
            ("a.md", "The password is **«abc»**, or «abc»."),
            ("a.md", "密码是«abc»です"),
            ("a.env", "A=\"--password=«abc» -x\"\n"),
            (".env", "A=https://h/?t=«abc»&b=c\n"),
            ("a.txt", "https://h/?q=a%3D«abc»&b=c\n"),
        ] {
            let marked = marked.replacen("«abc».", "abc.", 1);
            assert_eq!(moved(path, &marked), ("abc".to_owned(), false), "{marked}");
        }
    }
}
